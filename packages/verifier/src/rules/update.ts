import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, TCP_FLAG_KEEP_ALIVE_RESTART, TCP_FLAG_MAX_RT_RESTART, type TcpOffloadState } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';
import { watchQueriedValues } from '../judge/queried-values.ts';
import { isTargets } from '../judge/trees.ts';

/** What an update told a target to set back, and since when it can have counted again. */
interface Restart {
  readonly atMs: number;
  readonly isTotalRT: boolean;
  /** Ticks before a keepalive probe can be sent again; null when the count was not set back. */
  readonly probesAfterTicks: number | null;
}

export const updateRules: readonly Rule[] = [
  {
    id: 'CHIM-UPD-001',
    actors: ['host'],
    severity: 'error',
    page: 'synchronizing-update-operations.md',
    holds: 'An object is updated only while it is offloaded, one update at a time, and not once it is invalid or being made so.',
    why: 'A target may work on several operations at once: of two updates the older one could win.',
    cause: 'Look for a host that passes down an update for every change as it comes.',
    example: 'Two updates of a connection are on their way.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-UPD-002',
    actors: ['host'],
    severity: 'error',
    page: 'reasons-for-updating-offloaded-state-objects.md',
    holds: 'An update does not put a connection under another path than its own.',
    why: 'The path of a connection is part of its identity; only paths can be linked anew, to neighbors.',
    cause: 'Look at how the tree of the update was built.',
    example: 'A connection of one path hangs under a block of another.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeDown: ({ operation, edge, blocks }) => {
        if (operation !== 'update' || edge.upperRole !== 'host') return;
        for (const { object, layer, parent, block } of blocks) {
          const above = parent?.object ?? null;
          if (object === null || layer !== 'tcp' || above === null || object.parent === null || object.parent === above) continue;
          broken(edge.upper, `updates ${object.name} of ${object.parent.name} below ${above.name}`, block, object.handle);
        }
      },
    }),
  },
  {
    id: 'CHIM-UPD-003',
    actors: ['target'],
    severity: 'error',
    page: 'nc-ndischimney-w_update_offload_handler.md',
    holds: 'An update changes cached values and the neighbor of a path; constant and delegated values change by what a restart is documented to do, and by nothing else.',
    why: 'Constant values identify the connection on the wire.',
    cause: 'Look for an update that copies all the state behind a block, whatever its type.',
    example: 'After an update of the cached state a query returns another local port.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    missing: 'Of delegated values it cannot be said whether an update or the connection itself has changed them.',
    watch: ({ broken }) =>
      watchQueriedValues(({ object, tree, part, lastUpdate, detail }) => {
        if (part === 'const' && lastUpdate !== 'none') broken(tree.edge.lower, `query of ${object.name} after an update: ${detail}`, tree.root, object.handle);
      }),
  },
  {
    id: 'CHIM-UPD-004',
    actors: ['target'],
    severity: 'error',
    page: 'updating-cached-variables.md',
    holds: 'When an update has succeeded the new cached values hold, in what is sent and in what a query returns.',
    why: 'A host that lowers the MTU of a path does it because larger segments do not arrive.',
    cause: 'Look for a target that copies new values and goes on with its old ones.',
    example: 'After an update of the TTL a query returns the old one.',
    observed: ['up', 'memory', 'wire'],
    decidedBy: 'verifier',
    missing: 'Whether the segments that are sent obey the values is seen on the wire only.',
    watch: ({ broken }) =>
      watchQueriedValues(({ object, tree, part, lastUpdate, detail }) => {
        if (part === 'cached' && lastUpdate === 'done') broken(tree.edge.lower, `query of ${object.name} after an update: ${detail}`, tree.root, object.handle);
      }),
  },
  {
    id: 'CHIM-UPD-005',
    actors: ['target'],
    severity: 'error',
    page: 'linking-path-state-objects-to-a-new-neighbor-state-object.md',
    holds: 'When a path was linked to another neighbor, frames of all its connections carry that neighbor’s addresses and VLAN.',
    why: 'The old neighbor need not forward them any more.',
    cause: 'Look for headers that were built once per connection.',
    example: 'Frames go to the MAC address of the old neighbor after the relinking has completed.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'The addresses of frames are seen on the wire only.',
  },
  {
    id: 'CHIM-UPD-006',
    actors: ['target'],
    severity: 'error',
    page: 'ns-ndischimney-_tcp_offload_state_cached.md',
    holds: 'With TCP_FLAG_UPDATE_RCV_WND, and an InitialRcvWnd other than RcvWnd, a new window is advertised to the peer.',
    why: 'Otherwise the peer goes on with the old window until it hears of a new one by chance.',
    cause: 'Look for a target that only stores the value.',
    example: 'The window is doubled by an update, and the peer stops at the old one.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Which window was advertised is seen on the wire only.',
  },
  {
    id: 'CHIM-UPD-007',
    actors: ['target'],
    severity: 'warning',
    page: 'updating-cached-variables.md',
    holds: 'TCP_FLAG_MAX_RT_RESTART sets TotalRT back to zero; a restart with a new number of keepalive probes sets the count of those that were sent back.',
    why: 'A new limit would be measured against time that counted for the old one.',
    cause: 'Look for commands in the flags that are stored like the flags beside them.',
    example: 'A second after the restart a query returns a TotalRT of a minute.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken, clock }) => {
      const restarts = new WeakMap<ObjectRecord, Restart>();
      return {
        treeUp: (tree) => {
          if (!isTargets(tree)) return;
          for (const { object, layer, block } of tree.blocks) {
            if (object === null || layer !== 'tcp' || block.status !== NDIS_STATUS_SUCCESS) continue;
            const { cached, delegated } = (block.state ?? {}) as Partial<TcpOffloadState>;
            if (tree.operation === 'update' && cached != null) {
              const isTotalRT = (cached.flags & TCP_FLAG_MAX_RT_RESTART) !== 0;
              const isKeepAlive = (cached.flags & (TCP_FLAG_MAX_RT_RESTART | TCP_FLAG_KEEP_ALIVE_RESTART)) !== 0 && object.supplied?.cached.get('kaProbeCount') !== cached.kaProbeCount;
              if (isTotalRT || isKeepAlive) restarts.set(object, { atMs: tree.atMs, isTotalRT, probesAfterTicks: isKeepAlive ? cached.kaTimeout : null });
            } else if (tree.operation === 'query' && delegated != null) {
              const restart = restarts.get(object);
              if (restart === undefined) continue;
              // A tick is a millisecond, or longer.
              const most = clock.now() - restart.atMs + 1;
              const { totalRT, keepAlive } = delegated;
              if (restart.isTotalRT && totalRT > most) broken(tree.edge.lower, `query of ${object.name}: TotalRT is ${totalRT} ticks, ${most} ms after it was to be set back`, tree.root, object.handle);
              else if (restart.probesAfterTicks !== null && restart.probesAfterTicks >= most && keepAlive.probeCount > 0) {
                broken(tree.edge.lower, `query of ${object.name}: ${keepAlive.probeCount} keepalive probes, ${most} ms after the count was to be set back`, tree.root, object.handle);
              }
            }
          }
        },
      };
    },
  },
  {
    id: 'CHIM-UPD-008',
    actors: ['target'],
    severity: 'error',
    page: 'nf-ndischimney-ndismupdateoffloadcomplete.md',
    holds: 'When an update has failed the object goes on with its old values.',
    why: 'The host takes them for what holds until it has terminated the object.',
    cause: 'Look for values that are overwritten one by one before the last check.',
    example: 'An update of the TTL fails, and a query returns the new TTL.',
    observed: ['up', 'memory', 'wire'],
    decidedBy: 'verifier',
    missing: 'Whether the connection goes on is seen on the wire only.',
    watch: ({ broken }) =>
      watchQueriedValues(({ object, tree, part, lastUpdate, detail }) => {
        if (part === 'cached' && lastUpdate === 'failed') broken(tree.edge.lower, `query of ${object.name} after an update that failed: ${detail}`, tree.root, object.handle);
      }),
  },
  {
    id: 'CHIM-UPD-009',
    actors: ['host'],
    severity: 'warning',
    page: 'returning-the-completion-status-of-an-update-offload-operation.md',
    holds: 'An object whose update failed is terminated.',
    why: 'The target goes on with values that the host knows to be wrong.',
    cause: 'Look at what the host does with the status of an update.',
    example: 'The update of a path’s MTU fails, and the path stays offloaded to the end.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken, edges }) => {
      const failed = new WeakSet<ObjectRecord>();
      return {
        treeUp: ({ operation, edge, blocks }) => {
          if (operation !== 'update' || edge.upperRole !== 'host') return;
          for (const { object, block } of blocks) if (object !== null && block.status === NDIS_STATUS_FAILURE) failed.add(object);
        },
        end: () => {
          for (const edge of edges) {
            for (const object of edge.objects.values()) {
              if (failed.has(object) && object.state === 'offloaded') broken(edge.upper, `has not terminated ${object.name}, whose update failed`, object.handle);
            }
          }
        },
      };
    },
  },
];
