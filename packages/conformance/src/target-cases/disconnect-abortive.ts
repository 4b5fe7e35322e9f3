import {
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  type NetBufferList,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import type { ConformancePeer } from '../subject.ts';
import { FULL, HUNGRY } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { Uploaded, WorldConnection } from '../world/world-connection.ts';
import { checkBefore, checkDisconnect, checkOutcomes, outcomesOf, sendBeyondWindow } from './outcomes.ts';
import type { TargetCase } from './target-case.ts';

const SUCCESS = NDIS_STATUS_SUCCESS;
const ABORTED = NDIS_STATUS_REQUEST_ABORTED;

/** Reads at the far end to the RST. @returns the bytes there were. @throws ConformanceFailure when there is a FIN, or nothing more. */
async function readToReset(world: TargetWorld, peer: ConformancePeer): Promise<number> {
  for (let count = 0; ;) {
    const part = await world.wait<Uint8Array | string | null>(peer.read().catch(() => 'reset'), 'the RST at the far end');
    check(part !== null, 'the far end got a FIN, not an RST');
    if (typeof part === 'string') return count;
    count += part.length;
  }
}

/**
 * Takes a connection back that was reset, and checks what became of its receive requests: they are aborted, or go on waiting
 * and end with the terminate.
 */
async function takeBackWithRequests(what: string, connection: WorldConnection, requests: readonly NetBufferList[]): Promise<Uploaded> {
  await connection.world.settle();
  const aborted = connection.receiveCompletions.length;
  const uploaded = await connection.terminate();
  const expected = connection.receiveCompletions.map(({ status }, at) => {
    return { status: at >= aborted && status === NDIS_STATUS_UPLOAD_IN_PROGRESS ? status : ABORTED, bytesTransferred: 0, dataLength: present(requests[at]?.firstNetBuffer).dataLength };
  });
  checkOutcomes(what, connection.receiveCompletions, requests, expected);
  return uploaded;
}

/** Abortive disconnects. */
export const disconnectAbortiveCases: readonly TargetCase[] = [
  {
    id: 'target-disconnect-abort-idle',
    title: 'An abortive disconnect of an idle connection ends with SUCCESS, alone, and leaves it CLOSED with the target',
    rules: ['CHIM-DSC-008', 'CHIM-DSC-011', 'CHIM-ST-005', 'CHIM-TRM-004'],
    requirement: 'C-NDIS-DSC',
    run: async (world) => {
      const connection = await world.connect();
      connection.send(pattern(0, 100));
      await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send');
      const nbl = connection.abort();
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of an abortive disconnect');
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 0, dataLength: 0 });
      check(connection.isOffloaded, 'a connection that was reset is no longer with the target');
      const { delegated } = await connection.terminate();
      checkEqual([delegated.state, (delegated.sndUna - connection.sndUna) | 0], [TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed, 100], 'State and bytes acknowledged after an abortive disconnect');
    },
  },
  {
    id: 'target-disconnect-abort-several',
    title: 'Disconnects of several connections that end together are completed by a call each',
    rules: ['CHIM-DSC-011', 'CHIM-DSC-008'],
    requirement: 'C-NDIS-DSC',
    run: async (world) => {
      const connections = await world.connectAll(3);
      const aborts = connections.map((connection) => connection.abort());
      await world.until(() => connections.every(({ disconnectCompletions }) => disconnectCompletions.length > 0), 'the completion of three abortive disconnects');
      const calls = world.host.entries('dataComplete').filter(({ operation }) => operation === 'disconnect');
      checkEqual(calls.map(({ nbls }) => nbls.length), aborts.map(() => 1), 'NBLs of each call that completes disconnects');
      connections.forEach((connection, at) => {
        checkDisconnect(connection, present(aborts[at]), { status: SUCCESS, bytesTransferred: 0, dataLength: 0 });
      });
    },
  },
  {
    id: 'target-disconnect-abort-hardware-failure',
    title: 'An abortive disconnect that finds the hardware broken goes back by its own completion, alone, not as carried out',
    rules: ['CHIM-DSC-011', 'CHIM-DSC-008', 'CHIM-TRM-004'],
    requirement: 'C-NDIS-DSC',
    requires: ['hardware-failure', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([100]);
      world.subject.failHardware?.(connection.hostPort, connection.peerPort);
      const nbl = connection.abort();
      await world.until(() => connection.events.length >= 2, 'the events of a hardware failure');
      await connection.terminate();
      await world.advance(1000);
      checkDisconnect(connection, nbl, { status: NDIS_STATUS_REQUEST_ABORTED, bytesTransferred: 0, dataLength: 0 });
      checkEqual(connection.receiveCompletions.map(({ nbl: request, status }) => [posted.indexOf(request), status]), [[0, NDIS_STATUS_REQUEST_ABORTED]], 'how a receive request ended behind an abortive disconnect on broken hardware');
    },
  },
  {
    id: 'target-disconnect-abort-pending',
    title: 'An abortive disconnect ends what is pending to be sent with REQUEST_ABORTED, before itself; receive requests too, unless they wait for the terminate',
    rules: ['CHIM-DSC-004', 'CHIM-DSC-008', 'CHIM-DSC-009', 'CHIM-DSC-011', 'CHIM-SND-008', 'CHIM-SND-009', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const requests = connection.post([100, 100], { isNoPush: true });
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, 1000, 6000, 0, 50);
      const graceful = connection.disconnect(pattern(7050, 10));
      await world.settle();
      const nbl = connection.abort();
      await world.until(() => connection.disconnectCompletions.length > 1, 'the completion of what an abortive disconnect found pending');
      checkOutcomes('sends that an abortive disconnect found pending', connection.sendCompletions, nbls, outcomesOf(lengths, acked, ABORTED));
      checkBefore(world, 'send', 'disconnect');
      checkDisconnect(connection, graceful, { status: ABORTED, bytesTransferred: 0, dataLength: 10 });
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 0, dataLength: 0 });
      checkEqual(connection.disconnectCompletions.map((each) => each.nbl === nbl), [false, true], 'whether a completed disconnect is the abortive one');
      const { chain, buffered } = await takeBackWithRequests('receive requests that an abortive disconnect found pending', connection, requests);
      checkEqual([chain.length, buffered.length], [0, 0], 'sends and received bytes that come back with a connection that was reset');
    },
  },
  {
    id: 'target-disconnect-abort-then-send',
    title: 'Sends that follow an abortive disconnect are aborted, whether it was carried out or not',
    rules: ['CHIM-DSC-004', 'CHIM-SND-001', 'CHIM-SND-009'],
    requirement: 'C-NDIS-DSC',
    run: async (world) => {
      const connection = await world.connect();
      const nbl = connection.abort();
      const sends: NetBufferList[] = connection.send(pattern(0, 10), pattern(10, 10));
      await world.until(() => connection.disconnectCompletions.length > 0 && connection.sendCompletions.length >= 2, 'the completion of an abortive disconnect and two sends');
      sends.push(...connection.send(pattern(20, 10)));
      await world.until(() => connection.sendCompletions.length >= 3, 'the completion of a send after an abortive disconnect');
      checkOutcomes('sends after an abortive disconnect', connection.sendCompletions, sends, sends.map(() => ({ status: ABORTED, bytesTransferred: 0, dataLength: 10 })));
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 0, dataLength: 0 });
    },
  },
  {
    id: 'target-disconnect-abort-resets',
    title: 'An abortive disconnect sends an RST, at once, and nothing of what was pending goes out any more',
    rules: ['CHIM-DSC-003', 'CHIM-DSC-008', 'CHIM-SND-008'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const { acked } = await sendBeyondWindow(world, connection, 6000, 6000);
      connection.abort();
      const arrived = await readToReset(world, peer);
      check(arrived <= acked, `${arrived} bytes have arrived: ${arrived - acked} of them when the connection had been reset`);
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of an abortive disconnect');
    },
  },
  {
    id: 'target-disconnect-abort-receive',
    title: 'From an abortive disconnect on nothing is delivered or acknowledged, and indications that are kept do not hold it up',
    rules: ['CHIM-DSC-005', 'CHIM-DSC-008'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      world.host.keepsIndicated = true;
      await world.wait(peer.write(pattern(0, 100)), 'the acknowledgment of what the far end sends');
      await world.until(() => connection.received.length > 0, 'what the far end sent');
      world.host.appetite = FULL;
      await world.wait(peer.write(pattern(100, 100)), 'the acknowledgment of what the host refuses');
      await world.settle();
      const nbl = connection.abort();
      const requests = connection.post([50]);
      const before = connection.indications.length;
      let isAcknowledged = false;
      peer.write(pattern(200, 100)).then(
        () => {
          isAcknowledged = true;
        },
        () => undefined,
      );
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of an abortive disconnect while an indication is kept');
      world.host.appetite = HUNGRY;
      await world.advance(10_000);
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 0, dataLength: 0 });
      checkEqual(connection.indications.length - before, 0, 'indications after an abortive disconnect');
      checkEqual(isAcknowledged, false, 'whether what came after an abortive disconnect was acknowledged');
      await takeBackWithRequests('a receive request after an abortive disconnect', connection, requests);
      world.host.returnKept();
    },
  },
  {
    id: 'target-disconnect-abort-in-indication',
    title: 'An abortive disconnect that comes from inside an indication is carried out, and what was indicated is not offered again',
    rules: ['CHIM-DSC-005', 'CHIM-DSC-001'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const nbls: NetBufferList[] = [];
      world.host.appetite = () => {
        if (nbls.length === 0) nbls.push(connection.abort());
        return 0;
      };
      peer.write(pattern(0, 5000)).catch(() => undefined);
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of an abortive disconnect');
      await world.advance(5000);
      const [nbl] = nbls;
      check(nbl !== undefined, 'nothing was indicated');
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 0, dataLength: 0 });
      checkEqual(connection.indications.length, 1, 'indications of a connection that was reset inside the first');
    },
  },
];
