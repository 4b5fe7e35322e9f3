import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
  NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_PATH_ENTRIES,
  NDIS_STATUS_OFFLOAD_PATH_MTU,
  NDIS_STATUS_OFFLOAD_POLICY,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
  NDIS_STATUS_OFFLOAD_VLAN_ENTRIES,
  NDIS_STATUS_OFFLOAD_VLAN_MISMATCH,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  STATUS_NDIS_OFFLOAD_PATH_REJECTED,
  type NDIS_STATUS,
  type OffloadLayer,
} from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { BlockPicture, TreeRecord } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import { dependentsOf, isOffloaded, isTargets, isWritten, statusOf } from '../judge/trees.ts';

const ANY_LAYER = [NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE, NDIS_STATUS_RESOURCES, NDIS_STATUS_OFFLOAD_POLICY];

/** How an initiate may end, by layer. */
const RESULTS: Readonly<Record<OffloadLayer, ReadonlySet<NDIS_STATUS>>> = {
  neighbor: new Set([
    ...ANY_LAYER,
    NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
    NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
    NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES,
    NDIS_STATUS_OFFLOAD_VLAN_ENTRIES,
    NDIS_STATUS_OFFLOAD_VLAN_MISMATCH,
  ]),
  path: new Set([
    ...ANY_LAYER,
    NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
    NDIS_STATUS_OFFLOAD_PATH_ENTRIES,
    NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES,
    NDIS_STATUS_OFFLOAD_PATH_MTU,
    STATUS_NDIS_OFFLOAD_PATH_REJECTED,
  ]),
  tcp: new Set([
    ...ANY_LAYER,
    NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
    NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
    NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
    NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
    NDIS_STATUS_OFFLOAD_PATH_MTU,
    NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
  ]),
};

/** What a block has to end with, by how its immediate dependents ended; null where that cannot be said. */
function expectedOf({ role }: BlockPicture, dependents: readonly BlockPicture[]): readonly NDIS_STATUS[] | null {
  const judged = dependents.filter((dependent) => dependent.role !== 'placeholder');
  if (!judged.every((dependent) => isWritten(dependent) && (dependent.layer === null || RESULTS[dependent.layer].has(dependent.block.status)))) return null;
  const offloaded = judged.filter(({ block }) => isOffloaded(block.status)).length;
  if (offloaded === judged.length) {
    // The pages do not say whether what is there in part counts as there.
    const isPartial = judged.some(({ block }) => block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);
    return isPartial ? [NDIS_STATUS_SUCCESS, NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS] : [NDIS_STATUS_SUCCESS];
  }
  return role === 'linker' && offloaded === 0 ? [NDIS_STATUS_FAILURE] : [NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS];
}

/** The nearest block above that is new and failed. */
function failedAbove(picture: BlockPicture): BlockPicture | null {
  for (let above = picture.parent; above !== null; above = above.parent) if (hasFailed(above)) return above;
  return null;
}

function hasFailed(picture: BlockPicture): boolean {
  return picture.role === 'new' && isWritten(picture) && !isOffloaded(picture.block.status);
}

/** True for a tree whose root was new and could not be offloaded: the rest of it is judged by that. */
function isRootFailed({ blocks }: TreeRecord): boolean {
  const [root] = blocks;
  return root !== undefined && hasFailed(root);
}

export const initiateResultRules: readonly Rule[] = [
  {
    id: 'CHIM-INI-006',
    actors: ['target'],
    severity: 'error',
    page: 'traversing-a-state-tree.md',
    holds: 'A target takes a tree over depth first, breadth next.',
    why: 'It is the order in which most connections are complete, with path and neighbor, when memory runs out.',
    cause: 'Look for a target that handles a layer at a time.',
    example: 'The second neighbor is stored before the connections of the first.',
    observed: ['memory'],
    decidedBy: 'nobody',
    missing: 'In which order a target works through a tree does not cross an edge: cells and statuses are plain memory, seen when the tree comes back.',
  },
  {
    id: 'CHIM-INI-007',
    actors: ['target'],
    severity: 'error',
    page: 'partial-offloads-and-offload-failures.md',
    holds: 'When the root of a tree is new and cannot be offloaded, nothing else in the tree is.',
    why: 'What hangs under the root would have no neighbor or path to send through.',
    cause: 'Look for a walk that goes on after the status of the root was written.',
    example: 'The neighbor at the root fails for lack of entries, and its path is offloaded.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        const [root] = tree.blocks;
        if (tree.operation !== 'initiate' || !isTargets(tree) || root === undefined || !isRootFailed(tree)) return;
        const other = tree.blocks.find((picture) => picture.role === 'new' && isOffloaded(picture.block.status));
        if (other !== undefined) broken(tree.edge.lower, `completes the root, ${statusOf(root)}, and ${statusOf(other)}`, tree.root, other.block);
      },
    }),
  },
  {
    id: 'CHIM-INI-008',
    actors: ['target'],
    severity: 'error',
    page: 'partial-offloads-and-offload-failures.md',
    holds: 'What depends on a block that failed is not offloaded, and has the status of a failure.',
    why: 'The host would take it for offloaded and not be able to reach it through anything.',
    cause: 'Look for statuses that are set before the walk and stay where the walk does not come.',
    example: 'A path fails, and its connection comes back with SUCCESS.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (tree.operation !== 'initiate' || !isTargets(tree) || isRootFailed(tree)) return;
        for (const picture of tree.blocks) {
          const above = picture.role === 'new' && isOffloaded(picture.block.status) ? failedAbove(picture) : null;
          if (above !== null) broken(tree.edge.lower, `completes ${statusOf(picture)} below ${statusOf(above)}`, picture.block);
        }
      },
    }),
  },
  {
    id: 'CHIM-INI-009',
    actors: ['target'],
    severity: 'error',
    page: 'returning-completion-status-of-an-initiate-offload-operation.md',
    holds: 'A new object that was stored ends with SUCCESS when all its immediate dependents were offloaded, with OFFLOAD_PARTIAL_SUCCESS when one was not.',
    why: 'A host looks for what failed by following what is not SUCCESS.',
    cause: 'Look for a status that is written before those of the dependents are known.',
    example: 'A path comes back with SUCCESS, one of its two connections with RESOURCES.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (tree.operation !== 'initiate' || !isTargets(tree) || isRootFailed(tree)) return;
        const dependents = dependentsOf(tree);
        for (const picture of tree.blocks) {
          const { role, layer, block } = picture;
          if (role !== 'new' || layer === 'tcp' || !isOffloaded(block.status)) continue;
          const expected = expectedOf(picture, dependents.get(picture) ?? []);
          if (expected !== null && !expected.includes(block.status)) broken(tree.edge.lower, `completes ${statusOf(picture)}, which its dependents belie`, block);
        }
      },
    }),
  },
  {
    id: 'CHIM-INI-010',
    actors: ['target'],
    severity: 'error',
    page: 'placeholders--linkers--and-new-offloads.md',
    holds: 'A linker ends with SUCCESS, OFFLOAD_PARTIAL_SUCCESS or FAILURE: all, some or none of its immediate dependents were offloaded.',
    why: 'The status of a linker is about its dependents only: the object it names was and stays offloaded.',
    cause: 'Look for a target that treats linkers as new objects, or does not touch them.',
    example: 'A path that is offloaded comes back with SUCCESS, its only new connection with FAILURE.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (tree.operation !== 'initiate' || !isTargets(tree)) return;
        const dependents = dependentsOf(tree);
        for (const picture of tree.blocks) {
          const below = dependents.get(picture) ?? [];
          if (picture.role !== 'linker' || below.length === 0 || !isWritten(picture) || !isKnownResult(picture)) continue;
          const expected = expectedOf(picture, below);
          if (expected !== null && !expected.includes(picture.block.status)) broken(tree.edge.lower, `completes a linker, ${statusOf(picture)}, which its dependents belie`, picture.block);
        }
      },
    }),
  },
  {
    id: 'CHIM-INI-011',
    actors: ['target'],
    severity: 'error',
    page: 'placeholders--linkers--and-new-offloads.md',
    holds: 'A placeholder ends with SUCCESS, whatever becomes of what hangs under it.',
    why: 'It stands for no object: there is nothing that could fail.',
    cause: 'Look for a status that is written into the whole tree at once.',
    example: 'A connection fails, and so does the placeholder that leads to it.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (tree.operation !== 'initiate' || !isTargets(tree)) return;
        for (const picture of tree.blocks) {
          if (picture.role !== 'placeholder' || !isWritten(picture) || picture.block.status === NDIS_STATUS_SUCCESS) continue;
          broken(tree.edge.lower, `completes ${statusOf(picture)}`, picture.block);
        }
      },
    }),
  },
  {
    id: 'CHIM-INI-012',
    actors: ['target'],
    severity: 'error',
    page: 'returning-completion-status-of-an-initiate-offload-operation.md',
    holds: 'The status of a block is one of those that an initiate can end with, and one for the layer of the block.',
    why: 'By the status the host decides whether it tries again, with what, and when.',
    cause: 'Look for the status of another operation, or of an object of another layer.',
    example: 'A connection fails with OFFLOAD_NEIGHBOR_ENTRIES.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (tree.operation !== 'initiate' || !isTargets(tree)) return;
        for (const picture of tree.blocks) {
          if (picture.role === 'placeholder' || !isWritten(picture) || isKnownResult(picture)) continue;
          // To be paused is no status of an initiate either; that is judged by what the edge has heard.
          if (picture.block.status === NDIS_STATUS_PAUSED && tree.edge.mood === 'paused') continue;
          broken(tree.edge.lower, `completes ${statusOf(picture)}`, picture.block);
        }
      },
    }),
  },
  {
    id: 'CHIM-INI-013',
    actors: ['target'],
    severity: 'error',
    page: 'nc-ndischimney-w_initiate_offload_handler.md',
    holds: 'The cell of an object that was offloaded holds a value that no other object has; that of one that failed is left empty.',
    why: 'Every later call names the object by that value alone.',
    cause: 'Look for a context that is written before the object is sure to be taken, or one context for a whole tree.',
    example: 'Two connections of a tree come back with the same context.',
    observed: ['memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const holders = new Map<EdgeRecord, Map<unknown, ObjectRecord>>();
      return {
        treeUp: (tree) => {
          if (tree.operation !== 'initiate' || !isTargets(tree)) return;
          let used = holders.get(tree.edge);
          if (used === undefined) holders.set(tree.edge, (used = new Map<unknown, ObjectRecord>()));
          for (const { role, object, handle, block } of tree.blocks) {
            if (role !== 'new' || object === null || handle === null || !isOffloaded(block.status)) continue;
            const context = handle.miniportOffloadContext;
            const holder = used.get(context);
            if (holder === undefined) used.set(context, object);
            else if (holder !== object) broken(tree.edge.lower, `gives ${object.name} the context of ${holder.name}`, block, context);
          }
        },
        objectEnds: (object) => {
          const used = holders.get(object.edge);
          if (used?.get(object.context) === object) used.delete(object.context);
        },
      };
    },
  },
];

function isKnownResult({ layer, block }: BlockPicture): boolean {
  return layer === null || RESULTS[layer].has(block.status);
}
