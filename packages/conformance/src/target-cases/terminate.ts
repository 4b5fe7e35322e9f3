import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  TIMEOUT_DELTA_NOT_RUNNING,
  formatNdisStatus,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf, referenceBlock, siblings, under } from '../probes/trees.ts';
import type { JournalEntry } from '../world/journal.ts';
import { pattern } from '../world/pattern.ts';
import { WorldConnection, concat } from '../world/world-connection.ts';
import { checkGivenBack } from './given-back.ts';
import { checkOutcomes, sendBeyondWindow } from './outcomes.ts';
import type { TargetCase } from './target-case.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** Delegated values that nothing changes while a connection is idle, all of them different. */
const IDLE = { cWnd: 11_000, ssThresh: 12_000, sRtt: 13, rttVar: 14, tsRecent: 15, maxSndWnd: 70_000, sndWnd: 60_000, totalRT: 0, dupAckCount: 0, sndWndProbeCount: 0 } as const;

function idleValues(delegated: TcpOffloadStateDelegated): Record<string, number> {
  return Object.fromEntries(Object.keys(IDLE).map((name) => [name, delegated[name as keyof typeof IDLE]]));
}

export const terminateCases: readonly TargetCase[] = [
  {
    id: 'target-terminate-idle',
    title: 'An idle connection comes back with the delegated values it went with, nothing under way and no timer running (GV-TRM-2)',
    rules: ['CHIM-TRM-004', 'CHIM-TRM-009', 'CHIM-TRM-013'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      const connection = await world.connect({
        change: ({ delegated }) => {
          Object.assign(present(delegated), IDLE);
        },
      });
      const { block, delegated, chain, buffered } = await connection.terminate();
      checkEqual(formatNdisStatus(block.status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of a terminate');
      checkEqual(idleValues(delegated), IDLE, 'delegated values of an idle connection');
      const { state, sndUna, sndNxt, sndMax, rcvNxt } = delegated;
      checkEqual([state, sndUna, sndNxt, sndMax, rcvNxt], [STATE.TcpConnectionEstablished, connection.sndUna, connection.sndUna, connection.sndUna, connection.rcvNxt], 'State, SndUna, SndNxt, SndMax and RcvNxt of an idle connection');
      checkEqual([delegated.retransmit.timeoutDelta, delegated.keepAlive.timeoutDelta], [TIMEOUT_DELTA_NOT_RUNNING, TIMEOUT_DELTA_NOT_RUNNING], 'TimeoutDelta of timers that do not run');
      checkEqual([chain.length, buffered.length], [0, 0], 'NBLs in the chain, and bytes of BufferedData, of an idle connection');
    },
  },
  {
    id: 'target-terminate-after-traffic',
    title: 'After traffic both ways the numbers that come back are those of the bytes that were sent and received',
    rules: ['CHIM-TRM-004', 'CHIM-TRM-009', 'CHIM-TRM-013'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      connection.send(pattern(0, 3000), pattern(3000, 17));
      connection.post([1000]);
      await world.wait(peer.write(pattern(0, 2345)), 'the acknowledgment of what the far end sends');
      await world.read(peer, 3017);
      await world.until(() => connection.sendCompletions.length >= 2 && connection.received.length >= 2345, 'the completion of two sends, and what the far end sent');
      const { delegated, chain, buffered } = await connection.terminate();
      const sent = (connection.sndUna + 3017) | 0;
      const { state, sndUna, sndNxt, sndMax, rcvNxt } = delegated;
      checkEqual([state, sndUna, sndNxt, sndMax, rcvNxt], [STATE.TcpConnectionEstablished, sent, sent, sent, (connection.rcvNxt + 2345) | 0], 'State, SndUna, SndNxt, SndMax and RcvNxt after traffic both ways');
      checkEqual([chain.length, buffered.length], [0, 0], 'NBLs in the chain, and bytes of BufferedData, when nothing is under way');
      checkEqual(delegated.retransmit.timeoutDelta, TIMEOUT_DELTA_NOT_RUNNING, 'TimeoutDelta of the retransmit timer when all is acknowledged');
    },
  },
  {
    id: 'target-terminate-half-closed',
    title: 'A connection comes back in the state it is in: CLOSE_WAIT, FIN_WAIT_2 or CLOSED',
    rules: ['CHIM-TRM-004', 'CHIM-ST-005'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const closedByPeer = await world.connect();
      const peer = await closedByPeer.peer();
      await world.wait(peer.write(pattern(0, 10)), 'the acknowledgment of what the far end sends');
      await world.wait(peer.end(), 'the acknowledgment of the FIN of the far end');
      await world.until(() => closedByPeer.events.length > 0, 'TcpIndicateDisconnect');
      const { delegated: first } = await closedByPeer.terminate();
      checkEqual([first.state, (first.rcvNxt - closedByPeer.rcvNxt) | 0], [STATE.TcpConnectionCloseWait, 11], 'State, and numbers received, when the peer has closed');
      const closedByHost = await world.connect();
      closedByHost.disconnect(pattern(0, 10));
      await world.until(() => closedByHost.disconnectCompletions.length > 0, 'the completion of a graceful disconnect');
      const { delegated: second } = await closedByHost.terminate();
      checkEqual([second.state, (second.sndUna - closedByHost.sndUna) | 0, (second.sndMax - closedByHost.sndUna) | 0], [STATE.TcpConnectionFinWait2, 11, 11], 'State, and numbers acknowledged and sent, when the host has closed');
      const reset = await world.connect();
      (await reset.peer()).reset();
      await world.until(() => reset.events.length > 0, 'an event after an RST');
      const { delegated: third } = await reset.terminate();
      checkEqual([third.state, (third.sndUna - reset.sndUna) | 0], [STATE.TcpConnectionClosed, 0], 'State, and numbers acknowledged, when the peer has reset the connection');
    },
  },
  {
    id: 'target-terminate-tree',
    title: 'A tree of neighbor, path and connections comes back in one terminate, every block with SUCCESS, every object once',
    rules: ['CHIM-TRM-004', 'CHIM-TRM-014', 'CHIM-ST-001'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      const connections = [world.tcp(), world.tcp(), world.tcp()].map((block) => new WorldConnection(world, block));
      const path = world.path(connections.map(({ block }) => block));
      const neighbor = world.neighbor(path);
      await world.operate('initiate', neighbor);
      connections[1]?.send(pattern(0, 100));
      const handles = blocksOf(neighbor).map(({ offloadHandle }) => present(offloadHandle));
      const tree = under(
        referenceBlock(OFFLOAD_STATE_TYPE.NeighborOffloadState, present(neighbor.offloadHandle)),
        under(referenceBlock(OFFLOAD_STATE_TYPE.Ip4OffloadState, present(path.offloadHandle)), ...connections.map((connection) => connection.terminateBlock())),
      );
      const blocks = blocksOf(tree);
      await world.operate('terminate', tree);
      checkEqual(blocks.map(({ status }) => formatNdisStatus(status)), blocks.map(() => formatNdisStatus(NDIS_STATUS_SUCCESS)), 'the status of each block of a terminate');
      checkEqual(blocksOf(tree).map((block) => blocks.indexOf(block)), blocks.map((_, at) => at), 'the blocks of a terminate, in their order');
      checkEqual(handles.map(({ state }) => state), handles.map(() => 'dead'), 'where each object of a tree stands that was taken back');
      for (const [at, connection] of connections.entries()) connection.uploaded(present(blocks[at + 2]));
    },
  },
  {
    id: 'target-terminate-several',
    title: 'Connections that one terminate takes back get what is their own: sends, numbers and received bytes',
    rules: ['CHIM-TRM-004', 'CHIM-TRM-007', 'CHIM-TRM-009', 'CHIM-TRM-013'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      world.host.appetite = () => 0;
      const connections = await world.connectAll(3);
      const pending = [];
      for (const [at, connection] of connections.entries()) {
        pending.push(await sendBeyondWindow(world, connection, 3000, 3000 + at, 100));
        await world.wait((await connection.peer()).write(pattern(0, 10 * at + 1)), 'the acknowledgment of what the host refuses');
      }
      const blocks = connections.map((connection) => connection.terminateBlock());
      await world.operate('terminate', present(siblings(...blocks)));
      for (const [at, connection] of connections.entries()) {
        const uploaded = connection.uploaded(present(blocks[at]));
        const { nbls, lengths, acked } = present(pending[at]);
        checkEqual(formatNdisStatus(uploaded.block.status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of each block of a terminate');
        checkGivenBack(connection, nbls, lengths, uploaded, { acked });
        checkBytes(concat([connection.received, uploaded.buffered]), pattern(0, 10 * at + 1), 'what the host got, and then BufferedData');
      }
    },
  },
  {
    id: 'target-terminate-silence',
    title: 'From the completion of a terminate on nothing comes for the connection, and what its peer sends is not acknowledged',
    rules: ['CHIM-TRM-005', 'CHIM-TRM-006', 'CHIM-TRM-010', 'CHIM-TRM-014'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      connection.send(pattern(0, 6000));
      await world.wait(peer.write(pattern(0, 100)), 'the acknowledgment of what the far end sends');
      connection.post([10_000], { isNoPush: true });
      let isAcknowledged = false;
      const writing = peer.write(pattern(100, 3000)).then(() => {
        isAcknowledged = true;
      });
      const uploaded = await connection.terminate();
      const hasArrived = ((uploaded.delegated.rcvNxt - connection.rcvNxt) | 0) >= 3100;
      const before = world.host.journal.length;
      await world.advance(120_000);
      checkEqual(world.host.journal.slice(before).map(({ kind }) => kind).filter((kind) => kind === 'dataComplete' || kind === 'indicate' || kind === 'event'), [], 'callbacks for a connection after its terminate has completed');
      checkEqual(isAcknowledged, hasArrived, 'whether what came during a terminate was acknowledged after it');
      const again = await world.reconnect(connection, uploaded);
      await world.wait(writing, 'the acknowledgment of what came during a terminate, once the connection is offloaded again');
      again.post([4000]);
      await world.until(() => connection.received.length + again.received.length >= 3100, 'what came during a terminate');
      checkBytes(concat([connection.received, again.received]), pattern(0, 3100), 'what the host got in both lives of a connection');
    },
  },
  {
    id: 'target-terminate-inside',
    title: 'A terminate that comes from inside a callback completes after that callback has returned',
    rules: ['CHIM-TRM-006', 'CHIM-TRM-005', 'CHIM-BLK-009'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const isWanted: Record<string, (entry: JournalEntry) => boolean> = {
        'a send completion': (entry) => entry.kind === 'dataComplete' && entry.operation === 'send',
        'an indication': ({ kind }) => kind === 'indicate',
        'an event': ({ kind }) => kind === 'event',
        'a receive completion': (entry) => entry.kind === 'dataComplete' && entry.operation === 'receive',
      };
      for (const [where, isIt] of Object.entries(isWanted)) {
        const connection = await world.connect();
        const peer = await connection.peer();
        const root = connection.terminateBlock();
        let isBegun = false;
        world.host.whenCalled = (entry) => {
          if (isBegun || !isIt(entry)) return;
          isBegun = true;
          world.begin('terminate', root);
        };
        if (where === 'a receive completion') connection.post([10]);
        connection.send(pattern(0, 10));
        peer.write(pattern(0, 100)).catch(() => undefined);
        peer.end().catch(() => undefined);
        await world.completed('terminate', root);
        const completion = world.host.journal.find((entry) => entry.kind === 'stateComplete' && entry.root === root);
        checkEqual(completion?.depth, 0, `callbacks on the stack when a terminate completed that came from inside ${where}`);
        checkEqual(formatNdisStatus(root.status), formatNdisStatus(NDIS_STATUS_SUCCESS), `the status of a terminate that came from inside ${where}`);
        connection.uploaded(root);
      }
    },
  },
  {
    id: 'target-terminate-frees',
    title: 'The room of a connection is taken until its terminate completes, whatever became of it, and free from then on',
    rules: ['CHIM-TRM-014', 'CHIM-ST-005'],
    requirement: 'C-NDIS-TRM',
    requires: ['connection-capacity'],
    wishes: { connectionCapacity: 1 },
    run: async (world) => {
      for (let round = 0; round < 5; round++) {
        const connection = await world.connect();
        connection.send(pattern(0, 100));
        if (round % 2 === 1) connection.abort();
        await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send');
        await world.settle();
        const refused = world.tcp();
        await world.operate('initiate', world.neighbor(world.path([refused])));
        check(refused.status < 0, `a connection for which there is no room was answered with ${formatNdisStatus(refused.status)}`);
        checkEqual(refused.offloadHandle?.miniportOffloadContext, null, 'the cell of a connection that was refused');
        await connection.terminate();
      }
    },
  },
  {
    id: 'target-terminate-frees-parents',
    title: 'The room of a path and of a neighbor is free when their terminate has completed',
    rules: ['CHIM-TRM-014'],
    requirement: 'C-NDIS-TRM',
    requires: ['path-capacity', 'neighbor-capacity'],
    wishes: { pathCapacity: 1, neighborCapacity: 1 },
    run: async (world) => {
      for (let round = 0; round < 4; round++) {
        const connection = await world.connect();
        const refused = world.neighbor(world.path([world.tcp()]));
        await world.operate('initiate', refused);
        check(refused.status < 0, `a neighbor for which there is no room was answered with ${formatNdisStatus(refused.status)}`);
        await connection.terminate();
        await world.terminateAll();
      }
    },
  },
  {
    id: 'target-terminate-frees-failed',
    title: 'The room of a connection whose record was lost is free when its second terminate has completed',
    rules: ['CHIM-TRM-014', 'CHIM-TRM-015'],
    requirement: 'C-NDIS-TRM',
    requires: ['hardware-failure', 'connection-capacity'],
    wishes: { connectionCapacity: 1 },
    run: async (world) => {
      for (let round = 0; round < 3; round++) {
        const connection = await world.connect();
        present(world.subject.failHardware?.bind(world.subject))(connection.hostPort, connection.peerPort);
        const { status } = await world.operate('terminate', connection.terminateBlock());
        checkEqual(formatNdisStatus(status), formatNdisStatus(NDIS_STATUS_FAILURE), 'the status of a terminate of a connection whose record is lost');
        await world.until(() => connection.events.length >= 2, 'two events after a terminate that failed');
        await connection.terminate();
      }
    },
  },
  {
    id: 'target-terminate-hardware-failure',
    title: 'A terminate that fails is followed by Retrieve(HardwareFailure) and Abort, and a second one gives everything back with REQUEST_ABORTED',
    rules: ['CHIM-TRM-015', 'CHIM-SND-009', 'CHIM-SND-010'],
    requirement: 'C-NDIS-TRM',
    requires: ['hardware-failure'],
    run: async (world) => {
      const connection = await world.connect();
      const sends = connection.send(pattern(0, 100), pattern(100, 50));
      const requests = connection.post([10, 20]);
      present(world.subject.failHardware?.bind(world.subject))(connection.hostPort, connection.peerPort);
      const first = await world.operate('terminate', connection.terminateBlock());
      checkEqual(formatNdisStatus(first.status), formatNdisStatus(NDIS_STATUS_FAILURE), 'the status of a terminate of a connection whose record is lost');
      await world.until(() => connection.events.length >= 2, 'two events after a terminate that failed');
      const { TcpIndicateRetrieve, TcpIndicateAbort } = TCP_OFFLOAD_EVENT_TYPE;
      checkEqual(
        connection.events.map(({ eventType, information }) => (eventType === TcpIndicateRetrieve ? [eventType, information] : [eventType])),
        [[TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure], [TcpIndicateAbort]],
        'events after a terminate that failed',
      );
      const { journal } = world.host;
      check(journal.findIndex((entry) => entry.kind === 'stateComplete' && entry.root === first) < journal.indexOf(present(connection.events[0])), 'an event came before the terminate that failed had completed');
      const { chain, buffered } = await connection.terminate();
      checkEqual([chain.length, buffered.length], [0, 0], 'NBLs in the chain, and bytes of BufferedData, of a connection whose record is lost');
      checkOutcomes('sends of a connection whose record is lost', connection.sendCompletions, sends, [100, 50].map((dataLength) => ({ status: NDIS_STATUS_REQUEST_ABORTED, bytesTransferred: 0, dataLength })));
      checkOutcomes('receive requests of a connection whose record is lost', connection.receiveCompletions, requests, [10, 20].map((dataLength) => ({ status: NDIS_STATUS_REQUEST_ABORTED, bytesTransferred: 0, dataLength })));
      const last = journal.findLastIndex((entry) => entry.kind === 'stateComplete' && entry.operation === 'terminate');
      check(journal.findLastIndex(({ kind }) => kind === 'dataComplete') < last, 'a request was completed after the second terminate');
      checkEqual(connection.handle.state, 'dead', 'where the connection stands after the second terminate');
    },
  },
];
