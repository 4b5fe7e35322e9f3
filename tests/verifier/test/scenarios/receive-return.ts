import { ProbeHost, type ProbeStack } from '@ndis-chimney/kit';
import { NDIS_STATUS_PENDING, type NetBufferList } from '@ndis-chimney/types';

import { acceptAll, deliver } from './data-steps.ts';
import type { Scenario } from './scenario.ts';

/** Data that the host has accepted and not returned. */
function kept(stack: ProbeStack): NetBufferList {
  acceptAll(stack);
  return stack.target.indicate(stack.lowest(stack.connection), 'abc').netBufferList;
}

/** A call that is refused. */
function refused(call: () => void): void {
  try {
    call();
  } catch {
    // As it should be.
  }
}

export const receiveReturnScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-RET-001',
    catches: 'a target that answers a return with PENDING',
    actor: 'probe target',
    broken: (stack) => {
      stack.target.calls.once('miniportTcpOffloadReceiveReturn', () => NDIS_STATUS_PENDING);
      deliver(stack, 'abc');
    },
    clean: (stack) => {
      deliver(stack, 'abc');
    },
  },
  {
    rule: 'CHIM-RET-002',
    catches: 'a host that returns the same data twice',
    actor: 'probe host',
    broken: (stack) => {
      const list = kept(stack);
      stack.host.binding.offloadTcpReceiveReturn(list);
      refused(() => {
        stack.host.binding.offloadTcpReceiveReturn(list);
      });
    },
    clean: (stack) => {
      stack.host.binding.offloadTcpReceiveReturn(kept(stack));
    },
  },
  {
    rule: 'CHIM-RET-002',
    catches: 'a host that never returns what it has accepted',
    actor: 'probe host',
    stack: { intermediates: 1 },
    isEventual: true,
    broken: (stack) => {
      kept(stack);
    },
    clean: (stack) => {
      stack.host.binding.offloadTcpReceiveReturn(kept(stack));
    },
  },
  {
    rule: 'CHIM-RET-003',
    catches: 'a host that returns what another host has kept',
    actor: 'second host',
    broken: (stack) => {
      const second = new ProbeHost(stack.ndis, { name: 'second host' }).register();
      second.bindTo(stack.host.binding.adapterName);
      const list = kept(stack);
      refused(() => {
        second.binding.offloadTcpReceiveReturn(list);
      });
      stack.host.binding.offloadTcpReceiveReturn(list);
    },
    clean: (stack) => {
      const first = kept(stack);
      first.next = kept(stack);
      stack.host.binding.offloadTcpReceiveReturn(first);
    },
  },
];
