import {
  Mdl,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  formatNdisStatus,
  type NetBufferList,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { FULL } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { checkRequests, untilCounted } from './received.ts';
import type { TargetCase } from './target-case.ts';

const { FIN, PSH, RST } = SEGMENT_FLAG;
const STATUSES: readonly number[] = [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_FAILURE];

/** Waits for these segments and checks that each came back once, with a status there is for them, and as it was. */
async function completed(world: TargetWorld, connection: WorldConnection, segments: readonly NetBufferList[]): Promise<void> {
  await world.until(() => connection.forwardCompletions.length >= segments.length, `the completion of ${segments.length} forwarded segments`);
  await world.settle();
  const back = connection.forwardCompletions;
  checkEqual(back.map(({ nbl }) => segments.indexOf(nbl)).sort((a, b) => a - b), segments.map((_, at) => at), 'the forwarded segments that were completed');
  for (const { status } of back) check(STATUSES.includes(status), `a forwarded segment was completed with ${formatNdisStatus(status)}`);
}

/** Segments that the host has received for a connection, and passes down. */
export const forwardCases: readonly TargetCase[] = [
  {
    id: 'target-forward-completed',
    title: 'Each forwarded segment is completed once, whatever it is, and is as it was',
    rules: ['CHIM-FWD-001', 'CHIM-FWD-004'],
    requirement: 'C-NDIS-FWD',
    run: async (world) => {
      const connection = await world.connect();
      const segments = [
        ...connection.forward({ at: 0, length: 100 }, { at: 0, length: 100 }, { at: 100_000, length: 10 }, {}),
        ...connection.forward({ at: -10, length: 10 }),
        ...connection.forward({ at: 100, flags: FIN }),
      ];
      const lengths = segments.map((segment) => present(segment.firstNetBuffer).dataLength);
      await completed(world, connection, segments);
      const lengthOf = new Map(connection.forwardCompletions.map(({ nbl, dataLength }) => [nbl, dataLength]));
      checkEqual(segments.map((segment) => lengthOf.get(segment)), lengths, 'bytes in the forwarded segments that came back');
    },
  },
  {
    id: 'target-forward-as-wire',
    title: 'Forwarded data is delivered and counted as if it had come from the wire',
    rules: ['CHIM-FWD-005', 'CHIM-ST-007'],
    requirement: 'C-NDIS-FWD',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([1000, 1000]);
      const segments = connection.forward({ at: 0, length: 700 }, { at: 700, length: 700 }, { at: 1400, length: 1, flags: PSH });
      await completed(world, connection, segments);
      await world.until(() => connection.receiveCompletions.length >= 2, 'the completion of two requests');
      checkRequests(connection, posted, [{ size: 1000, bytes: pattern(0, 1000) }, { size: 1000, bytes: pattern(1000, 401) }]);
      checkEqual(await connection.countReceived(), 1401, 'bytes that RcvNxt counts');
      checkEqual(connection.forwardCompletions.map(({ status }) => formatNdisStatus(status)), Array(3).fill(formatNdisStatus(NDIS_STATUS_SUCCESS)), 'status of segments that were processed');
    },
  },
  {
    id: 'target-forward-in-pieces',
    title: 'A segment is read behind its options, over as many MDLs as it lies on',
    rules: ['CHIM-FWD-005'],
    requirement: 'C-NDIS-FWD',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      const segment = connection.segment({ at: 0, length: 500, optionBytes: 12 });
      let last: Mdl | null = null;
      let first: Mdl | null = null;
      // The header is in one piece (byte 0 of the first MDL), and the data in four. Each MDL begins inside its memory.
      for (const [from, to] of [[0, 40], [40, 41], [41, 300], [300, 532]] as const) {
        const mdl: Mdl = new Mdl(Uint8Array.of(0xEE, 0xEE, ...segment.subarray(from, to), 0xEE), 2, to - from);
        if (last !== null) last.next = mdl;
        first ??= mdl;
        last = mdl;
      }
      const nbl = present(world.host.pool.allocateNetBufferAndNetBufferList(first, 0, segment.length));
      world.host.nbls.add(nbl);
      const segments = [...connection.forwardList(nbl), ...connection.forward({ at: 500, length: 8, optionBytes: 40 })];
      await completed(world, connection, segments);
      await world.until(() => connection.received.length >= 508, 'the data of two segments with options');
      checkBytes(connection.received, pattern(0, 508), 'what was received');
      checkEqual(await connection.countReceived(), 508, 'bytes that RcvNxt counts');
    },
  },
  {
    id: 'target-forward-known-bytes',
    title: 'Of a segment that has come before, or in part, only what is new is delivered',
    rules: ['CHIM-FWD-005', 'CHIM-ST-007'],
    requirement: 'C-NDIS-FWD',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      const segments = connection.forward({ at: 0, length: 500 }, { at: 0, length: 500 }, { at: 300, length: 600 }, { at: 899, length: 1 }, { at: 1, length: 900 });
      await completed(world, connection, segments);
      await world.until(() => connection.received.length >= 901, '901 bytes');
      checkBytes(connection.received, pattern(0, 901), 'what was received');
      checkEqual(await connection.countReceived(), 901, 'bytes that RcvNxt counts');
    },
  },
  {
    id: 'target-forward-gap',
    title: 'Nothing behind a gap is delivered before the gap is filled',
    rules: ['CHIM-FWD-005', 'CHIM-ST-007', 'CHIM-RXI-009'],
    requirement: 'C-NDIS-FWD',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const segments = connection.forward({ at: 100, length: 100 });
      await world.advance(2000);
      checkEqual(connection.received.length, 0, 'bytes delivered when the first 100 were missing');
      checkEqual(await connection.countReceived(), 0, 'bytes that RcvNxt counts, with the first 100 missing');
      segments.push(...connection.forward({ at: 0, length: 100 }));
      await world.settle();
      const count = connection.received.length;
      check(count === 100 || count === 200, `${count} bytes were delivered when the gap was filled`);
      segments.push(...connection.forward({ at: 100, length: 100 }));
      await completed(world, connection, segments);
      checkBytes(connection.received, pattern(0, 200), 'what was received');
    },
  },
  {
    id: 'target-forward-beyond-window',
    title: 'Nothing beyond the receive window is taken',
    rules: ['CHIM-FWD-005', 'CHIM-RCV-008'],
    requirement: 'C-TCP-SEC',
    requires: ['forward'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect({
        change: ({ cached, delegated }) => {
          present(cached).initialRcvWnd = 1000;
          present(delegated).rcvWnd = 1000;
        },
      });
      const segments = connection.forward({ at: 0, length: 400 }, { at: 400, length: 1400 }, { at: 1000, length: 10 });
      await untilCounted(connection, 400);
      await world.settle();
      const taken = await connection.countReceived();
      check(taken >= 400 && taken <= 1000, `RcvNxt counts ${taken} bytes, the window being 1000 and the host taking nothing`);
      const { buffered, delegated } = await connection.terminate();
      checkBytes(buffered, pattern(0, taken), 'BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, taken, 'bytes that RcvNxt counts at the terminate');
      await completed(world, connection, segments);
    },
  },
  {
    id: 'target-forward-and-wire',
    title: 'Data that comes both from the wire and by forwarding is delivered once',
    rules: ['CHIM-FWD-005', 'CHIM-ST-007'],
    requirement: 'C-NDIS-FWD',
    requires: ['forward', 'peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const written = peer.write(pattern(0, 3000));
      const segments = connection.forward({ at: 0, length: 400 }, { at: 400, length: 1100 });
      await world.wait(written, 'the acknowledgment of everything that the peer has sent');
      segments.push(...connection.forward({ at: 2900, length: 100 }));
      await completed(world, connection, segments);
      await world.wait(peer.write(pattern(3000, 500)), 'the acknowledgment of what the peer has sent then');
      await world.until(() => connection.received.length >= 3500, '3500 bytes');
      checkBytes(connection.received, pattern(0, 3500), 'what was received');
    },
  },
  {
    id: 'target-forward-ack',
    title: 'A forwarded acknowledgment completes what it acknowledges, and the same from the wire does not count again',
    rules: ['CHIM-FWD-005', 'CHIM-SND-010'],
    requirement: 'C-NDIS-FWD',
    requires: ['forward', 'round-trip', 'virtual-time'],
    wishes: { roundTripMs: 200 },
    run: async (world) => {
      const connection = await world.connect();
      const sent = connection.send(pattern(0, 100), pattern(100, 200));
      await world.advance(120);
      checkEqual(connection.sendCompletions.length, 0, 'sends that were completed before anything was acknowledged');
      connection.forward({ acked: 100 });
      await world.settle();
      checkEqual(connection.sendCompletions.map(({ nbl, bytesTransferred }) => [sent.indexOf(nbl), bytesTransferred]), [[0, 100]], 'sends that a forwarded acknowledgment completes');
      checkEqual(await connection.acknowledged(), 100, 'bytes that SndUna counts');
      connection.forward({ acked: 150 }, { acked: 100 });
      await world.settle();
      checkEqual(await connection.acknowledged(), 150, 'bytes that SndUna counts, after an acknowledgment of more and one of less');
      await world.until(() => connection.sendCompletions.length >= 2, 'the completion of the other send');
      await world.advance(1000);
      checkEqual(connection.sendCompletions.map(({ nbl, bytesTransferred }) => [sent.indexOf(nbl), bytesTransferred]), [[0, 100], [1, 200]], 'sends that were completed');
      checkEqual(await connection.acknowledged(), 300, 'bytes that SndUna counts in the end');
    },
  },
  {
    id: 'target-forward-ack-out-of-range',
    title: 'A segment that acknowledges what was never sent, or long before, is dropped with its data',
    rules: ['CHIM-FWD-005'],
    requirement: 'C-TCP-SEC',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const segments = connection.forward({ at: 0, length: 100, acked: 1 }, { at: 0, length: 100, acked: 0x4000_0000 }, { at: 0, length: 100, acked: -100_000 });
      await completed(world, connection, segments);
      await world.advance(2000);
      checkEqual(connection.received.length, 0, 'bytes delivered of segments with an acknowledgment that cannot be');
      checkEqual(await connection.acknowledged(), 0, 'bytes that SndUna counts');
      segments.push(...connection.forward({ at: 0, length: 100, acked: -50 }));
      await completed(world, connection, segments);
      await world.until(() => connection.received.length >= 100, 'the data of a segment with an older acknowledgment');
      checkBytes(connection.received, pattern(0, 100), 'what was received');
    },
  },
  {
    id: 'target-forward-around-reset',
    title: 'Of segments forwarded together, those before an RST are delivered, and those behind it are not',
    rules: ['CHIM-FWD-004', 'CHIM-FWD-005', 'CHIM-EVT-002'],
    requirement: 'C-NDIS-FWD',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const segments = connection.forward({ at: 0, length: 100 }, { at: 100, flags: RST }, { at: 100, length: 100 });
      await world.advance(1000);
      segments.push(...connection.forward({ at: 100, length: 100 }));
      await completed(world, connection, segments);
      checkBytes(connection.received, pattern(0, 100), 'what was received');
      const { journal } = world.host;
      check(journal.findIndex(({ kind }) => kind === 'indicate') < journal.indexOf(present(connection.events[0])), 'the abort came before the data in front of the RST');
      checkEqual(connection.events.length, 1, 'events');
      const late = connection.forwardCompletions.find(({ nbl }) => nbl === segments[3]);
      check(late?.status !== NDIS_STATUS_SUCCESS, 'a segment that was forwarded after an RST was processed');
    },
  },
];
