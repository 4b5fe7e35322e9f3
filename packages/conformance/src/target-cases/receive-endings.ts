import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  formatNdisStatus,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern, patternBefore } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import { concat } from '../world/world-connection.ts';
import { checkRequest, checkRequests } from './received.ts';
import type { TargetCase } from './target-case.ts';

const { FIN, RST } = SEGMENT_FLAG;

/** What requests come to that something else than data ends. */
export const receiveEndingsCases: readonly TargetCase[] = [
  {
    id: 'target-receive-counted-in-state',
    title: 'Data of a completed request is in RcvNxt and RcvWnd when the completion comes',
    rules: ['CHIM-RCV-008'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      const before = present((await connection.query()).delegated);
      const query = connection.terminateBlock();
      connection.post([200]);
      world.host.whenCalled = (entry) => {
        if (entry.kind !== 'dataComplete' || entry.operation !== 'receive') return;
        world.host.whenCalled = null;
        world.begin('query', query);
      };
      connection.forward({ at: 0, length: 200 });
      await world.completed('query', query);
      const { rcvNxt, rcvWnd } = present((query.state as TcpOffloadState).delegated);
      checkEqual(rcvNxt, (connection.rcvNxt + 200) | 0, 'RcvNxt of a query that was made inside the completion of 200 bytes');
      check(((rcvNxt + rcvWnd - before.rcvNxt - before.rcvWnd) | 0) >= 0, 'the right edge of the receive window went back when a request was completed');
    },
  },
  {
    id: 'target-receive-after-disconnect',
    title: 'A request that is posted after TcpIndicateDisconnect is completed with INVALID_STATE and nothing in it',
    rules: ['CHIM-RCV-010'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      connection.forward({ at: 0, flags: FIN });
      await world.until(() => connection.events.length > 0, 'TcpIndicateDisconnect');
      checkEqual(connection.events.map(({ eventType }) => eventType), [TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect], 'events after a FIN');
      const posted = connection.post([100, 0]);
      await world.until(() => connection.receiveCompletions.length >= 2, 'the completion of requests posted after TcpIndicateDisconnect');
      const status = NDIS_STATUS_INVALID_STATE;
      checkRequests(connection, posted, [{ size: 100, bytes: new Uint8Array(0), status }, { size: 0, bytes: new Uint8Array(0), status }]);
    },
  },
  {
    id: 'target-receive-upload',
    title: 'An upload ends requests with UPLOAD_IN_PROGRESS and what they have got, before the terminate is complete',
    rules: ['CHIM-RCV-011', 'CHIM-RCV-009', 'CHIM-ST-007'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([500, 500]);
      connection.forward({ at: 0, length: 200 });
      await world.settle();
      const { delegated, buffered } = await connection.terminate();
      const completed = connection.receiveCompletions;
      checkEqual(completed.map(({ nbl }) => posted.indexOf(nbl)), [0, 1], 'the order in which receive requests were completed');
      checkEqual(completed.map(({ status }) => formatNdisStatus(status)), Array(2).fill(formatNdisStatus(NDIS_STATUS_UPLOAD_IN_PROGRESS)), 'status of requests that an upload ended');
      checkEqual(completed.map(({ dataLength, bytesTransferred }) => dataLength + bytesTransferred), [500, 500], 'bytes transferred and bytes left, together,');
      checkBytes(concat([...completed.map(({ placed }) => placed), buffered]), pattern(0, 200), 'data in the requests and in BufferedData');
      checkEqual(delegated.rcvNxt, (connection.rcvNxt + 200) | 0, 'RcvNxt that was given back');
      const { journal } = world.host;
      const last = journal.findLastIndex((entry) => entry.kind === 'dataComplete' && entry.operation === 'receive');
      check(last < journal.findIndex((entry) => entry.kind === 'stateComplete' && entry.operation === 'terminate'), 'a receive request was completed after the terminate');
    },
  },
  {
    id: 'target-receive-reset',
    title: 'An RST ends requests with REQUEST_ABORTED and what they have got, those that come later too',
    rules: ['CHIM-RCV-011', 'CHIM-RCV-009', 'CHIM-EVT-002'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([500, 500]);
      connection.forward({ at: 0, length: 200 });
      await world.settle();
      connection.forward({ at: 200, flags: RST });
      await world.until(() => connection.receiveCompletions.length >= 2, 'the completion of requests that an RST ended');
      posted.push(...connection.post([100]));
      await world.until(() => connection.receiveCompletions.length >= 3, 'the completion of a request posted after an RST');
      const status = NDIS_STATUS_REQUEST_ABORTED;
      const nothing = new Uint8Array(0);
      checkRequests(connection, posted, [{ size: 500, bytes: pattern(0, 200), status }, { size: 500, bytes: nothing, status }, { size: 100, bytes: nothing, status }]);
      checkEqual(connection.indications.length, 0, 'indications');
    },
  },
  {
    id: 'target-receive-fin',
    title: 'A FIN ends a request that is partly filled, non-push too, before the host hears of it',
    rules: ['CHIM-RCV-006', 'CHIM-RCV-007', 'CHIM-EVT-001'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([1000, 100], { isNoPush: true });
      connection.forward({ at: 0, length: 400 });
      await world.settle();
      checkEqual(connection.receiveCompletions.length, 0, 'completions of a request that has 400 of 1000 bytes');
      connection.forward({ at: 400, flags: FIN });
      await world.until(() => connection.events.length > 0, 'TcpIndicateDisconnect');
      const { journal } = world.host;
      const first = journal.findIndex((entry) => entry.kind === 'dataComplete' && entry.operation === 'receive');
      check(first >= 0 && first < journal.indexOf(present(connection.events[0])), 'TcpIndicateDisconnect came before the data in front of the FIN');
      await connection.terminate();
      checkEqual(connection.receiveCompletions.map(({ nbl }) => posted.indexOf(nbl)), [0, 1], 'the order in which receive requests were completed');
      checkRequest(connection.receiveCompletions[0], { size: 1000, bytes: pattern(0, 400) }, 'the request in front of the FIN');
      const empty = present(connection.receiveCompletions[1]);
      check(empty.status === NDIS_STATUS_SUCCESS || empty.status === NDIS_STATUS_UPLOAD_IN_PROGRESS, `the request that got nothing before the FIN ended with ${formatNdisStatus(empty.status)}`);
      checkEqual(empty.bytesTransferred, 0, 'bytes in the request that got nothing');
    },
  },
  {
    id: 'target-receive-inside-last-completion',
    title: 'A request that is posted inside the completion that a FIN brings is taken: the host has not been told of the FIN yet',
    rules: ['CHIM-RCV-010', 'CHIM-EVT-001'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([100]);
      world.host.whenCalled = (entry) => {
        if (entry.kind !== 'dataComplete') return;
        world.host.whenCalled = null;
        posted.push(...connection.post([200]));
      };
      connection.forward({ at: 0, length: 60, flags: FIN });
      await world.until(() => connection.events.length > 0, 'TcpIndicateDisconnect');
      await world.advance(1000);
      const { journal } = world.host;
      const toldAt = journal.findIndex(({ kind }) => kind === 'event');
      const isRefused = journal.slice(0, toldAt).some((entry) => entry.kind === 'dataComplete' && entry.nbls.some(({ status }) => status === NDIS_STATUS_INVALID_STATE));
      check(!isRefused, 'a request was refused because of a FIN that the host had not been told of');
      await connection.terminate();
      checkEqual(connection.receiveCompletions.map(({ nbl }) => posted.indexOf(nbl)), [0, 1], 'the order in which receive requests were completed');
      checkRequest(connection.receiveCompletions[0], { size: 100, bytes: pattern(0, 60) }, 'the request in front of the FIN');
    },
  },
  {
    id: 'target-receive-fin-push',
    title: 'A FIN ends a push request with a single byte in it at once, and its timer with it',
    rules: ['CHIM-RCV-006', 'CHIM-TMR-004', 'CHIM-EVT-001'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([1000, 1000]);
      connection.forward({ at: 0, length: 1 });
      await world.advance(100);
      checkEqual(connection.receiveCompletions.length, 0, 'completions of a push request, 100 ms after its first byte');
      connection.forward({ at: 1, flags: FIN });
      await world.settle();
      checkRequest(connection.receiveCompletions[0], { size: 1000, bytes: pattern(0, 1) }, 'the request in front of the FIN');
      const before = connection.receiveCompletions.length;
      await world.advance(5000);
      checkEqual(connection.receiveCompletions.length - before, 0, 'completions long after the FIN');
      checkEqual(connection.events.map(({ eventType }) => eventType), [TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect], 'events');
      await connection.terminate();
      checkEqual(connection.receiveCompletions.map(({ nbl }) => posted.indexOf(nbl)), [0, 1], 'the order in which receive requests were completed');
    },
  },
  {
    id: 'target-receive-fin-before-offload',
    title: 'When the FIN came before the offload, a request ends with what BufferedData puts into it',
    rules: ['CHIM-RCV-006', 'CHIM-RCV-007', 'CHIM-RCV-010'],
    requirement: 'C-NDIS-RCV',
    run: async (world) => {
      const connection = await world.connect({
        buffered: [100],
        change: ({ delegated }) => {
          present(delegated).state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionCloseWait;
        },
      });
      checkEqual(connection.events.length, 0, 'events in front of data');
      connection.post([300], { isNoPush: true });
      await world.until(() => connection.receiveCompletions.length > 0, 'the completion of a request that nothing more will come for');
      checkRequest(connection.receiveCompletions[0], { size: 300, bytes: patternBefore(100) }, 'the request in front of the FIN');
      if (connection.events.length === 0) return;
      connection.post([10]);
      await world.until(() => connection.receiveCompletions.length > 1, 'the completion of a request posted after TcpIndicateDisconnect');
      checkRequest(connection.receiveCompletions[1], { size: 10, bytes: new Uint8Array(0), status: NDIS_STATUS_INVALID_STATE }, 'a request after TcpIndicateDisconnect');
    },
  },
];
