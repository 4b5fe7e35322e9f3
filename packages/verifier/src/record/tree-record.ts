import { BlockWalk, NDIS_STATUS_PENDING, offloadLayerOf, type NDIS_STATUS, type NdisBinding, type NetBufferList, type OffloadBlockList, type OffloadBlockState, type OffloadHandle, type OffloadLayer } from '@ndis-chimney/types';

import type { EdgeRecord } from './edge-record.ts';
import type { ObjectRecord } from './object-record.ts';

/** The state operations. */
export type StateOperationName = 'initiate' | 'query' | 'update' | 'invalidate' | 'terminate';

/** What a block means: no object, an object that is below already, a new one. */
export type BlockRole = 'placeholder' | 'linker' | 'new';

/** One block as it was when its tree went down. */
export interface BlockPicture {
  readonly block: OffloadBlockList;
  /** The block it hangs under; null at the root's level. */
  readonly parent: BlockPicture | null;
  readonly depth: number;
  readonly layer: OffloadLayer | null;
  readonly type: number;
  readonly size: number;
  readonly revision: number;
  readonly handle: OffloadHandle | null;
  /** The object it names on this edge; for a new one, the record made for it. */
  object: ObjectRecord | null;
  readonly role: BlockRole;
  /** What the cell held. */
  readonly cell: unknown;
  readonly status: NDIS_STATUS;
  readonly next: OffloadBlockList | null;
  readonly dependent: OffloadBlockList | null;
  readonly state: OffloadBlockState | null;
  readonly chain: NetBufferList | null;
  readonly sourceHandle: NdisBinding | null;
  readonly protocolReserved: readonly [unknown, unknown];
  readonly imReserved: readonly [unknown, unknown];
}

/** One state operation on one edge, from its call to its completion. */
export interface TreeRecord {
  readonly edge: EdgeRecord;
  readonly operation: StateOperationName;
  readonly root: OffloadBlockList;
  readonly atMs: number;
  /** Pictures of all blocks in the documented order of traversal. */
  readonly blocks: readonly BlockPicture[];
  /** True while the downcall has not returned. */
  isEntering: boolean;
  /** True for a query that was under way together with another one of the same object. */
  isOverlapping: boolean;
  /** True when NDIS completes it with failure in place of the driver below, which is not to be judged by it. */
  isFailedByNdis: boolean;
  /** The operation that an intermediate driver relays by it, in the very blocks it came down in; null when there is none. */
  readonly above: TreeRecord | null;
  /** How often the intermediate driver below has passed it on in place, and how often it has got it back. */
  passedOn: number;
  cameBack: number;
}

/** Most blocks a picture is taken of, so that a tree with a cycle is not walked for ever; NDIS refuses those itself. */
const MOST_BLOCKS = 1_000_000;

/**
 * What stands in every block on its way down: no operation ends with it, so that a block that nobody has written a status
 * into shows. NDIS_STATUS_PENDING.
 */
export const UNWRITTEN: NDIS_STATUS = NDIS_STATUS_PENDING;

/** Pictures of all blocks of a tree. */
export function picturesOf(root: OffloadBlockList, edge: EdgeRecord): BlockPicture[] {
  const pictures = new Map<OffloadBlockList, BlockPicture>();
  const parents = new Map<OffloadBlockList, BlockPicture>();
  const walk = new BlockWalk<OffloadBlockList>();
  for (let block: OffloadBlockList | null = walk.start(root); block !== null && pictures.size < MOST_BLOCKS; block = walk.next(block)) {
    const parent = parents.get(block) ?? null;
    const picture = pictureOf(block, parent, edge);
    pictures.set(block, picture);
    for (let child = block.dependentBlockList; child !== null && !parents.has(child); child = child.nextBlock) parents.set(child, picture);
  }
  return [...pictures.values()];
}

function pictureOf(block: OffloadBlockList, parent: BlockPicture | null, edge: EdgeRecord): BlockPicture {
  const { header, offloadHandle: handle } = block;
  const cell = handle?.miniportOffloadContext ?? null;
  return {
    block,
    parent,
    depth: parent === null ? 0 : parent.depth + 1,
    layer: offloadLayerOf(header.type),
    type: header.type,
    size: header.size,
    revision: header.revision,
    handle,
    object: handle === null ? null : (edge.objects.get(handle) ?? null),
    role: handle === null ? 'placeholder' : cell === null ? 'new' : 'linker',
    cell,
    status: block.status,
    next: block.nextBlock,
    dependent: block.dependentBlockList,
    state: block.state,
    chain: block.netBufferListChain,
    sourceHandle: block.sourceHandle,
    protocolReserved: [block.protocolReserved0, block.protocolReserved1],
    imReserved: [block.imReserved0, block.imReserved1],
  };
}
