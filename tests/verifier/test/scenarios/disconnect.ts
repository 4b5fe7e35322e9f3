import { present } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type NetBufferList,
} from '@ndis-chimney/types';

import { ndisCompletes, tcpOffloadDisconnectComplete } from './data-steps.ts';
import type { Scenario } from './scenario.ts';

const { TcpIndicateAbort, TcpIndicateDisconnect, TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;

export const disconnectScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-DSC-001',
    catches: 'a target that answers a disconnect with SUCCESS',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      target.calls.once('miniportTcpOffloadDisconnect', () => NDIS_STATUS_SUCCESS);
      host.disconnect(connection);
      target.completeDisconnect();
    },
    clean: ({ host, target, connection }) => {
      host.disconnect(connection);
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-002',
    catches: 'a host that closes with a list',
    actor: 'probe host',
    broken: ({ host, connection }) => {
      try {
        connection.binding.offloadTcpDisconnect(connection, host.list('a', 'b'), TCP_DISCONNECT_GRACEFUL_CLOSE);
      } catch {
        // Refused, as it should be.
      }
    },
    clean: ({ host, connection, target }) => {
      connection.binding.offloadTcpDisconnect(connection, host.list('a'), TCP_DISCONNECT_GRACEFUL_CLOSE);
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-002',
    catches: 'a host that aborts with data',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: ({ host, connection, target }) => {
      connection.binding.offloadTcpDisconnect(connection, host.list('abcde'), TCP_DISCONNECT_ABORTIVE_CLOSE);
      target.completeOne('disconnects', { bytes: 0 });
    },
    clean: ({ host, connection, target }) => {
      host.disconnect(connection, TCP_DISCONNECT_ABORTIVE_CLOSE);
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-004',
    catches: 'a target that completes the abort ahead of a send',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.disconnect(connection, TCP_DISCONNECT_ABORTIVE_CLOSE);
      target.completeDisconnect();
      target.completeSends(1, NDIS_STATUS_REQUEST_ABORTED);
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.disconnect(connection, TCP_DISCONNECT_ABORTIVE_CLOSE);
      target.completeSends(1, NDIS_STATUS_REQUEST_ABORTED);
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-007',
    catches: 'a target that completes the close ahead of a send',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.disconnect(connection);
      target.completeDisconnect();
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.disconnect(connection);
      target.completeSends();
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-008',
    catches: 'a target that calls the connection closed with data that is not acknowledged',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, connection, target }) => {
      connection.binding.offloadTcpDisconnect(connection, host.list('abc'), TCP_DISCONNECT_GRACEFUL_CLOSE);
      target.completeOne('disconnects', { bytes: 2 });
    },
    clean: ({ host, connection, target }) => {
      connection.binding.offloadTcpDisconnect(connection, host.list('abc'), TCP_DISCONNECT_GRACEFUL_CLOSE);
      target.completeOne('disconnects', { bytes: 3 });
    },
  },
  {
    rule: 'CHIM-DSC-009',
    catches: 'a target that fails to close',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      host.disconnect(connection);
      target.completeDisconnect(NDIS_STATUS_FAILURE);
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      host.disconnect(connection);
      target.event(stack.lowest(connection), TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      target.completeDisconnect(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    },
  },
  {
    rule: 'CHIM-DSC-009',
    catches: 'a target that aborts a disconnect and never says why',
    actor: 'probe target',
    isEventual: true,
    broken: ({ host, connection, target }) => {
      host.disconnect(connection);
      target.completeDisconnect(NDIS_STATUS_REQUEST_ABORTED);
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      host.disconnect(connection);
      target.event(stack.lowest(connection), TcpIndicateAbort);
      target.completeDisconnect(NDIS_STATUS_REQUEST_ABORTED);
    },
  },
  {
    rule: 'CHIM-DSC-010',
    catches: 'a target that counts the FIN',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      connection.binding.offloadTcpDisconnect(connection, host.list('abc'), TCP_DISCONNECT_GRACEFUL_CLOSE);
      target.completeOne('disconnects', { bytes: 4, moved: 3 });
    },
    clean: ({ host, connection, target }) => {
      connection.binding.offloadTcpDisconnect(connection, host.list('abc'), TCP_DISCONNECT_GRACEFUL_CLOSE);
      target.completeOne('disconnects', { bytes: 3 });
    },
  },
  {
    rule: 'CHIM-DSC-011',
    catches: 'a target that completes a send as a disconnect',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.disconnects.push(...target.sends.splice(0));
      target.completeDisconnect();
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.disconnect(connection);
      target.completeSends();
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-011',
    catches: 'a target that completes a send with the disconnect',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.disconnect(connection);
      const [first, second] = [present(target.sends[0]), present(target.disconnects[0])];
      first.next = second;
      try {
        target.handlers.tcpOffloadDisconnectComplete(first);
      } catch {
        // Refused, as it should be.
      }
      first.next = null;
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.disconnect(connection);
      target.completeSends();
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-012',
    catches: 'a target that closes both halves',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      host.disconnect(connection);
      target.completeDisconnect();
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 0, status: NDIS_STATUS_INVALID_STATE });
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      host.disconnect(connection);
      target.completeDisconnect();
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 3 });
      target.event(stack.lowest(connection), TcpIndicateDisconnect);
      host.receive(connection, 3);
      target.completeOne('receives', { bytes: 0, status: NDIS_STATUS_INVALID_STATE });
    },
  },
  {
    rule: 'CHIM-DSC-013',
    catches: 'a host that sends after its close',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: ({ host, connection, target }) => {
      host.disconnect(connection);
      host.send(connection, 'a');
      target.completeDisconnect();
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.disconnect(connection);
      target.completeSends();
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-013',
    catches: 'a host that tries a failed close again',
    actor: 'probe host',
    broken: (stack) => {
      const { host, connection, target } = stack;
      target.event(stack.lowest(connection), TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      host.disconnect(connection);
      target.completeDisconnect(NDIS_STATUS_UPLOAD_IN_PROGRESS);
      host.disconnect(connection);
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      target.event(stack.lowest(connection), TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      host.disconnect(connection);
      target.completeDisconnect(NDIS_STATUS_UPLOAD_IN_PROGRESS);
      // An abort is another request.
      host.disconnect(connection, TCP_DISCONNECT_ABORTIVE_CLOSE);
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-014',
    catches: 'an NDIS that completes a disconnect twice',
    actor: 'NDIS',
    broken: (stack) => {
      const { host, connection, target } = stack;
      const nbl = host.disconnect(connection);
      target.completeDisconnect();
      ndisCompletes(stack, tcpOffloadDisconnectComplete, nbl);
    },
    clean: ({ host, connection, target }) => {
      host.disconnect(connection);
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-015',
    catches: 'an NDIS that links a disconnect to something else',
    actor: 'NDIS',
    broken: (stack) => {
      const { host, connection } = stack;
      const nbl = host.disconnect(connection);
      nbl.next = host.list('a');
      ndisCompletes(stack, tcpOffloadDisconnectComplete, nbl, 2);
    },
    clean: ({ host, connection, target }) => {
      host.disconnect(connection);
      target.completeDisconnect();
    },
  },
  {
    rule: 'CHIM-DSC-016',
    catches: 'a host that forgets its context on the disconnect',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: ({ ndis, host, connection, target }) => {
      const contexts = ndis.allocateNetBufferListContextPool(host);
      const nbl = host.list(0);
      contexts.allocateNetBufferListContext(nbl);
      connection.binding.offloadTcpDisconnect(connection, nbl, TCP_DISCONNECT_GRACEFUL_CLOSE);
      target.completeDisconnect();
    },
    clean: ({ ndis, host, connection, target }) => {
      const contexts = ndis.allocateNetBufferListContextPool(host);
      const nbl = host.list(0);
      contexts.allocateNetBufferListContext(nbl);
      host.calls.once('protocolTcpOffloadDisconnectComplete', (_context: unknown, completed: NetBufferList) => {
        contexts.freeNetBufferListContext(completed);
      });
      connection.binding.offloadTcpDisconnect(connection, nbl, TCP_DISCONNECT_GRACEFUL_CLOSE);
      target.completeDisconnect();
    },
  },
];
