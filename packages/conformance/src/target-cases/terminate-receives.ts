import { NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, formatNdisStatus, netBufferListBytes, type NetBufferList } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { FULL } from '../world/case-host.ts';
import { pattern, patternBefore } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { concat, type WorldConnection } from '../world/world-connection.ts';
import { checkGivenBack } from './given-back.ts';
import { checkBefore, checkDisconnect, sendBeyondWindow } from './outcomes.ts';
import { untilCounted } from './received.ts';
import type { TargetCase } from './target-case.ts';

const UPLOAD = NDIS_STATUS_UPLOAD_IN_PROGRESS;

async function untilReceived(world: TargetWorld, connection: WorldConnection): Promise<void> {
  // In short steps: a delayed acknowledgment is not to go out meanwhile.
  for (let waitedMs = 0; connection.received.length === 0 && waitedMs < 60_000; waitedMs++) await world.advance(1);
  check(connection.received.length > 0, 'what the far end sent did not come');
}

/** Checks that each of these forwarded segments was completed once, in whatever order. */
function checkEach(connection: WorldConnection, segments: readonly NetBufferList[]): void {
  const places = connection.forwardCompletions.map(({ nbl }) => segments.indexOf(nbl)).sort((a, b) => a - b);
  checkEqual(places, segments.map((_, at) => at), 'forwarded segments that were completed');
}

/** What has come from the far end when a terminate comes. */
export const terminateReceiveCases: readonly TargetCase[] = [
  {
    id: 'target-terminate-requests',
    title: 'Receive requests that a terminate finds pending end with UPLOAD_IN_PROGRESS, in order, before it completes; no byte is lost',
    rules: ['CHIM-TRM-005', 'CHIM-TRM-013', 'CHIM-RCV-011'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const requests = connection.post([200, 1000, 1000], { isNoPush: true });
      await world.wait(peer.write(pattern(0, 500)), 'the acknowledgment of what the far end sends');
      const { delegated, buffered } = await connection.terminate();
      checkEqual(connection.receiveCompletions.map(({ nbl }) => requests.indexOf(nbl)), [0, 1, 2], 'the order of completion of receive requests');
      checkEqual(connection.receiveCompletions.map(({ status }) => formatNdisStatus(status)), [NDIS_STATUS_SUCCESS, UPLOAD, UPLOAD].map(formatNdisStatus), 'what receive requests were completed with');
      checkBefore(world, 'receive', 'terminate');
      checkBytes(concat([connection.received, buffered]), pattern(0, 500), 'what the host got, and then BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 500, 'bytes received, as the RcvNxt of a terminate says');
    },
  },
  {
    id: 'target-terminate-buffered',
    title: 'Received bytes that the host refused come back in BufferedData and end at RcvNxt',
    rules: ['CHIM-TRM-013', 'CHIM-ST-007'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      world.host.appetite = FULL;
      await world.wait(peer.write(pattern(0, 10_000)), 'the acknowledgment of what the host refuses');
      const { delegated, buffered } = await connection.terminate();
      checkBytes(concat([connection.received, buffered]), pattern(0, 10_000), 'what the host got, and then BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 10_000, 'bytes received, as the RcvNxt of a terminate says');
    },
  },
  {
    id: 'target-terminate-buffered-partly',
    title: 'Of received bytes that the host took in part the rest comes back in BufferedData, and nothing twice',
    rules: ['CHIM-TRM-013', 'CHIM-ST-007'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      let left = 1234;
      world.host.appetite = ({ length }) => {
        const taken = Math.min(left, length);
        left -= taken;
        return taken;
      };
      await world.wait(peer.write(pattern(0, 5000)), 'the acknowledgment of what the host takes in part');
      connection.post([300]);
      await world.settle();
      const { delegated, buffered } = await connection.terminate();
      check(connection.received.length < 5000, 'the host was given more than it was ready to take');
      checkBytes(concat([connection.received, buffered]), pattern(0, 5000), 'what the host got, and then BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 5000, 'bytes received, as the RcvNxt of a terminate says');
    },
  },
  {
    id: 'target-terminate-buffered-inherited',
    title: 'BufferedData of an initiate that nobody has asked for comes back with the terminate',
    rules: ['CHIM-TRM-013', 'CHIM-ST-007'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      const connection = await world.connect({ buffered: [100, 1, 4999] });
      world.host.appetite = FULL;
      const { delegated, buffered } = await connection.terminate();
      checkBytes(concat([connection.received, buffered]), patternBefore(5100), 'what the host got, and then BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 0, 'bytes received, as the RcvNxt of a terminate says');
    },
  },
  {
    id: 'target-terminate-forwards',
    title: 'Forwarded segments that a terminate finds pending are completed before it, and what was taken of them is not lost',
    rules: ['CHIM-TRM-005', 'CHIM-TRM-013', 'CHIM-FWD-004'],
    requirement: 'C-NDIS-TRM',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      const nbls = [...connection.forward({ length: 300 }, { at: 300, length: 300 }), ...connection.forward({ at: 600, length: 300 })];
      const { delegated, buffered } = await connection.terminate();
      checkEach(connection, nbls);
      checkBefore(world, 'forward', 'terminate');
      const statuses = connection.forwardCompletions.map(({ status }) => status);
      check(statuses.every((status) => status === NDIS_STATUS_SUCCESS || status === UPLOAD), `forwarded segments ended with ${statuses.map(formatNdisStatus).join(', ')}`);
      const taken = 300 * statuses.filter((status) => status === NDIS_STATUS_SUCCESS).length;
      checkBytes(concat([connection.received, buffered]), pattern(0, taken), 'what the host got, and then BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, taken, 'bytes received, as the RcvNxt of a terminate says');
    },
  },
  {
    id: 'target-terminate-out-of-order',
    title: 'Data beyond a gap is not handed over, not delivered and not counted',
    rules: ['CHIM-TRM-012', 'CHIM-TRM-013'],
    requirement: 'C-NDIS-TRM',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      world.host.appetite = FULL;
      connection.forward({ length: 100 });
      connection.forward({ at: 200, length: 100 }, { at: 350, length: 50 });
      await untilCounted(connection, 100);
      const { delegated, buffered } = await connection.terminate();
      checkBytes(concat([connection.received, buffered]), pattern(0, 100), 'what the host got, and then BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 100, 'bytes received, as the RcvNxt of a terminate says');
      checkBefore(world, 'forward', 'terminate');
    },
  },
  {
    id: 'target-terminate-acknowledges',
    title: 'What was received is acknowledged when the terminate completes, delayed acknowledgments too',
    rules: ['CHIM-TRM-011'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      let isAcknowledged = false;
      const writing = peer.write(pattern(0, 10)).then(() => {
        isAcknowledged = true;
      });
      await untilReceived(world, connection);
      const { delegated } = await connection.terminate();
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 10, 'bytes received, as the RcvNxt of a terminate says');
      await world.until(() => isAcknowledged, 'the acknowledgment of what a connection had received when it was taken back');
      await writing;
    },
  },
  {
    id: 'target-terminate-kept',
    title: 'What the host keeps of a connection stays as it is after the terminate, until the host returns it',
    rules: ['CHIM-RXI-006', 'CHIM-TRM-013'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      world.host.keepsIndicated = true;
      await world.wait(peer.write(pattern(0, 6000)), 'the acknowledgment of what the far end sends');
      await world.until(() => connection.received.length >= 6000, 'what the far end sent');
      const { buffered } = await connection.terminate();
      checkEqual(buffered.length, 0, 'bytes of BufferedData when the host has all');
      const other = await world.connect();
      await world.wait((await other.peer()).write(pattern(100, 6000)), 'the acknowledgment of what another far end sends');
      await world.until(() => other.received.length >= 6000, 'what another far end sent');
      const kept = world.host.kept.slice(0, connection.indications.filter(({ taken, bytes }) => taken === bytes.length).length);
      checkBytes(concat(kept.map(netBufferListBytes)), pattern(0, 6000), 'what the host keeps of a connection that was taken back');
      world.host.returnKept();
    },
  },
  {
    id: 'target-terminate-everything',
    title: 'With everything pending a terminate completes last, and every request has ended once',
    rules: ['CHIM-TRM-005', 'CHIM-TRM-006', 'CHIM-TRM-007', 'CHIM-TRM-013', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer', 'forward'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      world.host.appetite = FULL;
      const requests = connection.post([4000], { isNoPush: true });
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, 3000, 3000, 10);
      await world.wait(peer.write(pattern(0, 5000)), 'the acknowledgment of what the far end sends');
      const nbl = connection.disconnect(pattern(6010, 5));
      requests.push(...connection.post([100_000, 10], { isNoPush: true }));
      const forwards = connection.forward({ at: 5000, length: 0 }, { at: 10_000, length: 10 });
      const uploaded = await connection.terminate();
      checkGivenBack(connection, nbls, lengths, uploaded, { acked, beyond: 6 });
      checkDisconnect(connection, nbl, { status: UPLOAD, bytesTransferred: 0, dataLength: 5 });
      checkEqual(connection.receiveCompletions.map((each) => requests.indexOf(each.nbl)), [0, 1, 2], 'the order of completion of receive requests');
      checkEach(connection, forwards);
      for (const kind of ['send', 'receive', 'forward', 'disconnect'] as const) checkBefore(world, kind, 'terminate');
      checkBytes(concat([connection.received, uploaded.buffered]), pattern(0, 5000), 'what the host got, and then BufferedData');
      checkEqual((uploaded.delegated.rcvNxt - connection.rcvNxt) | 0, 5000, 'bytes received, as the RcvNxt of a terminate says');
    },
  },
];
