import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  SIZEOF_NEIGHBOR_OFFLOAD_STATE_CACHED,
  SIZEOF_NEIGHBOR_OFFLOAD_STATE_CONST,
  SIZEOF_NEIGHBOR_OFFLOAD_STATE_DELEGATED,
  SIZEOF_PATH_OFFLOAD_STATE_CACHED,
  SIZEOF_PATH_OFFLOAD_STATE_CONST,
  SIZEOF_PATH_OFFLOAD_STATE_DELEGATED,
  SIZEOF_TCP_OFFLOAD_STATE_CACHED,
  SIZEOF_TCP_OFFLOAD_STATE_CONST,
  SIZEOF_TCP_OFFLOAD_STATE_DELEGATED,
  type OffloadBlockState,
  type OffloadLayer,
  type OffloadStateHeader,
} from '@ndis-chimney/types';

import type { BlockPicture, TreeRecord } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import { blockOwnershipRules } from './block-ownership.ts';
import { FaultsDown, isTargets, isWritten, nameOf, statusOf } from '../judge/trees.ts';

const LAYERS: readonly OffloadLayer[] = ['neighbor', 'path', 'tcp'];

const PARTS = ['const', 'cached', 'delegated'] as const;
type Part = (typeof PARTS)[number];

/** First type of each layer and address family: its constant state. The two next are the cached and the delegated. */
const FIRST_TYPES = [OFFLOAD_STATE_TYPE.NeighborOffloadConstState, OFFLOAD_STATE_TYPE.Ip4OffloadConstState, OFFLOAD_STATE_TYPE.Ip6OffloadConstState, OFFLOAD_STATE_TYPE.TcpOffloadConstState] as const;

const WHOLE_TYPES: readonly number[] = [OFFLOAD_STATE_TYPE.NeighborOffloadState, OFFLOAD_STATE_TYPE.Ip4OffloadState, OFFLOAD_STATE_TYPE.Ip6OffloadState, OFFLOAD_STATE_TYPE.TcpOffloadState];

const SIZES: Readonly<Record<OffloadLayer, Readonly<Record<Part, number>>>> = {
  neighbor: { const: SIZEOF_NEIGHBOR_OFFLOAD_STATE_CONST, cached: SIZEOF_NEIGHBOR_OFFLOAD_STATE_CACHED, delegated: SIZEOF_NEIGHBOR_OFFLOAD_STATE_DELEGATED },
  path: { const: SIZEOF_PATH_OFFLOAD_STATE_CONST, cached: SIZEOF_PATH_OFFLOAD_STATE_CACHED, delegated: SIZEOF_PATH_OFFLOAD_STATE_DELEGATED },
  tcp: { const: SIZEOF_TCP_OFFLOAD_STATE_CONST, cached: SIZEOF_TCP_OFFLOAD_STATE_CACHED, delegated: SIZEOF_TCP_OFFLOAD_STATE_DELEGATED },
};

/** Which structures a type announces. */
function partsOf(type: number): readonly Part[] {
  if (WHOLE_TYPES.includes(type)) return PARTS;
  for (const first of FIRST_TYPES) {
    const part = PARTS[type - first];
    if (part !== undefined) return [part];
  }
  return [];
}

/** What is wrong with the structures behind a block; null when nothing is. Nothing may follow where nothing is needed. */
function stateFaultOf({ type, layer, state }: BlockPicture): string | null {
  if (layer === null) return `has type ${type}, which is reserved`;
  if (state === null) return null;
  const announced = partsOf(type);
  for (const part of PARTS) {
    const structure = (state as OffloadBlockState<Headed, Headed, Headed>)[part];
    if (structure === null) {
      if (announced.length === 1 && announced[0] === part) return `announces ${part} state that does not follow`;
      continue;
    }
    if (!announced.includes(part)) return `is followed by ${part} state that type ${type} does not announce`;
    if (structure.header.length < SIZES[layer][part]) return `is followed by ${part} state of ${structure.header.length} bytes`;
  }
  return null;
}

interface Headed {
  readonly header: OffloadStateHeader;
}

/** Where a block hangs that it may not hang; null when it is in place. */
function placeFaultOf({ layer, parent }: BlockPicture, root: BlockPicture): string | null {
  if (layer === null) return null;
  const expected = parent === null ? root.layer : LAYERS[LAYERS.indexOf(parent.layer ?? 'tcp') + 1];
  if (expected === layer || (parent !== null && parent.layer === null)) return null;
  return parent === null ? `is in one chain with a block of layer ${String(root.layer)}` : `depends on a block of layer ${String(parent.layer)}`;
}

/** Finds faults of blocks on their way down, and blames who made them. */
function watchDown(fault: (picture: BlockPicture, root: BlockPicture) => string | null): NonNullable<Rule['watch']> {
  return ({ broken }) => {
    const faults = new FaultsDown();
    return {
      treeDown: (tree) => {
        const [root] = tree.blocks;
        if (root === undefined) return;
        for (const picture of tree.blocks) {
          const found = fault(picture, root);
          if (found !== null && faults.isNew(picture)) broken(tree.edge.upper, `${tree.operation}: ${nameOf(picture)} ${found}`, picture.block);
        }
      },
      treeUpReturned: (tree) => {
        faults.forget(tree);
      },
    };
  };
}

/** A link that a tree came back with changed. */
function changedLinkOf({ blocks }: TreeRecord): BlockPicture | null {
  return blocks.find(({ block, next, dependent, handle }) => block.nextBlock !== next || block.dependentBlockList !== dependent || block.offloadHandle !== handle) ?? null;
}

/** A member that is none of the target's and that it has changed. */
function changedMemberOf({ block, type, size, revision, protocolReserved, imReserved, sourceHandle }: BlockPicture, isRoot: boolean): string | null {
  const { header } = block;
  if (header.type !== type || header.size !== size || header.revision !== revision) return 'Header';
  if (block.protocolReserved0 !== protocolReserved[0] || block.protocolReserved1 !== protocolReserved[1]) return 'ProtocolReserved';
  if (block.imReserved0 !== imReserved[0] || block.imReserved1 !== imReserved[1]) return 'ImReserved';
  // That of the root is NDIS's, which checks it.
  return !isRoot && block.sourceHandle !== sourceHandle ? 'SourceHandle' : null;
}

const ownRules: readonly Rule[] = [
  {
    id: 'CHIM-BLK-001',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: 'offload-block-lists.md',
    holds: 'NextBlock leads to blocks of the same layer, DependentBlockList to the layer above, nothing depends on a connection, and every block is reached once.',
    why: 'A target walks a tree by its links, and knows by the depth what it is looking at.',
    cause: 'Look at how the tree was linked, above all for blocks that are used again with their old links.',
    example: 'A connection is linked behind the path it belongs under.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: watchDown(placeFaultOf),
  },
  {
    id: 'CHIM-BLK-002',
    actors: ['host', 'intermediate', 'NDIS'],
    severity: 'error',
    page: 'ns-ndischimney-_ndis_miniport_offload_block_list.md',
    holds: 'The type of a block announces the state structures behind it, each with its length; reserved types are not used.',
    why: 'In C the structures are found by the type alone: a wrong one makes the driver below read, and write, past the block.',
    cause: 'Look for a block that is used for another operation than before, with its old type.',
    example: 'A query with TcpOffloadDelegatedState whose block is followed by constant state.',
    observed: ['down', 'memory'],
    decidedBy: 'verifier',
    watch: watchDown(stateFaultOf),
  },
  {
    id: 'CHIM-BLK-003',
    actors: ['target', 'intermediate'],
    severity: 'error',
    page: 'ns-ndischimney-_ndis_miniport_offload_block_list.md',
    holds: 'A tree is completed by the root that came down, with the links and names that its blocks came down with.',
    why: 'The driver above finds its objects by where their blocks are.',
    cause: 'Look for a driver that sorts or splits a tree and does not put it together again.',
    example: 'Two connections of a tree come back in the other order.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        const { edge, operation } = tree;
        if (tree.isFailedByNdis || (edge.lowerRole === 'intermediate' && operation === 'terminate')) return;
        const changed = changedLinkOf(tree);
        if (changed !== null) broken(edge.lower, `completes a tree to ${operation} with other links at ${nameOf(changed)}`, tree.root, changed.block);
      },
    }),
  },
  {
    id: 'CHIM-BLK-004',
    actors: ['target'],
    severity: 'error',
    page: 'ns-ndischimney-_ndis_miniport_offload_block_list.md',
    holds: 'A target leaves Header, SourceHandle, ProtocolReserved and ImReserved of every block alone.',
    why: 'The drivers above keep there what they need to send the tree on its way back.',
    cause: 'Look for a target that keeps its own things in the wrong reserved members: MiniportReserved is what it may use.',
    example: 'A target notes in ProtocolReserved that it has seen a block.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (!isTargets(tree)) return;
        for (const picture of tree.blocks) {
          const member = changedMemberOf(picture, picture.block === tree.root);
          if (member !== null) broken(tree.edge.lower, `has changed ${member} of ${nameOf(picture)}`, picture.block);
        }
      },
    }),
  },
  {
    id: 'CHIM-BLK-005',
    actors: ['target'],
    severity: 'error',
    page: 'offload-block-lists.md',
    holds: 'Every block of a tree, placeholders included, is given a status before the tree is completed.',
    why: 'What the status was before says nothing: SUCCESS that nobody wrote is no success.',
    cause: 'Look for a way through the walk on which a block is skipped.',
    example: 'The status of a connection is what it was when its block went down.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (!isTargets(tree)) return;
        for (const picture of tree.blocks) if (!isWritten(picture)) broken(tree.edge.lower, `completes ${tree.operation} without a status for ${nameOf(picture)}`, picture.block);
      },
    }),
  },
  {
    id: 'CHIM-BLK-006',
    actors: ['target'],
    severity: 'error',
    page: 'ns-ndischimney-_ndis_miniport_offload_block_list.md',
    holds: 'Query, update, invalidate and terminate end with SUCCESS or FAILURE in every block.',
    why: 'For the host there is nothing between: the object has state to be trusted, or it has not.',
    cause: 'Look for statuses of an initiate in another operation.',
    example: 'A terminate is completed with RESOURCES.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (tree.operation === 'initiate' || !isTargets(tree)) return;
        for (const picture of tree.blocks) {
          const { status } = picture.block;
          if (status !== NDIS_STATUS_SUCCESS && status !== NDIS_STATUS_FAILURE && isWritten(picture)) broken(tree.edge.lower, `completes ${tree.operation} of ${statusOf(picture)}`, picture.block);
        }
      },
    }),
  },
];

export const blocksRules: readonly Rule[] = [...ownRules, ...blockOwnershipRules];
