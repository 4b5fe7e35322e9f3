import { present } from '@ndis-chimney/kit';
import {
  Mdl,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
} from '@ndis-chimney/types';

import { ndisCompletes, tcpOffloadSendComplete } from './data-steps.ts';
import type { Scenario } from './scenario.ts';

const { TcpIndicateAbort, TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;

export const sendScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-SND-001',
    catches: 'a target that answers a send with SUCCESS',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      target.calls.once('miniportTcpOffloadSend', () => NDIS_STATUS_SUCCESS);
      host.send(connection, 'a');
      target.completeSends();
    },
    clean: ({ host, target, connection }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-SND-002',
    catches: 'a host that sends on a path',
    actor: 'probe host',
    broken: ({ host, path, target }) => {
      host.send(path, 'a');
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-SND-002',
    catches: 'a host that sends on a path, through a driver that passes it on',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: ({ host, path, target }) => {
      host.send(path, 'a');
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-SND-003',
    catches: 'a host whose NET_BUFFER is longer than its MDLs',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: ({ host, connection, target }) => {
      const list = host.list('abc');
      present(list.firstNetBuffer).dataLength = 5;
      connection.binding.offloadTcpSend(connection, list);
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      const list = host.list('abc');
      const netBuffer = present(list.firstNetBuffer);
      present(netBuffer.mdlChain).next = new Mdl(Uint8Array.of(100, 101));
      netBuffer.dataLength = 5;
      connection.binding.offloadTcpSend(connection, list);
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-SND-004',
    catches: 'a target that has no room for a send',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends(1, NDIS_STATUS_RESOURCES);
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      host.send(connection, 'a');
      target.event(stack.lowest(connection), TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    },
  },
  {
    rule: 'CHIM-SND-005',
    catches: 'a host that sends from a callback inside its send',
    actor: 'probe host',
    broken: (stack) => {
      const { host, connection, target } = stack;
      host.calls.once('protocolTcpOffloadEvent', () => {
        host.send(connection, 'b');
      });
      target.calls.once('miniportTcpOffloadSend', () => {
        target.event(stack.lowest(connection), TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, 1);
      });
      host.send(connection, 'a');
    },
    clean: ({ host, connection, target }) => {
      host.calls.once('protocolTcpOffloadSendComplete', () => {
        host.send(connection, 'b');
      });
      host.send(connection, 'a');
      target.completeSends();
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-SND-007',
    catches: 'a target that calls a send of three bytes done when two are acknowledged',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, connection, target }) => {
      host.send(connection, 'abc');
      target.completeOne('sends', { bytes: 2 });
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'abc');
      target.completeOne('sends', { bytes: 3 });
    },
  },
  {
    rule: 'CHIM-SND-008',
    catches: 'a target that sends the third of a list whose second has failed',
    actor: 'probe target',
    broken: (stack) => {
      const { host, connection, target } = stack;
      host.send(connection, 'aaa', 'bbb', 'ccc');
      target.event(stack.lowest(connection), TcpIndicateAbort);
      target.completeOne('sends', { bytes: 3 });
      target.completeOne('sends', { bytes: 1, status: NDIS_STATUS_REQUEST_ABORTED });
      target.completeOne('sends', { bytes: 3 });
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      host.send(connection, 'aaa', 'bbb', 'ccc');
      target.event(stack.lowest(connection), TcpIndicateAbort);
      target.completeOne('sends', { bytes: 3 });
      target.completeOne('sends', { bytes: 1, status: NDIS_STATUS_REQUEST_ABORTED });
      target.completeOne('sends', { bytes: 0, status: NDIS_STATUS_REQUEST_ABORTED });
    },
  },
  {
    rule: 'CHIM-SND-009',
    catches: 'a target that aborts a send and never says why',
    actor: 'probe target',
    isEventual: true,
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends(1, NDIS_STATUS_REQUEST_ABORTED);
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      host.send(connection, 'a');
      target.completeSends(1, NDIS_STATUS_REQUEST_ABORTED);
      target.event(stack.lowest(connection), TcpIndicateAbort);
    },
  },
  {
    rule: 'CHIM-SND-009',
    catches: 'a target that speaks of an upload and goes on',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
      host.send(connection, 'b');
      target.completeSends();
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      host.send(connection, 'a');
      target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
      target.event(stack.lowest(connection), TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      host.send(connection, 'b');
      target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    },
  },
  {
    rule: 'CHIM-SND-010',
    catches: 'a target that leaves the data start where it was',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, connection, target }) => {
      host.send(connection, 'abc');
      target.completeOne('sends', { bytes: 3, moved: 0 });
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'abc');
      target.completeOne('sends', { bytes: 3 });
    },
  },
  {
    rule: 'CHIM-SND-010',
    catches: 'a target that frees the MDLs it has sent',
    actor: 'probe target',
    broken: ({ ndis, host, connection, target }) => {
      const list = host.list('abc');
      const netBuffer = present(list.firstNetBuffer);
      present(netBuffer.mdlChain).next = new Mdl(Uint8Array.of(100, 101));
      netBuffer.dataLength = 5;
      connection.binding.offloadTcpSend(connection, list);
      ndis.advanceNetBufferDataStart(netBuffer, 5, true);
      target.completeOne('sends', { bytes: 5, moved: 0 });
    },
    clean: ({ ndis, host, connection, target }) => {
      const list = host.list('abc');
      const netBuffer = present(list.firstNetBuffer);
      present(netBuffer.mdlChain).next = new Mdl(Uint8Array.of(100, 101));
      netBuffer.dataLength = 5;
      connection.binding.offloadTcpSend(connection, list);
      ndis.advanceNetBufferDataStart(netBuffer, 5, false);
      target.completeOne('sends', { bytes: 5, moved: 0 });
    },
  },
  {
    rule: 'CHIM-SND-011',
    catches: 'a target that completes the second send first',
    actor: 'probe target',
    broken: ({ host, target, connection }) => {
      host.send(connection, 'a');
      host.send(connection, 'b');
      target.sends.reverse();
      target.completeSends(1);
      target.completeSends();
    },
    clean: ({ host, target, connection }) => {
      host.send(connection, 'a');
      host.send(connection, 'b', 'c');
      target.completeSends(2);
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-SND-012',
    catches: 'an NDIS that completes a send twice',
    actor: 'NDIS',
    broken: (stack) => {
      const { host, target, connection } = stack;
      const list = host.send(connection, 'a');
      target.completeSends();
      ndisCompletes(stack, tcpOffloadSendComplete, list);
    },
    clean: ({ host, target, connection }) => {
      const list = host.send(connection, 'a');
      target.completeSends();
      host.free([list]);
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-SND-016',
    catches: 'a host that tries an aborted send again',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: (stack) => {
      const { host, target, connection } = stack;
      target.event(stack.lowest(connection), TcpIndicateAbort);
      const list = host.send(connection, 'a');
      target.completeSends(1, NDIS_STATUS_REQUEST_ABORTED);
      connection.binding.offloadTcpSend(connection, list);
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      target.event(stack.lowest(connection), TcpIndicateAbort);
      const list = host.send(connection, 'a');
      target.completeSends(1, NDIS_STATUS_REQUEST_ABORTED);
      host.free([list]);
      host.send(connection, 'another');
      target.completeSends(1, NDIS_STATUS_REQUEST_ABORTED);
    },
  },
];
