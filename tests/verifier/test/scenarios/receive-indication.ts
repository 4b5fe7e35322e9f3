import { blocksOf, newTree, present, type ProbeStack } from '@ndis-chimney/kit';
import { NDIS_STATUS_SUCCESS, type BytesConsumed, type NetBufferList, type OffloadHandle, type TcpOffloadState } from '@ndis-chimney/types';

import { acceptAll, acceptSome, deliver, offloadWithBufferedData } from './data-steps.ts';
import type { Scenario } from './scenario.ts';

/** A connection whose host wants so many bytes at a time. */
function offloadWithSize({ host, target }: ProbeStack, rcvIndicationSize: number): OffloadHandle {
  const tree = newTree(host.binding);
  const { cached } = blocksOf(tree.root).map(({ state }) => state as TcpOffloadState).at(-1) ?? {};
  present(cached).rcvIndicationSize = rcvIndicationSize;
  host.initiate(tree.root);
  target.completeTree('initiate');
  return present(tree.connections[0]);
}

export const receiveIndicationScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-RXI-001',
    catches: 'a target that indicates data a receive is posted for',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 10);
      target.indicate(stack.lowest(connection), 'abc');
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 10);
      target.completeReceives();
      target.indicate(stack.lowest(connection), 'abc');
    },
  },
  {
    rule: 'CHIM-RXI-002',
    catches: 'a target that indicates two NET_BUFFER_LISTs at once',
    actor: 'probe target',
    broken: (stack) => {
      const { target, connection } = stack;
      try {
        target.indicateNbl(stack.lowest(connection), target.list('a', 'b'));
      } catch {
        // Refused, as it should be.
      }
    },
    clean: (stack) => {
      deliver(stack, 'a');
      deliver(stack, 'b');
    },
  },
  {
    rule: 'CHIM-RXI-003',
    catches: 'a target that indicates what was refused, with what has come since',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: (stack) => {
      const { target, connection } = stack;
      target.indicate(stack.lowest(connection), 'abc');
      target.indicate(stack.lowest(connection), 'abcdef');
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      target.indicate(stack.lowest(connection), 'abc');
      host.receive(connection, 0);
      target.completeReceives();
      target.indicate(stack.lowest(connection), 'abcdef');
    },
  },
  {
    rule: 'CHIM-RXI-004',
    catches: 'a target that delivers once more what was accepted',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: (stack) => {
      const { host, target, connection } = stack;
      acceptSome(stack, 2);
      target.indicate(stack.lowest(connection), 'abcde');
      host.receive(connection, 5);
      target.completeOne('receives', { bytes: 5, data: 'abcde' });
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      acceptSome(stack, 2);
      target.indicate(stack.lowest(connection), 'abcde');
      host.receive(connection, 5);
      target.completeOne('receives', { bytes: 5, data: 'cdefg' });
    },
  },
  {
    rule: 'CHIM-RXI-005',
    catches: 'a host that accepts everything and says it took nothing',
    actor: 'probe host',
    broken: (stack) => {
      stack.host.calls.once('protocolTcpOffloadReceiveIndicate', () => NDIS_STATUS_SUCCESS);
      const { netBufferList } = stack.target.indicate(stack.lowest(stack.connection), 'abc');
      stack.host.binding.offloadTcpReceiveReturn(netBufferList);
    },
    clean: (stack) => {
      deliver(stack, 'abc');
    },
  },
  {
    rule: 'CHIM-RXI-006',
    catches: 'a target that uses a receive buffer again which the host has kept',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: (stack) => {
      const { host, target, connection } = stack;
      acceptAll(stack);
      const { netBufferList } = target.indicate(stack.lowest(connection), 'abc');
      present(present(netBufferList.firstNetBuffer).mdlChain).buffer[1] = 120;
      host.binding.offloadTcpReceiveReturn(netBufferList);
    },
    clean: (stack) => {
      const { host, target, connection, ndis } = stack;
      acceptAll(stack);
      const { netBufferList } = target.indicate(stack.lowest(connection), 'abc');
      // A host may consume it piece by piece.
      ndis.advanceNetBufferDataStart(present(netBufferList.firstNetBuffer), 2, false);
      host.binding.offloadTcpReceiveReturn(netBufferList);
      present(present(netBufferList.firstNetBuffer).mdlChain).buffer[1] = 120;
    },
  },
  {
    rule: 'CHIM-RXI-007',
    catches: 'a target that indicates newer data ahead of what was refused',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: (stack) => {
      const { target, connection } = stack;
      target.indicate(stack.lowest(connection), 'abc');
      acceptAll(stack);
      const { netBufferList } = target.indicate(stack.lowest(connection), 'xyz');
      stack.host.binding.offloadTcpReceiveReturn(netBufferList);
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      target.indicate(stack.lowest(connection), 'abc');
      host.receive(connection, 2);
      target.completeOne('receives', { bytes: 2, data: 'ab' });
      deliver(stack, 'c');
      deliver(stack, 'xyz');
    },
  },
  {
    rule: 'CHIM-RXI-007',
    catches: 'a target that fills a receive with newer data than was handed over',
    actor: 'probe target',
    broken: (stack) => {
      const connection = offloadWithBufferedData(stack, 'abc');
      stack.host.receive(connection, 3);
      stack.target.completeOne('receives', { bytes: 3, data: 'xyz' });
    },
    clean: (stack) => {
      const connection = offloadWithBufferedData(stack, 'abc');
      stack.host.receive(connection, 5);
      stack.target.completeOne('receives', { bytes: 5, data: 'abcxy' });
    },
  },
  {
    rule: 'CHIM-RXI-008',
    catches: 'a target that indicates what was handed over in BufferedData at once',
    actor: 'probe target',
    broken: (stack) => {
      const connection = offloadWithBufferedData(stack, 'abc');
      stack.target.indicate(stack.lowest(connection), 'abc');
    },
    clean: (stack) => {
      const connection = offloadWithBufferedData(stack, 'abc');
      stack.host.receive(connection, 0);
      stack.target.completeReceives();
      stack.host.calls.once('protocolTcpOffloadReceiveIndicate', (_context: unknown, _list: NetBufferList, _status: unknown, bytesConsumed: BytesConsumed) => {
        bytesConsumed.value = 3;
        return NDIS_STATUS_SUCCESS;
      });
      const { netBufferList } = stack.target.indicate(stack.lowest(connection), 'abc');
      stack.host.binding.offloadTcpReceiveReturn(netBufferList);
    },
  },
  {
    rule: 'CHIM-RXI-010',
    catches: 'a target that indicates far more than the host wants at a time',
    actor: 'probe target',
    broken: (stack) => {
      stack.target.indicate(stack.lowest(offloadWithSize(stack, 100)), 4000);
    },
    clean: (stack) => {
      stack.target.indicate(stack.lowest(offloadWithSize(stack, 100)), 120);
      stack.target.indicate(stack.lowest(offloadWithSize(stack, 0)), 4000);
    },
  },
];
