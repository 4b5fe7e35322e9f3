import {
  BlockWalk,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  createProtocolOffloadBlockList,
  type NdisBinding,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { neighborState, pathState, tcpState } from './states.ts';

const { NeighborOffloadState, Ip4OffloadState, Ip6OffloadState, TcpOffloadState } = OFFLOAD_STATE_TYPE;

/** A block of each layer. Without a handle it is a placeholder, and carries no state. */
export function neighborBlock(handle: OffloadHandle | null): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(NeighborOffloadState, handle, handle === null ? null : neighborState());
}

/** See {@link neighborBlock}. */
export function pathBlock(handle: OffloadHandle | null, isIPv6 = false): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(isIPv6 ? Ip6OffloadState : Ip4OffloadState, handle, handle === null ? null : pathState(isIPv6));
}

/** See {@link neighborBlock}. */
export function tcpBlock(handle: OffloadHandle | null): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(TcpOffloadState, handle, handle === null ? null : tcpState());
}

/** A block that names an object and brings nothing: a linker, and what most operations are about. */
export function referenceBlock(type: OFFLOAD_STATE_TYPE, handle: OffloadHandle): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(type, handle, null);
}

/** Links blocks of one layer, in order. @returns the first; null when there is none. */
export function siblings(...blocks: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList | null {
  blocks.forEach((block, at) => {
    block.nextBlock = blocks[at + 1] ?? null;
  });
  return blocks[0] ?? null;
}

/** Hangs blocks of the layer above under a block. @returns that block. */
export function under(parent: ProtocolOffloadBlockList, ...dependents: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
  parent.dependentBlockList = siblings(...dependents);
  return parent;
}

/** A tree and the handles in it, by layer. */
export interface ProbeTree {
  readonly root: ProtocolOffloadBlockList;
  readonly neighbors: readonly OffloadHandle[];
  readonly paths: readonly OffloadHandle[];
  readonly connections: readonly OffloadHandle[];
}

/** How many objects a tree gets: paths under each neighbor, connections under each path. One each by default. */
export interface TreeShape {
  readonly neighbors?: number;
  readonly pathsPerNeighbor?: number;
  readonly connectionsPerPath?: number;
}

/** A tree of new objects, neighbor to path to connection, every one with state and a new handle. */
export function newTree(binding: NdisBinding, { neighbors = 1, pathsPerNeighbor = 1, connectionsPerPath = 1 }: TreeShape = {}): ProbeTree {
  const handles = { neighbors: [] as OffloadHandle[], paths: [] as OffloadHandle[], connections: [] as OffloadHandle[] };
  const handleIn = (list: OffloadHandle[], layer: string): OffloadHandle => {
    const handle = new OffloadHandle(binding, `${layer} ${list.length}`);
    list.push(handle);
    return handle;
  };
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const root = siblings(
    ...times(neighbors, () =>
      under(
        neighborBlock(handleIn(handles.neighbors, 'neighbor')),
        ...times(pathsPerNeighbor, () =>
          under(
            pathBlock(handleIn(handles.paths, 'path')),
            ...times(connectionsPerPath, () => tcpBlock(handleIn(handles.connections, 'connection'))),
          ),
        ),
      ),
    ),
  );
  if (root === null) throw new TypeError('newTree: a tree has a neighbor');
  return { root, ...handles };
}

/** Every block of a tree in the order of the documented traversal. */
export function blocksOf<Block extends { readonly nextBlock: Block | null; readonly dependentBlockList: Block | null }>(root: Block): Block[] {
  const blocks: Block[] = [];
  const walk = new BlockWalk<Block>();
  for (let block: Block | null = walk.start(root); block !== null; block = walk.next(block)) blocks.push(block);
  return blocks;
}
