import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';
import { watchContexts } from '../judge/contexts.ts';
import { watchHardwareFailure } from '../judge/hardware-failure.ts';
import { FaultsDown, nameOf } from '../judge/trees.ts';

/** How long a send may wait on a connection that depends on something invalid, before its upload is asked for. */
const UPLOAD_MS = 5000;

/** True for a connection that is invalid, or whose path or neighbor is. */
function isAffected({ isInvalid, parent }: ObjectRecord): boolean {
  return isInvalid || (parent !== null && isAffected(parent));
}

export const invalidateRules: readonly Rule[] = [
  {
    id: 'CHIM-INV-001',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: 'invalidate-offload-sequence.md',
    holds: 'The tree of an invalidate has blocks only: no state follows any of them.',
    why: 'An invalidate says nothing but which objects: it has to be fast.',
    cause: 'Look for blocks of an update or a query that are used again.',
    example: 'A neighbor is invalidated with a block that has its cached state behind it.',
    observed: ['down', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const faults = new FaultsDown();
      return {
        treeDown: ({ operation, edge, blocks }) => {
          if (operation !== 'invalidate') return;
          for (const picture of blocks) {
            if (picture.state !== null && faults.isNew(picture)) broken(edge.upper, `invalidates ${nameOf(picture)} with state behind its block`, picture.block);
          }
        },
        treeUpReturned: (tree) => {
          faults.forget(tree);
        },
      };
    },
  },
  {
    id: 'CHIM-INV-002',
    actors: ['target'],
    severity: 'error',
    page: 'handling-invalidated-state-objects.md',
    holds: 'When an invalidate has completed no segment is sent on a connection that is invalid, or whose path or neighbor is.',
    why: 'It would go to where the neighbor was.',
    cause: 'Look for segments that were queued for the hardware before, and for timers that send without looking.',
    example: 'A neighbor is invalidated, and a retransmission goes to its address a second later.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Segments are seen on the wire only.',
  },
  {
    id: 'CHIM-INV-003',
    actors: ['target'],
    severity: 'warning',
    page: 'handling-invalidated-state-objects.md',
    holds: 'The upload, with reason InvalidState, is asked for of each connection that would have to send and may not.',
    why: 'Otherwise it stands still until the peer gives up.',
    cause: 'Look for a target that only looks at the connection itself and not at its path and neighbor.',
    example: 'A send waits on a connection whose neighbor is invalid, and nothing is asked for.',
    observed: ['down', 'up', 'time'],
    decidedBy: 'verifier',
    watch: ({ broken, edges }) => {
      const reported = new WeakSet<ObjectRecord>();
      return {
        tick: (nowMs) => {
          for (const edge of edges) {
            if (edge.lowerRole !== 'target') continue;
            for (const object of edge.objects.values()) {
              const { oldest } = object.pending.send;
              const isWaiting = oldest !== null && oldest.byteCount > 0 && nowMs - oldest.postedAtMs > UPLOAD_MS;
              if (!isWaiting || object.isLeaving || reported.has(object) || !isAffected(object)) continue;
              reported.add(object);
              broken(edge.lower, `has had a send of ${object.name}, which depends on something invalid, for ${UPLOAD_MS} ms and has not asked for its upload`, object.handle);
            }
          }
        },
      };
    },
  },
  {
    id: 'CHIM-INV-004',
    actors: ['target'],
    severity: 'error',
    page: 'handling-invalidated-state-objects.md',
    holds: 'What a target keeps for an invalid object it keeps until the terminate of the object is completed.',
    why: 'The object is still named, by the terminate at least.',
    cause: 'Look for a target that takes an invalidate for a terminate.',
    example: 'When an invalid connection is terminated its cell is empty.',
    observed: ['memory', 'resources'],
    decidedBy: 'verifier',
    missing: 'Only that the context is gone from its cell is seen, not what else a target may have let go.',
    watch: watchContexts(({ isInvalid }) => isInvalid, 'invalid'),
  },
  {
    id: 'CHIM-INV-005',
    actors: ['target'],
    severity: 'error',
    page: 'returning-the-completion-status-of-an-invalidate-operation.md',
    holds: 'An invalidate that failed is followed by TcpIndicateRetrieve for HardwareFailure, by TcpIndicateAbort and, when the host terminates the connection, by REQUEST_ABORTED for its sends and receives.',
    why: 'A connection that cannot be stopped is one the target has no hold of.',
    cause: 'Look for a target that fails an invalidate for another reason than corrupt hardware.',
    example: 'An invalidate fails, and the abort is indicated without the upload being asked for.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: watchHardwareFailure('invalidate'),
  },
  {
    id: 'CHIM-INV-006',
    actors: ['host'],
    severity: 'warning',
    page: 'nc-ndischimney-w_invalidate_offload_handler.md',
    holds: 'Every object that was invalidated is terminated in the end.',
    why: 'Nothing else can be done with it, and the target keeps its resources.',
    cause: 'Look for a host that relinks the paths of a neighbor and forgets the neighbor.',
    example: 'A neighbor stays offloaded and invalid to the end.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken, edges }) => ({
      end: () => {
        for (const edge of edges) {
          if (edge.upperRole !== 'host') continue;
          for (const object of edge.objects.values()) if (object.isInvalid && object.state === 'offloaded') broken(edge.upper, `has not terminated ${object.name}, which it invalidated`, object.handle);
        }
      },
    }),
  },
];
