import {
  IRQL,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  formatNdisStatus,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { FULL } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { checkRequests } from './received.ts';
import type { TargetCase } from './target-case.ts';

const { FIN, RST, SYN } = SEGMENT_FLAG;
const { TcpIndicateAbort, TcpIndicateDisconnect, TcpIndicateRetrieve, TcpIndicateSendBacklogChange } = TCP_OFFLOAD_EVENT_TYPE;
const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** Checks the events of the connection so far: which, without information, at DISPATCH_LEVEL. */
export function checkEvents(connection: WorldConnection, expected: readonly number[]): void {
  checkEqual(connection.events.map(({ eventType }) => eventType), expected, 'events');
  const all = connection.world.host.entries('event').filter(({ eventType }) => eventType !== TcpIndicateSendBacklogChange);
  checkEqual(all.length, connection.events.length, 'events of this connection, of all');
  for (const { eventType, information, irql } of connection.events) {
    checkEqual(irql, IRQL.DISPATCH_LEVEL, 'IRQL of an event');
    if (eventType !== TcpIndicateRetrieve) checkEqual(information, 0, 'EventSpecificInformation of an event that has none');
  }
}

/** Checks that the connection still takes data from the peer, from this place of its stream on. */
async function checkAlive(connection: WorldConnection, at: number): Promise<void> {
  connection.forward({ at, length: 10 });
  await connection.world.until(() => connection.received.length >= at + 10, 'data that came after that');
  checkBytes(connection.received, pattern(0, at + 10), 'what was received');
}

/** FIN, RST and SYN of the peer. */
export const eventsCases: readonly TargetCase[] = [
  {
    id: 'target-events-fin',
    title: 'A FIN is told once, after the data in front of it; the receive half is closed, and the state says so',
    rules: ['CHIM-EVT-001', 'CHIM-EVT-019', 'CHIM-EVT-020', 'CHIM-ST-005'],
    requirement: 'C-NDIS-EVT',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      connection.forward({ at: 0, length: 100 }, { at: 100, length: 50, flags: FIN }, { at: 100, length: 50, flags: FIN }, { at: 151, length: 10 });
      await world.advance(1000);
      checkEvents(connection, [TcpIndicateDisconnect]);
      checkBytes(connection.received, pattern(0, 150), 'what was received');
      const { journal } = world.host;
      check(journal.findLastIndex(({ kind }) => kind === 'indicate') < journal.indexOf(present(connection.events[0])), 'TcpIndicateDisconnect came before the data in front of the FIN');
      const { delegated } = await connection.terminate();
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, 151, 'bytes, and a FIN, that RcvNxt counts');
      checkEqual(delegated.state, STATE.TcpConnectionCloseWait, 'TCP state that was given back');
    },
  },
  {
    id: 'target-events-fin-waits',
    title: 'A FIN is not told while data in front of it has not been taken',
    rules: ['CHIM-EVT-001', 'CHIM-RXI-003'],
    requirement: 'C-NDIS-EVT',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect();
      connection.forward({ at: 0, length: 100 }, { at: 100, length: 50, flags: FIN });
      await world.advance(10_000);
      checkEvents(connection, []);
      const posted = connection.post([120]);
      await world.advance(10_000);
      checkEvents(connection, []);
      posted.push(...connection.post([30]));
      await world.settle();
      checkRequests(connection, posted, [{ size: 120, bytes: pattern(0, 120) }, { size: 30, bytes: pattern(120, 30) }]);
      checkEvents(connection, [TcpIndicateDisconnect]);
      const { journal } = world.host;
      const last = journal.findLastIndex((entry) => entry.kind === 'dataComplete' && entry.operation === 'receive');
      check(last < journal.indexOf(present(connection.events[0])), 'TcpIndicateDisconnect came before the completion of the last data');
    },
  },
  {
    id: 'target-events-fin-out-of-order',
    title: 'A FIN behind a gap is not told before the gap is filled',
    rules: ['CHIM-EVT-001', 'CHIM-FWD-005'],
    requirement: 'C-NDIS-EVT',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      connection.forward({ at: 100, length: 50, flags: FIN }, { at: 150, flags: FIN });
      await world.advance(5000);
      checkEvents(connection, []);
      checkEqual(present((await connection.query()).delegated).state, STATE.TcpConnectionEstablished, 'TCP state after a FIN behind a gap');
      connection.forward({ at: 0, length: 100 });
      await world.settle();
      connection.forward({ at: 100, length: 50, flags: FIN });
      await world.advance(1000);
      checkEvents(connection, [TcpIndicateDisconnect]);
      checkBytes(connection.received, pattern(0, 150), 'what was received');
    },
  },
  {
    id: 'target-events-fin-of-peer',
    title: 'When the peer ends, the host hears of it, and may go on sending',
    rules: ['CHIM-EVT-001', 'CHIM-ST-005'],
    requirement: 'C-NDIS-EVT',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const written = peer.write(pattern(0, 2000));
      await world.wait(peer.end(), 'the acknowledgment of the peer\'s FIN');
      await written;
      await world.until(() => connection.events.length > 0, 'TcpIndicateDisconnect');
      checkEvents(connection, [TcpIndicateDisconnect]);
      checkBytes(connection.received, pattern(0, 2000), 'what was received');
      connection.send(pattern(0, 1500));
      checkBytes(await world.read(peer, 1500), pattern(0, 1500), 'what the host sent after the peer\'s FIN');
      await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send after the peer\'s FIN');
      checkEqual(connection.sendCompletions.map(({ status }) => formatNdisStatus(status)), [formatNdisStatus(NDIS_STATUS_SUCCESS)], 'status of a send after the peer\'s FIN');
    },
  },
  {
    id: 'target-events-reset',
    title: 'An RST at RcvNxt is told once and ends everything that is pending with REQUEST_ABORTED; resources stay',
    rules: ['CHIM-EVT-002', 'CHIM-EVT-019', 'CHIM-EVT-020', 'CHIM-ST-005'],
    requirement: 'C-NDIS-EVT',
    requires: ['forward', 'peer', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      // More than a peer takes that nobody reads.
      const bytes = 2 * present(world.options.peerWindowBytes);
      connection.send(pattern(0, bytes), pattern(0, 100));
      connection.post([100], { isNoPush: true });
      connection.disconnect();
      await world.advance(500);
      checkEqual([connection.sendCompletions.length, connection.disconnectCompletions.length], [0, 0], 'sends and disconnects that were completed while the peer had no room');
      connection.forward({ at: 0, flags: RST });
      await world.advance(1000);
      checkEvents(connection, [TcpIndicateAbort]);
      const ended = [...connection.sendCompletions, ...connection.receiveCompletions, ...connection.disconnectCompletions];
      checkEqual(ended.map(({ status }) => formatNdisStatus(status)), Array(4).fill(formatNdisStatus(NDIS_STATUS_REQUEST_ABORTED)), 'status of two sends, a receive and a disconnect that an RST ended');
      checkEqual(ended.slice(1).map(({ bytesTransferred }) => bytesTransferred), [0, 0, 0], 'bytes of requests that nothing was done for');
      connection.send(pattern(0, 10));
      connection.forward({ at: 0, flags: RST }, { at: 0, flags: FIN });
      await world.advance(1000);
      checkEqual(formatNdisStatus(present(connection.sendCompletions[2]).status), formatNdisStatus(NDIS_STATUS_REQUEST_ABORTED), 'status of a send after an RST');
      checkEvents(connection, [TcpIndicateAbort]);
      const { delegated } = await connection.terminate();
      checkEqual(delegated.state, STATE.TcpConnectionClosed, 'TCP state that was given back');
    },
  },
  {
    id: 'target-events-reset-of-peer',
    title: 'When the peer resets the connection, the host hears of it after the data that came before, and gets its requests back',
    rules: ['CHIM-EVT-002', 'CHIM-RCV-011'],
    requirement: 'C-NDIS-EVT',
    requires: ['peer'],
    run: async (world) => {
      const [one, other] = await world.connectAll(2);
      const [connection, untouched] = [present(one), present(other)];
      const peer = await connection.peer();
      await world.wait(peer.write(pattern(0, 3000)), 'the acknowledgment of what the peer sends');
      await world.until(() => connection.received.length >= 3000, 'what the peer has sent');
      connection.post([10], { isNoPush: true });
      peer.reset();
      await world.until(() => connection.receiveCompletions.length > 0, 'the completion of a request that an RST ended');
      checkEvents(connection, [TcpIndicateAbort]);
      checkBytes(connection.received, pattern(0, 3000), 'what was received');
      checkEqual(formatNdisStatus(present(connection.receiveCompletions[0]).status), formatNdisStatus(NDIS_STATUS_REQUEST_ABORTED), 'status of a request that an RST ended');
      await world.wait((await untouched.peer()).write(pattern(0, 100)), 'the acknowledgment of what another peer sends');
      await world.until(() => untouched.received.length >= 100, 'what another peer has sent');
    },
  },
  {
    id: 'target-events-reset-elsewhere',
    title: 'An RST outside the window has no effect, and one inside it aborts nothing unless it is at RcvNxt',
    rules: ['CHIM-EVT-003'],
    requirement: 'C-TCP-SEC',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      connection.post([10], { isNoPush: true });
      const { rcvWnd } = present((await connection.query()).delegated);
      for (const at of [-1, rcvWnd, rcvWnd + 1, 0x7FFF_FFFF, 1, 200, rcvWnd - 1]) connection.forward({ at, flags: RST });
      await world.advance(2000);
      checkEvents(connection, []);
      checkEqual(connection.receiveCompletions.length, 0, 'requests that an RST elsewhere ended');
      await checkAlive(connection, 0);
      connection.forward({ at: 9, flags: RST }, { at: 11, flags: RST });
      await world.advance(1000);
      checkEvents(connection, []);
      connection.forward({ at: 10, flags: RST });
      await world.advance(1000);
      checkEvents(connection, [TcpIndicateAbort]);
    },
  },
  {
    id: 'target-events-syn-elsewhere',
    title: 'A SYN that is not at RcvNxt changes nothing for the host',
    rules: ['CHIM-EVT-004'],
    requirement: 'C-TCP-SEC',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const { rcvWnd } = present((await connection.query()).delegated);
      for (const at of [-1, 1, 200, rcvWnd, 0x4000_0000]) connection.forward({ at, length: 10, flags: SYN });
      await world.advance(2000);
      checkEvents(connection, []);
      checkEqual(connection.received.length, 0, 'bytes delivered of segments with SYN');
      await checkAlive(connection, 0);
      const { delegated } = await connection.terminate();
      checkEqual(delegated.state, STATE.TcpConnectionEstablished, 'TCP state that was given back');
    },
  },
  {
    id: 'target-events-syn-in-order',
    title: 'After a SYN at RcvNxt the host is asked to take the connection back, in CLOSED, with nothing of the segment in it',
    rules: ['CHIM-EVT-005', 'CHIM-EVT-007'],
    requirement: 'C-TCP-SEC',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      for (const state of [STATE.TcpConnectionEstablished, STATE.TcpConnectionCloseWait]) {
        const connection = await world.connect({
          change: ({ delegated }) => {
            present(delegated).state = state;
          },
        });
        const posted = connection.post([100]).length;
        connection.forward({ at: 0, length: 20, flags: SYN }, { at: 0, length: 20 });
        await world.advance(1000);
        checkEqual(connection.events.map(({ eventType }) => eventType), [TcpIndicateRetrieve], `events after a SYN in state ${state}`);
        const { delegated, buffered } = await connection.terminate();
        checkEqual(delegated.state, STATE.TcpConnectionClosed, `TCP state that was given back, it having been ${state},`);
        checkEqual(connection.received.length + buffered.length, 0, 'bytes delivered of the segment with SYN, and of what came after it');
        checkEqual(connection.receiveCompletions.length, posted, 'requests that ended');
      }
    },
  },
];
