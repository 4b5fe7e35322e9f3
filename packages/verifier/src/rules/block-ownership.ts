import type { OffloadBlockList } from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { BlockPicture, TreeRecord } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { nameOf } from '../judge/trees.ts';

/** How many trees are looked at again after they were completed. */
const COMPLETED_TREES = 32;

/** The target's own members of a block, which nobody above it writes. */
interface MiniportMembers {
  readonly block: OffloadBlockList;
  readonly name: string;
  readonly reserved0: unknown;
  readonly reserved1: unknown;
}

/** A tree that was completed, and what its target's members held then. */
interface CompletedTree {
  readonly target: string;
  readonly members: readonly MiniportMembers[];
}

/** True for a driver that has passed an operation on, and waits for it. */
function hasPassedOn({ edge: { lower }, operation }: TreeRecord, edges: Iterable<EdgeRecord>): boolean {
  for (const edge of edges) {
    if (edge.upper !== lower) continue;
    for (const tree of edge.trees.values()) if (tree.operation === operation) return true;
  }
  return false;
}

/** Operations nobody completes: reported once each. @param isLate which of them count. */
function reportPending({ edges, broken }: Watch, reported: WeakSet<TreeRecord>, isLate: (tree: TreeRecord) => boolean): void {
  for (const edge of edges) {
    for (const tree of edge.trees.values()) {
      // What an intermediate driver got back and kept is CHIM-IM-002's.
      if (reported.has(tree) || !isLate(tree) || tree.cameBack > 0 || hasPassedOn(tree, edges)) continue;
      // Queries that overlap have a rule of their own.
      if (tree.isOverlapping && edge.lowerRole === 'target') continue;
      reported.add(tree);
      broken(edge.lower, `has not completed ${tree.operation} since ${tree.atMs} ms`, tree.root);
    }
  }
}

/** What an intermediate driver has changed in a block that it passes on in place; null when nothing. */
function changedOnTheWay(above: BlockPicture, below: BlockPicture): string | null {
  if (above.type !== below.type || above.size !== below.size || above.revision !== below.revision) return 'Header';
  if (above.state !== below.state) return 'the state structures';
  if (above.chain !== below.chain) return 'NetBufferListChain';
  return above.next !== below.next || above.dependent !== below.dependent ? 'a link' : null;
}

export const blockOwnershipRules: readonly Rule[] = [
  {
    id: 'CHIM-BLK-007',
    actors: ['target', 'intermediate'],
    severity: 'error',
    page: 'nc-ndischimney-w_initiate_offload_handler.md',
    holds: 'Blocks, state structures and what Scratch held are not used after the tree was completed.',
    why: 'The driver above frees them, or has passed them to somebody else.',
    cause: 'Look for a target that tidies its members up after the completion instead of before.',
    example: 'A target clears MiniportReserved of a block when NdisMQueryOffloadStateComplete has returned.',
    observed: ['memory'],
    decidedBy: 'verifier',
    missing: 'Only writes to MiniportReserved, by a target right below the host, are told from those of the new owner; what is only read leaves no trace.',
    watch: ({ broken }) => {
      let completed: CompletedTree[] = [];
      const look = (): void => {
        for (const tree of completed) {
          const changed = tree.members.find(({ block, reserved0, reserved1 }) => block.miniportReserved0 !== reserved0 || block.miniportReserved1 !== reserved1);
          if (changed === undefined) continue;
          completed = completed.filter((other) => other !== tree);
          broken(tree.target, `has changed MiniportReserved of ${changed.name} after the tree was completed`, changed.block);
        }
      };
      const forget = ({ blocks }: TreeRecord): void => {
        const again = new Set(blocks.map(({ block }) => block));
        completed = completed.filter(({ members }) => !members.some(({ block }) => again.has(block)));
      };
      return {
        treeDown: (tree) => {
          look();
          forget(tree);
        },
        treeUp: (tree) => {
          forget(tree);
          look();
          const { edge, blocks } = tree;
          if (edge.upperRole !== 'host' || edge.lowerRole !== 'target') return;
          const members = blocks.map((picture) => ({ block: picture.block, name: nameOf(picture), reserved0: picture.block.miniportReserved0, reserved1: picture.block.miniportReserved1 }));
          completed.push({ target: edge.lower, members });
          if (completed.length > COMPLETED_TREES) completed.shift();
        },
        tick: look,
        end: look,
      };
    },
  },
  {
    id: 'CHIM-BLK-008',
    actors: ['target', 'intermediate'],
    severity: 'error',
    page: 'query-offload-sequence.md',
    holds: 'Every state operation is completed once, by its own completion function.',
    why: 'Until it is, the driver above can do nothing with the objects; completed twice, its memory is freed twice.',
    cause: 'Look at the report of what is pending: it says who has the tree since when.',
    example: 'A query is never completed.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => {
      const reported = new WeakSet<TreeRecord>();
      return {
        tick: (nowMs) => {
          reportPending(watch, reported, ({ atMs }) => nowMs - atMs > watch.limits.stateMs);
        },
        end: () => {
          reportPending(watch, reported, () => true);
        },
      };
    },
  },
  {
    id: 'CHIM-BLK-009',
    actors: ['target', 'intermediate'],
    severity: 'warning',
    page: 'initiate-offload-call-sequence.md',
    holds: 'A state operation is not completed from inside the call that asks for it.',
    why: 'The driver above is still in the middle of passing it down, perhaps with a lock held.',
    cause: 'Complete it from a DPC.',
    example: 'MiniportQueryOffload calls NdisMQueryOffloadStateComplete and returns.',
    observed: ['down', 'up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      // What goes up from inside another completion is passed on by who was not asked for it.
      const goingUp = new Set<TreeRecord>();
      return {
        treeUp: (tree) => {
          const { edge, operation, isEntering, root } = tree;
          // A completion that was stopped has left its tree below.
          for (const other of goingUp) if (other.edge.trees.get(other.root) === other) goingUp.delete(other);
          if (isEntering && goingUp.size === 0) broken(edge.lower, `completes ${operation} from inside the call that asks for it`, root);
          goingUp.add(tree);
        },
        treeUpReturned: (tree) => {
          goingUp.delete(tree);
        },
      };
    },
  },
  {
    id: 'CHIM-BLK-010',
    actors: ['NDIS', 'intermediate'],
    severity: 'error',
    page: 'comparison-of-offload-block-list-types.md',
    holds: 'A block that is turned from the one view into the other keeps what both views share.',
    why: 'Only the slots that name the object differ: all the rest belongs to the operation.',
    cause: 'Look at how an intermediate driver builds the blocks it passes down.',
    example: 'An intermediate driver passes a block on without the send data that came with it.',
    observed: ['down', 'memory'],
    decidedBy: 'verifier',
    missing: 'Of blocks that are copied, only those are compared that lie in place.',
    watch: ({ broken, edges }) => ({
      treeDown: ({ edge, root, blocks, operation }) => {
        for (const outer of edges) {
          if (outer.lower !== edge.upper) continue;
          const above = outer.trees.get(root);
          if (above?.operation !== operation) continue;
          const pictures = new Map(above.blocks.map((picture) => [picture.block, picture]));
          for (const below of blocks) {
            const picture = pictures.get(below.block);
            const changed = picture === undefined ? null : changedOnTheWay(picture, below);
            if (changed !== null) broken(edge.upper, `passes ${nameOf(below)} on with ${changed} changed`, below.block);
          }
        }
      },
    }),
  },
  {
    id: 'CHIM-BLK-011',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: 'ns-ndischimney-_ndis_protocol_offload_block_list.md',
    holds: 'A block that is out in one operation is not passed down in another.',
    why: 'Two operations would write its status, its links and its state.',
    cause: 'Look for a block that is kept per object and used for whatever comes.',
    example: 'The block of a query that is pending is passed down in a second one.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-BLK-012',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: 'ns-ndischimney-_ndis_protocol_offload_block_list.md',
    holds: 'NetBufferListChain and BufferedData are empty when a terminate goes down.',
    why: 'It is there that the driver below hands over what it has not sent and not delivered.',
    cause: 'Look for the block of an initiate that is used again for the terminate.',
    example: 'The chain that went down with the initiate still hangs on the block of the terminate.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
];
