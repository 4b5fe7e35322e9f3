import type { NeighborOffloadState, OFFLOAD_STATE_TYPE, PathOffloadState, ProtocolOffloadBlockList } from '@ndis-chimney/types';

import { present } from '../probes/present.ts';
import { referenceBlock, siblings, under } from '../probes/trees.ts';
import type { ConnectionWishes, TargetWorld } from '../world/target-world.ts';
import { WorldConnection } from '../world/world-connection.ts';

/** Blocks of a tree of new objects, each layer in the order of the tree. */
export interface CaseTree {
  readonly root: ProtocolOffloadBlockList;
  readonly neighbors: readonly ProtocolOffloadBlockList[];
  readonly paths: readonly ProtocolOffloadBlockList[];
  readonly connections: readonly WorldConnection[];
}

/**
 * A tree of new objects, not offered yet: for each neighbor, for each of its paths, so many connections. Every neighbor
 * and every path leads somewhere else.
 */
export function newTreeOf(world: TargetWorld, shape: readonly (readonly number[])[], wishes: ConnectionWishes = {}): CaseTree {
  const connections: WorldConnection[] = [];
  const paths: ProtocolOffloadBlockList[] = [];
  const neighbors = shape.map((pathShapes) => {
    const ofNeighbor = pathShapes.map((count) => {
      const ofPath = Array.from({ length: count }, () => new WorldConnection(world, world.tcp(wishes)));
      connections.push(...ofPath);
      return elsewhere(world.path(ofPath.map(({ block }) => block), wishes), world.takeNumber());
    });
    paths.push(...ofNeighbor);
    return nextHop(world.neighbor(...ofNeighbor), world.takeNumber());
  });
  return { root: present(siblings(...neighbors)), neighbors, paths, connections };
}

/** Has a new path lead where no other leads (addresses for benchmarks, RFC 2544 and RFC 5180). */
function elsewhere(block: ProtocolOffloadBlockList, place: number): ProtocolOffloadBlockList {
  const address = present((block.state as PathOffloadState).const).destinationAddress;
  if (address.length === 4) address.set([198, 18]);
  else address.set([0x20, 0x01, 0x00, 0x02]);
  address[address.length - 2] = place >> 8;
  address[address.length - 1] = place & 0xFF;
  return block;
}

/** Gives a new neighbor a MAC address of its own. */
function nextHop(block: ProtocolOffloadBlockList, place: number): ProtocolOffloadBlockList {
  present((block.state as NeighborOffloadState).cached).dlDestinationAddress.set([2, 0, 0, 1, place >> 8, place & 0xFF]);
  return block;
}

/** A block for the object of another one that brings nothing, with these below it. */
export function linkTo(block: ProtocolOffloadBlockList, ...dependents: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
  return under(referenceBlock(block.header.type as OFFLOAD_STATE_TYPE, present(block.offloadHandle)), ...dependents);
}

/** The same tree once more, for another operation: it names the same objects and brings nothing. */
export function referencesTo(tree: CaseTree): CaseTree {
  const copy = (block: ProtocolOffloadBlockList | null): ProtocolOffloadBlockList | null => {
    if (block === null) return null;
    const reference = referenceBlock(block.header.type as OFFLOAD_STATE_TYPE, present(block.offloadHandle));
    copies.set(block, reference);
    reference.nextBlock = copy(block.nextBlock);
    reference.dependentBlockList = copy(block.dependentBlockList);
    return reference;
  };
  const copies = new Map<ProtocolOffloadBlockList, ProtocolOffloadBlockList>();
  const root = present(copy(tree.root));
  const copied = (blocks: readonly ProtocolOffloadBlockList[]): ProtocolOffloadBlockList[] => blocks.map((block) => present(copies.get(block)));
  return { root, neighbors: copied(tree.neighbors), paths: copied(tree.paths), connections: tree.connections };
}

/** Terminates these connections in one call. @throws ConformanceFailure unless all of them come back. */
export async function takeBack(world: TargetWorld, ...connections: WorldConnection[]): Promise<void> {
  const blocks = connections.map((connection) => connection.terminateBlock());
  await world.operate('terminate', present(siblings(...blocks)));
  connections.forEach((connection, at) => {
    connection.uploaded(present(blocks[at]));
  });
}

/** Takes a tree of one neighbor and one path back, layer by layer. @throws ConformanceFailure unless its connections come back. */
export async function takeTreeBack(world: TargetWorld, { connections, paths, root }: CaseTree): Promise<void> {
  await takeBack(world, ...connections);
  await world.operate('terminate', linkTo(present(paths[0])));
  await world.operate('terminate', linkTo(root));
}
