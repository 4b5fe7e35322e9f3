import { ProbeHost, membersOf, present, type ProbeStack } from '@ndis-chimney/kit';
import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { Dpc, NDIS_STATUS_FAILURE, type NetBufferList } from '@ndis-chimney/types';

import { TOO_LONG_MS, ndisCompletes, tcpOffloadSendComplete } from './data-steps.ts';
import type { Scenario } from './scenario.ts';

/** Runs something as a DPC of the target, and nothing else. */
function inDpc({ ndis, runtime }: ProbeStack, runDpc: () => void): void {
  ndis.dpcQueue.insert(new Dpc({ runDpc }));
  runtime.advance(0);
}

/** A call that is refused. */
function refused(call: () => void): void {
  try {
    call();
  } catch {
    // As it should be.
  }
}

/** Goes on with what it has passed on. */
class Clinging extends PassThroughDriver {
  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    super.protocolTcpOffloadSendComplete(adapter, netBufferList);
    netBufferList.scratch = adapter;
  }
}

export const netBufferListsScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-NBL-001',
    catches: 'a target that completes a send twice',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      const list = host.send(connection, 'a');
      target.completeSends();
      refused(() => {
        target.handlers.tcpOffloadSendComplete(list);
      });
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-NBL-001',
    catches: 'a target that completes a send as a receive',
    actor: 'probe target',
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.receives.push(...target.sends.splice(0));
      target.completeReceives();
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      host.receive(connection, 3);
      target.completeSends();
      target.completeReceives();
    },
  },
  {
    rule: 'CHIM-NBL-002',
    catches: 'an NDIS that completes on another binding',
    actor: 'NDIS',
    broken: (stack) => {
      const { host, connection, ndis } = stack;
      const second = new ProbeHost(ndis, { name: 'second host' }).register();
      second.bindTo(host.binding.adapterName);
      const list = host.send(connection, 'a');
      ndis.observer?.enter?.(tcpOffloadSendComplete, second.binding, list, 1, 0, null);
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-NBL-003',
    catches: 'an NDIS that loses the second of two',
    actor: 'NDIS',
    broken: (stack) => {
      const { host, connection } = stack;
      const completed = present(membersOf(host.send(connection, 'a', 'b'))[0]);
      completed.next = null;
      completed.tcpOffloadBytesTransferred = 1;
      stack.ndis.advanceNetBufferDataStart(present(completed.firstNetBuffer), 1, false);
      ndisCompletes(stack, tcpOffloadSendComplete, completed, 2);
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a', 'b');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-NBL-004',
    catches: 'a host that sends what is still below',
    actor: 'probe host',
    broken: ({ host, connection, target }) => {
      const list = host.send(connection, 'a');
      refused(() => {
        connection.binding.offloadTcpSend(connection, list);
      });
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-NBL-004',
    catches: 'a host that writes into data that is not acknowledged',
    actor: 'probe host',
    stack: { intermediates: 2 },
    broken: ({ host, connection, target }) => {
      const { firstNetBuffer } = host.send(connection, 'abc');
      present(present(firstNetBuffer).mdlChain).buffer[2] = 120;
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      const { firstNetBuffer } = host.send(connection, 'abc');
      target.completeSends();
      present(present(firstNetBuffer).mdlChain).buffer[2] = 120;
    },
  },
  {
    rule: 'CHIM-NBL-004',
    catches: 'a host that takes memory off a receive that is posted',
    actor: 'probe host',
    broken: ({ host, connection, target }) => {
      const { firstNetBuffer } = host.receive(connection, 10);
      const mdl = present(present(firstNetBuffer).mdlChain);
      mdl.byteCount = 4;
      target.completeOne('receives', { bytes: 4 });
    },
    clean: ({ host, connection, target }) => {
      host.receive(connection, 10);
      // What is written there by the target is no concern of the host's.
      target.completeOne('receives', { bytes: 4, data: 'abcd' });
    },
  },
  {
    rule: 'CHIM-NBL-005',
    catches: 'a target that goes on with a send it has completed',
    actor: 'probe target',
    broken: (stack) => {
      const { host, connection, target } = stack;
      const list = host.send(connection, 'a');
      host.receive(connection, 3);
      inDpc(stack, () => {
        target.completeSends();
        list.status = NDIS_STATUS_FAILURE;
        target.completeReceives();
      });
    },
    clean: (stack) => {
      const { host, connection, target } = stack;
      const list = host.send(connection, 'a');
      host.receive(connection, 3);
      inDpc(stack, () => {
        target.completeSends();
        target.completeReceives();
      });
      // It is the host's again.
      list.status = NDIS_STATUS_FAILURE;
      host.receive(connection, 3);
      inDpc(stack, () => {
        target.completeReceives();
      });
    },
  },
  {
    rule: 'CHIM-NBL-005',
    catches: 'an intermediate driver that goes on with a send it has passed on',
    actor: 'im1',
    stack: { intermediates: 1, createIntermediate: (ndis, options) => new Clinging(ndis, options) },
    broken: ({ host, connection, target }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      // What is no send it passes on and leaves alone.
      host.receive(connection, 3);
      target.completeReceives();
    },
  },
  {
    rule: 'CHIM-NBL-006',
    catches: 'a target that links its queue by ProtocolReserved',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, connection, target }) => {
      target.calls.once('miniportTcpOffloadSend', (...[, , list]: [unknown, unknown, NetBufferList]) => {
        list.protocolReserved1 = target;
      });
      host.send(connection, 'a');
      target.completeSends();
    },
    clean: ({ host, connection, target }) => {
      target.calls.once('miniportTcpOffloadSend', (...[, , list]: [unknown, unknown, NetBufferList]) => {
        list.miniportReserved0 = target;
      });
      const list = host.send(connection, 'a');
      // That is the host's, also while the send is pending.
      list.protocolReserved1 = host;
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-NBL-007',
    catches: 'a target that has forgotten a send',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: ({ host, connection, runtime }) => {
      host.send(connection, 'a');
      runtime.advance(TOO_LONG_MS);
    },
    clean: ({ host, connection, target, runtime }) => {
      // Each is there for long, but something goes on.
      host.send(connection, 'a', 'b', 'c', 'd');
      for (let count = 0; count < 4; count++) {
        runtime.advance(15_000);
        target.completeSends(1);
      }
    },
  },
  {
    rule: 'CHIM-NBL-008',
    catches: 'a host whose list loops',
    actor: 'probe host',
    broken: ({ host, connection }) => {
      const list = host.list('a', 'b');
      const second = present(list.next);
      second.next = list;
      refused(() => {
        connection.binding.offloadTcpSend(connection, list);
      });
      second.next = null;
    },
    clean: ({ host, connection, target }) => {
      host.send(connection, 'a', 'b');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-NBL-009',
    catches: 'a host that pops a context that is not there',
    actor: 'probe host',
    broken: ({ ndis, host }) => {
      const contexts = ndis.allocateNetBufferListContextPool(host);
      refused(() => {
        contexts.freeNetBufferListContext(host.list('a'));
      });
    },
    clean: ({ ndis, host }) => {
      const contexts = ndis.allocateNetBufferListContextPool(host);
      const list = host.list('a');
      contexts.allocateNetBufferListContext(list);
      contexts.freeNetBufferListContext(list);
    },
  },
  {
    rule: 'CHIM-NBL-010',
    catches: 'a host that frees a NET_BUFFER_LIST twice',
    actor: 'probe host',
    broken: ({ host }) => {
      const list = host.list('a');
      host.free([list]);
      refused(() => {
        host.pool.freeNetBufferList(list);
      });
    },
    clean: ({ host }) => {
      host.free([host.list('a')]);
      host.free([host.list('b')]);
    },
  },
];
