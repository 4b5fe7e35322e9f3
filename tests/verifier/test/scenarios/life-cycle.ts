import { type ProbeStack } from '@ndis-chimney/kit';
import { Dpc, NDIS_STATUS_SUCCESS, type NDIS_STATUS } from '@ndis-chimney/types';

import type { Scenario } from './scenario.ts';

/** Does what is refused, or reported. */
function attempt(act: () => unknown): void {
  try {
    act();
  } catch {
    // That is what the rule is for.
  }
}

/** Terminates what is offloaded and unbinds the host. */
function unbind(stack: ProbeStack): ProbeStack['host']['binding'] {
  const { binding } = stack.host;
  stack.terminateAll();
  stack.ndis.unbindAdapter(binding);
  stack.settle();
  return binding;
}

/** Runs something in a DPC. */
function inDpc(stack: ProbeStack, act: () => void): void {
  stack.ndis.dpcQueue.insert(new Dpc({ runDpc: act }));
  stack.settle();
}

export const lifeCycleScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-LIF-001',
    catches: 'a host that closes its binding from a DPC',
    actor: 'probe host',
    broken: (stack) => {
      stack.terminateAll();
      inDpc(stack, () => {
        attempt(() => stack.host.binding.closeAdapterEx());
      });
    },
    clean: (stack) => {
      unbind(stack);
    },
  },
  {
    rule: 'CHIM-LIF-002',
    catches: 'a host that queries on a binding that it has closed',
    actor: 'probe host',
    broken: (stack) => {
      const binding = unbind(stack);
      attempt(() => {
        binding.queryOffloadState(stack.host.connections(stack.connection));
      });
    },
    clean: (stack) => {
      stack.host.binding.queryOffloadState(stack.host.connections(stack.connection));
      stack.target.completeTree('query');
      unbind(stack);
    },
  },
  {
    rule: 'CHIM-LIF-003',
    catches: 'a host that closes a binding with an offloaded connection',
    actor: 'probe host',
    broken: ({ host }) => {
      attempt(() => host.binding.closeAdapterEx());
    },
    clean: (stack) => {
      unbind(stack);
    },
  },
  {
    rule: 'CHIM-LIF-004',
    catches: 'a host that sends on a paused binding',
    actor: 'probe host',
    broken: ({ host, target, ndis, connection }) => {
      ndis.pauseAdapter(target.miniport);
      attempt(() => host.send(connection, 'a'));
    },
    clean: ({ host, target, ndis, connection }) => {
      ndis.pauseAdapter(target.miniport);
      ndis.restartAdapter(target.miniport);
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-LIF-005',
    catches: 'a host that throws from a completion',
    actor: 'probe host',
    broken: ({ host, target, connection }) => {
      host.calls.once('protocolTcpOffloadSendComplete', () => {
        throw new TypeError('a slip');
      });
      host.send(connection, 'a');
      target.completeSends();
    },
    clean: ({ host, target, connection }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-LIF-006',
    catches: 'a target that completes a pause, and answers it as well',
    actor: 'probe target',
    broken: ({ ndis, target }) => {
      target.calls.once('miniportPause', (): NDIS_STATUS => {
        target.miniport.pauseComplete();
        return NDIS_STATUS_SUCCESS;
      });
      ndis.pauseAdapter(target.miniport);
    },
    clean: ({ ndis, target }) => {
      ndis.pauseAdapter(target.miniport);
      ndis.restartAdapter(target.miniport);
    },
  },
  {
    rule: 'CHIM-LIF-007',
    catches: 'a host that frees its pool while a send is pending',
    actor: 'probe host',
    broken: ({ host, connection }) => {
      host.send(connection, 'a');
      attempt(() => {
        host.pool.freeNetBufferListPool();
      });
    },
    clean: ({ host, target, connection }) => {
      host.send(connection, 'a');
      target.completeSends();
    },
  },
];
