import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  formatNdisStatus,
  netBufferListBytes,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import { checkBefore, checkDisconnect, checkOutcomes, outcomesOf, sendBeyondWindow, windowBytesOf, windowFilled } from './outcomes.ts';
import type { TargetCase } from './target-case.ts';

const SUCCESS = NDIS_STATUS_SUCCESS;
const ABORTED = NDIS_STATUS_REQUEST_ABORTED;
const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** Graceful disconnects. */
export const disconnectCases: readonly TargetCase[] = [
  {
    id: 'target-disconnect-pending',
    title: 'A disconnect of either kind is answered with PENDING, also on a connection that was reset',
    rules: ['CHIM-DSC-001'],
    requirement: 'C-NDIS-DSC',
    run: async (world) => {
      const { binding, host } = world;
      const [first, second] = await world.connectAll(2);
      const answers: number[] = [];
      const disconnect = async (connection: typeof first, flags: number): Promise<void> => {
        const before = host.entries('dataComplete').length;
        answers.push(binding.offloadTcpDisconnect(present(connection).handle, host.list(0), flags));
        await world.until(() => host.entries('dataComplete').length > before, 'the completion of a disconnect');
      };
      await disconnect(first, TCP_DISCONNECT_GRACEFUL_CLOSE);
      for (const flags of [TCP_DISCONNECT_ABORTIVE_CLOSE, TCP_DISCONNECT_GRACEFUL_CLOSE]) await disconnect(second, flags);
      checkEqual(answers.map(formatNdisStatus), answers.map(() => formatNdisStatus(NDIS_STATUS_PENDING)), 'what three calls of NdisOffloadTcpDisconnect were answered with');
    },
  },
  {
    id: 'target-disconnect-after-sends',
    title: 'A graceful disconnect with data is completed after all sends, alone, with all of its bytes',
    rules: ['CHIM-DSC-007', 'CHIM-DSC-010', 'CHIM-DSC-011', 'CHIM-SND-011'],
    requirement: 'C-NDIS-DSC',
    run: async (world) => {
      const connection = await world.connect();
      const sends = [...connection.send(pattern(0, 1000), 0, pattern(1000, 500)), ...connection.send(pattern(1500, 3))];
      const nbl = connection.disconnect(pattern(1503, 97));
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a graceful disconnect');
      checkOutcomes('sends before a disconnect', connection.sendCompletions, sends, outcomesOf([1000, 0, 500, 3], 1503, SUCCESS));
      checkBefore(world, 'send', 'disconnect');
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 97, dataLength: 0 });
      const { delegated } = await connection.query();
      const end = (connection.sndUna + 1601) | 0;
      checkEqual([delegated?.sndUna, delegated?.sndNxt, delegated?.sndMax], [end, end, end], 'SndUna, SndNxt and SndMax when data and FIN are acknowledged');
    },
  },
  {
    id: 'target-disconnect-without-data',
    title: 'A graceful disconnect without data is completed with SUCCESS and no bytes',
    rules: ['CHIM-DSC-008', 'CHIM-DSC-010', 'CHIM-DSC-011'],
    requirement: 'C-NDIS-DSC',
    run: async (world) => {
      const connection = await world.connect();
      const nbl = connection.disconnect();
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a graceful disconnect');
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 0, dataLength: 0 });
      checkEqual(await connection.acknowledged(), 1, 'sequence numbers acknowledged: that of the FIN');
    },
  },
  {
    id: 'target-disconnect-order',
    title: 'The far end gets earlier sends, then the data of the disconnect, then a FIN and no RST',
    rules: ['CHIM-DSC-006', 'CHIM-DSC-003', 'CHIM-ST-008'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      connection.send(pattern(0, 100), pattern(100, 6000));
      connection.disconnect(pattern(6100, 5000));
      checkBytes(await world.readToEnd(peer), pattern(0, 11_100), 'what the far end got before the FIN');
      await world.wait(peer.end(), 'the acknowledgment of the FIN of the far end');
      await world.advance(5000);
      checkEqual(await peer.read().catch(() => 'a reset'), null, 'what the far end gets after both ends have closed');
    },
  },
  {
    id: 'target-disconnect-acknowledged-first',
    title: 'A graceful disconnect is not completed before its data and its FIN are acknowledged',
    rules: ['CHIM-DSC-008', 'CHIM-DSC-007'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const windowBytes = windowBytesOf(world);
      const sends = connection.send(pattern(0, windowBytes - 10));
      const nbl = connection.disconnect(pattern(windowBytes - 10, 2000));
      await windowFilled(world, connection);
      await world.advance(2000);
      checkEqual(connection.disconnectCompletions.length, 0, 'completions of a disconnect whose data is not acknowledged');
      checkOutcomes('the send before it', connection.sendCompletions, sends, outcomesOf([windowBytes - 10], windowBytes, SUCCESS));
      checkBytes(await world.readToEnd(peer), pattern(0, windowBytes + 1990), 'what the far end got before the FIN');
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a graceful disconnect');
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 2000, dataLength: 0 });
    },
  },
  {
    id: 'target-disconnect-half-open',
    title: 'After the FIN of the host data is received until the FIN of the peer, and the states are those of a TCP that closed first',
    rules: ['CHIM-DSC-012', 'CHIM-ST-005', 'CHIM-TRM-004'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      connection.disconnect(pattern(0, 5));
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a graceful disconnect');
      checkEqual((await connection.query()).delegated?.state, STATE.TcpConnectionFinWait2, 'State when the FIN is acknowledged');
      connection.post([100]);
      await world.wait(peer.write(pattern(0, 3000)), 'the acknowledgment of data that comes after the FIN of the host');
      await world.until(() => connection.received.length >= 3000, 'data that comes after the FIN of the host');
      checkEqual(connection.receiveCompletions.map(({ status, bytesTransferred }) => [status, bytesTransferred]), [[SUCCESS, 100]], 'a request posted after the FIN of the host');
      await world.wait(peer.end(), 'the acknowledgment of the FIN of the far end');
      await world.until(() => connection.events.some(({ eventType }) => eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect), 'TcpIndicateDisconnect');
      checkBytes(connection.received, pattern(0, 3000), 'what the host got');
      const { delegated } = await connection.terminate();
      checkEqual([delegated.state, (delegated.sndUna - connection.sndUna) | 0, (delegated.rcvNxt - connection.rcvNxt) | 0], [STATE.TcpConnectionTimeWait, 6, 3001], 'State, and numbers sent and received, when both FINs are acknowledged');
    },
  },
  {
    id: 'target-disconnect-second',
    title: 'A connection whose peer has closed first still sends, and is CLOSED when the FIN of the host is acknowledged',
    rules: ['CHIM-DSC-006', 'CHIM-DSC-008', 'CHIM-ST-005', 'CHIM-TRM-004'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      await world.wait(peer.end(), 'the acknowledgment of the FIN of the far end');
      await world.until(() => connection.events.length > 0, 'TcpIndicateDisconnect');
      checkEqual((await connection.query()).delegated?.state, STATE.TcpConnectionCloseWait, 'State after the FIN of the far end');
      const sends = connection.send(pattern(0, 700));
      const nbl = connection.disconnect(pattern(700, 50));
      checkBytes(await world.readToEnd(peer), pattern(0, 750), 'what the far end got before the FIN');
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a graceful disconnect');
      checkOutcomes('a send after the FIN of the far end', connection.sendCompletions, sends, outcomesOf([700], 700, SUCCESS));
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: 50, dataLength: 0 });
      const { delegated } = await connection.terminate();
      checkEqual([delegated.state, (delegated.sndUna - connection.sndUna) | 0, (delegated.rcvNxt - connection.rcvNxt) | 0], [STATE.TcpConnectionClosed, 751, 1], 'State, and numbers sent and received, when both FINs are acknowledged');
    },
  },
  {
    id: 'target-disconnect-simultaneous',
    title: 'When the FIN of the peer comes before that of the host is acknowledged, both are counted and the connection ends where both have closed',
    rules: ['CHIM-DSC-006', 'CHIM-DSC-008', 'CHIM-DSC-012', 'CHIM-TRM-004'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const windowBytes = windowBytesOf(world);
      const nbl = connection.disconnect(pattern(0, windowBytes + 700));
      await windowFilled(world, connection);
      await world.wait(peer.write(pattern(0, 10)), 'the acknowledgment of what the far end sends');
      await world.wait(peer.end(), 'the acknowledgment of the FIN of the far end');
      await world.until(() => connection.events.length > 0, 'TcpIndicateDisconnect');
      checkEqual(connection.disconnectCompletions.length, 0, 'completions of a disconnect whose data is not acknowledged');
      checkBytes(await world.readToEnd(peer), pattern(0, windowBytes + 700), 'what the far end got before the FIN');
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a graceful disconnect');
      checkDisconnect(connection, nbl, { status: SUCCESS, bytesTransferred: windowBytes + 700, dataLength: 0 });
      checkBytes(connection.received, pattern(0, 10), 'what the host got');
      const { delegated } = await connection.terminate();
      // Which of the two depends on whether the FIN of the host was on its way when the other came.
      check(delegated.state === STATE.TcpConnectionTimeWait || delegated.state === STATE.TcpConnectionClosed, `the connection came back in state ${delegated.state}`);
      checkEqual([(delegated.sndUna - connection.sndUna) | 0, (delegated.rcvNxt - connection.rcvNxt) | 0], [windowBytes + 701, 11], 'numbers sent and received when both FINs are acknowledged');
    },
  },
  {
    id: 'target-disconnect-reset',
    title: 'A graceful disconnect that an RST finds pending ends with REQUEST_ABORTED, after the sends, with the bytes that were acknowledged',
    rules: ['CHIM-DSC-009', 'CHIM-DSC-010', 'CHIM-DSC-007', 'CHIM-DSC-011'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const windowBytes = windowBytesOf(world);
      const sends = connection.send(pattern(0, windowBytes - 500), 0);
      const nbl = connection.disconnect(pattern(windowBytes - 500, 1500));
      await windowFilled(world, connection);
      peer.reset();
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a disconnect that an RST ended');
      checkOutcomes('sends before the disconnect', connection.sendCompletions, sends, outcomesOf([windowBytes - 500, 0], windowBytes, SUCCESS));
      checkBefore(world, 'send', 'disconnect');
      checkDisconnect(connection, nbl, { status: ABORTED, bytesTransferred: 500, dataLength: 1000 });
      checkBytes(netBufferListBytes(nbl), pattern(windowBytes, 1000), 'what is left of the disconnect');
    },
  },
  {
    id: 'target-disconnect-sends-reset',
    title: 'With sends pending a graceful disconnect that an RST ends follows them, and reports no bytes',
    rules: ['CHIM-DSC-009', 'CHIM-DSC-007', 'CHIM-SND-008'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, 3000, 3000, 40);
      const nbl = connection.disconnect(pattern(6040, 10));
      await world.settle();
      peer.reset();
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a disconnect that an RST ended');
      checkOutcomes('sends before the disconnect', connection.sendCompletions, nbls, outcomesOf(lengths, acked, ABORTED));
      checkBefore(world, 'send', 'disconnect');
      checkDisconnect(connection, nbl, { status: ABORTED, bytesTransferred: 0, dataLength: 10 });
    },
  },
  {
    id: 'target-disconnect-after-reset',
    title: 'A disconnect of either kind on a connection that the peer has reset ends with REQUEST_ABORTED',
    rules: ['CHIM-DSC-009', 'CHIM-DSC-001', 'CHIM-ST-005'],
    requirement: 'C-NDIS-DSC',
    requires: ['peer'],
    run: async (world) => {
      for (const kind of ['graceful', 'abortive'] as const) {
        const connection = await world.connect();
        (await connection.peer()).reset();
        await world.until(() => connection.events.length > 0, 'an event after an RST');
        const nbl = kind === 'graceful' ? connection.disconnect(pattern(0, 10)) : connection.abort();
        await world.until(() => connection.disconnectCompletions.length > 0, `the completion of ${kind === 'graceful' ? 'a graceful' : 'an abortive'} disconnect after an RST`);
        checkDisconnect(connection, nbl, { status: ABORTED, bytesTransferred: 0, dataLength: kind === 'graceful' ? 10 : 0 });
        check(connection.isOffloaded, 'a connection that was reset is no longer with the target');
      }
    },
  },
];
