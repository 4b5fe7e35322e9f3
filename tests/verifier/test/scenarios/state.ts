import { present, tcpBlock } from '@ndis-chimney/kit';
import { OffloadHandle, TCP_OFFLOAD_EVENT_TYPE } from '@ndis-chimney/types';

import { letGo } from './invalidate.ts';
import { cachedIn, query, terminate } from './operations.ts';
import type { Scenario } from './scenario.ts';

function attempt(call: () => void): void {
  try {
    call();
  } catch {
    // Refused, as it should be.
  }
}

export const stateScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-ST-001',
    catches: 'a host that queries what it has never offered',
    actor: 'probe host',
    broken: ({ host }) => {
      attempt(() => {
        host.binding.queryOffloadState(tcpBlock(new OffloadHandle(host.binding, 'new')));
      });
    },
    clean: (stack) => {
      query(stack);
    },
  },
  {
    rule: 'CHIM-ST-002',
    catches: 'a host that sends on a connection that is being offloaded',
    actor: 'probe host',
    broken: ({ host, target }) => {
      const { connections } = host.offload();
      attempt(() => {
        host.send(present(connections[0]), 'early');
      });
      target.completeTree('initiate');
    },
    clean: ({ host, target }) => {
      const { connections } = host.offload();
      target.completeTree('initiate');
      host.send(present(connections[0]), 'in time');
      target.completeSends();
    },
  },
  {
    rule: 'CHIM-ST-003',
    catches: 'a host that queries a connection that came back',
    actor: 'probe host',
    broken: (stack) => {
      terminate(stack);
      attempt(() => {
        stack.host.binding.queryOffloadState(stack.host.connections(stack.connection));
      });
    },
    clean: (stack) => {
      query(stack);
      terminate(stack);
    },
  },
  {
    rule: 'CHIM-ST-004',
    catches: 'a target that lowers the TTL of a connection',
    actor: 'probe target',
    broken: (stack) => {
      query(stack, {
        change: (block) => {
          cachedIn(block).ttlOrHopLimit--;
        },
      });
    },
    clean: (stack) => {
      query(stack);
    },
  },
  {
    rule: 'CHIM-ST-005',
    catches: 'a target that lets go of a connection that was reset',
    actor: 'probe target',
    broken: (stack) => {
      stack.target.event(stack.connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
      letGo(stack.connection);
      terminate(stack);
    },
    clean: (stack) => {
      stack.target.event(stack.connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
      terminate(stack);
    },
  },
  {
    rule: 'CHIM-ST-009',
    catches: 'a host that queries a connection by the handle of another binding',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: (stack) => {
      attempt(() => {
        stack.host.binding.queryOffloadState(stack.host.connections(stack.lowest(stack.connection)));
      });
    },
    clean: (stack) => {
      query(stack);
    },
  },
];
