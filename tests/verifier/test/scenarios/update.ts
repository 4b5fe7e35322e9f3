import { pathBlock, present, tcpBlock, under, type ProbeStack } from '@ndis-chimney/kit';
import { OFFLOAD_STATE_TYPE, TCP_FLAG_MAX_RT_RESTART } from '@ndis-chimney/types';

import { FAILED, cachedIn, constIn, delegatedIn, query, terminate, update } from './operations.ts';
import { bare } from './refuse.ts';
import type { Scenario } from './scenario.ts';

/** Updates the connection below a path that is named for it. */
function updateBelow(stack: ProbeStack, isOwn: boolean): void {
  const { host, target, connection } = stack;
  const { paths } = host.offload();
  target.completeTree('initiate');
  const path = bare(OFFLOAD_STATE_TYPE.Ip4OffloadState, isOwn ? stack.path : present(paths[0]));
  host.binding.updateOffload(under(path, tcpBlock(connection)));
  target.completeTree('update');
}

export const updateScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-UPD-001',
    catches: 'a host that updates a connection twice at a time',
    actor: 'probe host',
    broken: ({ host, target, connection }) => {
      host.binding.updateOffload(host.connections(connection));
      try {
        host.binding.updateOffload(host.connections(connection));
      } catch {
        // Refused, as it should be.
      }
      target.completeTree('update');
    },
    clean: ({ host, target, connection }) => {
      for (let count = 0; count < 2; count++) {
        host.binding.updateOffload(host.connections(connection));
        target.completeTree('update');
      }
    },
  },
  {
    rule: 'CHIM-UPD-002',
    catches: 'a host that puts a connection under another path',
    actor: 'probe host',
    broken: (stack) => {
      updateBelow(stack, false);
    },
    clean: (stack) => {
      updateBelow(stack, true);
    },
  },
  {
    rule: 'CHIM-UPD-003',
    catches: 'a target that returns another port after an update',
    actor: 'probe target',
    broken: (stack) => {
      update(stack, () => undefined);
      query(stack, {
        change: (block) => {
          constIn(block).localPort++;
        },
      });
    },
    clean: (stack) => {
      update(stack, () => undefined);
      query(stack);
    },
  },
  {
    rule: 'CHIM-UPD-004',
    catches: 'a target that returns the old TTL after an update',
    actor: 'probe target',
    broken: (stack) => {
      update(stack, (cached) => {
        cached.ttlOrHopLimit = 32;
      });
      query(stack);
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      update(stack, (cached) => {
        cached.ttlOrHopLimit = 32;
      });
      query(stack, {
        change: (block) => {
          cachedIn(block).ttlOrHopLimit = 32;
        },
      });
      // A query that was under way together with an update may return either.
      host.binding.queryOffloadState(host.connections(connection));
      update(stack, (cached) => {
        cached.ttlOrHopLimit = 16;
      });
      target.completeTree('query');
    },
  },
  {
    rule: 'CHIM-UPD-007',
    catches: 'a target that goes on counting TotalRT after a restart',
    actor: 'probe target',
    broken: (stack) => {
      update(stack, (cached) => {
        cached.flags |= TCP_FLAG_MAX_RT_RESTART;
      });
      stack.runtime.advance(1000);
      query(stack, {
        change: (block) => {
          delegatedIn(block).totalRT = 60_000;
        },
      });
    },
    clean: (stack) => {
      update(stack, (cached) => {
        cached.flags |= TCP_FLAG_MAX_RT_RESTART;
      });
      stack.runtime.advance(1000);
      query(stack, {
        change: (block) => {
          delegatedIn(block).totalRT = 1000;
        },
      });
    },
  },
  {
    rule: 'CHIM-UPD-007',
    catches: 'a target that goes on counting keepalive probes after a restart with a new number of them',
    actor: 'probe target',
    broken: (stack) => {
      update(stack, (cached) => {
        cached.flags |= TCP_FLAG_MAX_RT_RESTART;
        cached.kaProbeCount = 5;
        cached.kaTimeout = 7_200_000;
      });
      query(stack, {
        change: (block) => {
          cachedIn(block).kaProbeCount = 5;
          cachedIn(block).kaTimeout = 7_200_000;
          delegatedIn(block).keepAlive.probeCount = 3;
        },
      });
    },
    clean: (stack) => {
      query(stack, {
        change: (block) => {
          delegatedIn(block).keepAlive.probeCount = 3;
        },
      });
    },
  },
  {
    rule: 'CHIM-UPD-008',
    catches: 'a target that fails an update and takes its values',
    actor: 'probe target',
    broken: (stack) => {
      update(
        stack,
        (cached) => {
          cached.ttlOrHopLimit = 32;
        },
        FAILED,
      );
      query(stack, {
        change: (block) => {
          cachedIn(block).ttlOrHopLimit = 32;
        },
      });
      terminate(stack);
    },
    clean: (stack) => {
      update(
        stack,
        (cached) => {
          cached.ttlOrHopLimit = 32;
        },
        FAILED,
      );
      query(stack);
      terminate(stack);
    },
  },
  {
    rule: 'CHIM-UPD-009',
    catches: 'a host that keeps a path whose update failed',
    actor: 'probe host',
    isEventual: true,
    broken: ({ host, target, path }) => {
      host.binding.updateOffload(pathBlock(path));
      target.completeTree('update', FAILED);
    },
    clean: ({ host, target, path }) => {
      host.binding.updateOffload(pathBlock(path));
      target.completeTree('update', FAILED);
    },
  },
];
