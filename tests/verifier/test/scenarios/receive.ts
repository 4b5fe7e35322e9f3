import { present } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { TOO_LONG_MS, deliver } from './data-steps.ts';
import type { Scenario } from './scenario.ts';

const { TcpIndicateAbort, TcpIndicateDisconnect } = TCP_OFFLOAD_EVENT_TYPE;

export const receiveScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-RCV-001',
    catches: 'a target that answers a receive with SUCCESS',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      target.calls.once('miniportTcpOffloadReceive', () => NDIS_STATUS_SUCCESS);
      host.receive(connection, 10);
      target.completeReceives();
    },
    clean: ({ host, target, connection }) => {
      host.receive(connection, 10);
      target.completeReceives();
    },
  },
  {
    rule: 'CHIM-RCV-002',
    catches: 'a host that posts a receive of two NET_BUFFERs',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: ({ host, target, connection }) => {
      const list = host.list(10);
      const other = present(host.list(10).firstNetBuffer);
      present(list.firstNetBuffer).next = other;
      connection.binding.offloadTcpReceive(connection, list);
      target.completeReceives();
    },
    clean: ({ host, target, connection }) => {
      host.receive(connection, 10, 10);
      target.completeReceives();
    },
  },
  {
    rule: 'CHIM-RCV-002',
    catches: 'a host that posts from a callback inside its receive call',
    actor: 'probe host',
    broken: (stack) => {
      const { host, target, connection } = stack;
      host.calls.once('protocolTcpOffloadEvent', () => {
        host.receive(connection, 20);
      });
      target.calls.once('miniportTcpOffloadReceive', () => {
        target.event(stack.lowest(connection), TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 1);
      });
      host.receive(connection, 10);
    },
    clean: ({ host, target, connection }) => {
      host.calls.once('protocolTcpOffloadReceiveComplete', () => {
        host.receive(connection, 20);
      });
      host.receive(connection, 10);
      target.completeReceives();
      target.completeReceives();
    },
  },
  {
    rule: 'CHIM-RCV-003',
    catches: 'a target that fills the second receive first',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, target, connection }) => {
      host.receive(connection, 3, 3);
      target.receives.reverse();
      target.completeReceives(1);
    },
    clean: ({ host, target, connection }) => {
      host.receive(connection, 3, 3);
      target.completeReceives(1);
      target.completeReceives();
    },
  },
  {
    rule: 'CHIM-RCV-004',
    catches: 'a target that completes inside its own completion call',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      host.calls.once('protocolTcpOffloadReceiveComplete', () => {
        host.receive(connection, 3);
        target.completeReceives();
      });
      host.receive(connection, 3);
      target.completeReceives();
    },
    clean: ({ host, target, connection }) => {
      host.calls.once('protocolTcpOffloadReceiveComplete', () => {
        host.receive(connection, 3);
      });
      host.receive(connection, 3, 3);
      target.completeReceives();
      target.completeReceives();
    },
  },
  {
    rule: 'CHIM-RCV-005',
    catches: 'a target that keeps refused data though a receive was posted',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target, connection, runtime } = stack;
      target.indicate(stack.lowest(connection), 'abc');
      host.receive(connection, 3);
      runtime.advance(TOO_LONG_MS);
    },
    clean: (stack) => {
      const { host, target, connection, runtime } = stack;
      target.indicate(stack.lowest(connection), 'abc');
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 3, data: 'abc' });
      // Nothing waits any more: this one may wait.
      host.receive(connection, 3);
      runtime.advance(TOO_LONG_MS);
    },
  },
  {
    rule: 'CHIM-RCV-006',
    catches: 'a target that ends a receive with nothing in it, and goes on',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      host.receive(connection, 3, 3);
      target.completeOne('receives', { bytes: 0 });
      target.completeOne('receives', { bytes: 3 });
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 0 });
      target.event(stack.lowest(connection), TcpIndicateDisconnect);
    },
  },
  {
    rule: 'CHIM-RCV-007',
    catches: 'a target that ends a non-push receive early, and goes on',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, target, connection }) => {
      const list = host.list(10, 10);
      list.tcpReceiveNoPush = true;
      connection.binding.offloadTcpReceive(connection, list);
      target.completeOne('receives', { bytes: 4 });
      target.completeOne('receives', { bytes: 10 });
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      const list = host.list(10, 10);
      list.tcpReceiveNoPush = true;
      connection.binding.offloadTcpReceive(connection, list);
      target.completeOne('receives', { bytes: 10 });
      // A push request may end early, and so may any at the FIN.
      target.completeOne('receives', { bytes: 4 });
      const last = host.list(10);
      last.tcpReceiveNoPush = true;
      connection.binding.offloadTcpReceive(connection, last);
      target.completeOne('receives', { bytes: 4 });
      target.event(stack.lowest(connection), TcpIndicateDisconnect);
    },
  },
  {
    rule: 'CHIM-RCV-008',
    catches: 'a target whose RcvNxt does not know of what it has delivered',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target, connection } = stack;
      deliver(stack, 'abc');
      stack.contextOf(connection).rcvNxt -= 3;
      connection.binding.queryOffloadState(host.connections(connection));
      target.completeTree('query');
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      deliver(stack, 'abc');
      connection.binding.queryOffloadState(host.connections(connection));
      // It may be answered for the moment in which it was asked.
      const { rcvNxt } = stack.contextOf(connection);
      deliver(stack, 'def');
      target.completeTree('query', {
        change: (block) => {
          present((block.state as TcpOffloadState).delegated).rcvNxt = rcvNxt;
        },
      });
    },
  },
  {
    rule: 'CHIM-RCV-009',
    catches: 'a target that leaves the data start of a full receive where it was',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, target, connection }) => {
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 3, moved: 0 });
    },
    clean: ({ host, target, connection }) => {
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 3 });
    },
  },
  {
    rule: 'CHIM-RCV-010',
    catches: 'a target that lets a receive behind the end succeed',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target, connection } = stack;
      target.event(stack.lowest(connection), TcpIndicateDisconnect);
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 0 });
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      target.event(stack.lowest(connection), TcpIndicateDisconnect);
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 0, status: NDIS_STATUS_INVALID_STATE });
    },
  },
  {
    rule: 'CHIM-RCV-010',
    catches: 'a target that refuses a receive before the end',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 0, status: NDIS_STATUS_INVALID_STATE });
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 3);
      target.event(stack.lowest(connection), TcpIndicateDisconnect);
      host.receive(connection, 3);
      // The one that was there before waits on.
      target.receives.reverse();
      target.completeOne('receives', { bytes: 0, status: NDIS_STATUS_INVALID_STATE });
      target.completeOne('receives', { bytes: 0 });
    },
  },
  {
    rule: 'CHIM-RCV-011',
    catches: 'a target that ends receives with FAILURE when the connection is reset',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 3);
      target.event(stack.lowest(connection), TcpIndicateAbort);
      target.completeReceives(1, NDIS_STATUS_FAILURE);
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 3);
      target.event(stack.lowest(connection), TcpIndicateAbort);
      target.completeReceives(1, NDIS_STATUS_REQUEST_ABORTED);
    },
  },
  {
    rule: 'CHIM-RCV-011',
    catches: 'a target that aborts receives and gives the connection back without a word',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 3);
      target.completeReceives(1, NDIS_STATUS_REQUEST_ABORTED);
      connection.binding.terminateOffload(host.connections(connection));
      target.completeTree('terminate');
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 3);
      target.event(stack.lowest(connection), TcpIndicateAbort);
      target.completeReceives(1, NDIS_STATUS_REQUEST_ABORTED);
      connection.binding.terminateOffload(host.connections(connection));
      target.completeTree('terminate');
    },
  },
  {
    rule: 'CHIM-RCV-012',
    catches: 'a target that finds bytes in a receive without room',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      host.receive(connection, 0);
      target.completeOne('receives', { bytes: 3, moved: 0 });
    },
    clean: ({ host, target, connection }) => {
      host.receive(connection, 0);
      target.completeOne('receives', { bytes: 0 });
    },
  },
  {
    rule: 'CHIM-RCV-012',
    catches: 'a target that lets a receive without room wait while it has data',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target, connection, runtime } = stack;
      target.indicate(stack.lowest(connection), 'abc');
      host.receive(connection, 0);
      runtime.advance(TOO_LONG_MS);
    },
    clean: (stack) => {
      const { host, target, connection, runtime } = stack;
      target.indicate(stack.lowest(connection), 'abc');
      host.receive(connection, 0);
      target.completeOne('receives', { bytes: 0 });
      target.indicate(stack.lowest(connection), 'abc');
      runtime.advance(TOO_LONG_MS);
    },
  },
  {
    rule: 'CHIM-RCV-013',
    catches: 'a target that has no timer for data that came with the request',
    actor: 'probe target',
    broken: ({ host, connection, runtime }) => {
      const list = host.list(10);
      list.tcpReceiveBytesTransferred = 4;
      connection.binding.offloadTcpReceive(connection, list);
      runtime.advance(TOO_LONG_MS);
    },
    clean: ({ host, target, connection, runtime }) => {
      const list = host.list(10);
      list.tcpReceiveBytesTransferred = 4;
      connection.binding.offloadTcpReceive(connection, list);
      runtime.advance(500);
      target.completeOne('receives', { bytes: 0 });
    },
  },
];
