import {
  NDIS_STATUS_SUCCESS,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NeighborOffloadState,
  type OffloadHandle,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf, neighborBlock, pathBlock, under } from '../probes/trees.ts';
import { identityOf, type CaseTarget } from '../world/case-target.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { operationTree } from '../world/operation-trees.ts';
import type { IntermediateCase } from './intermediate-case.ts';

/** What the host says later of a path and its neighbor, and how much of the clock passes then. */
const PATH_MTU = 1300;
const REACHABILITY = 77;
const PAUSE_MS = 5000;
/** Ticks of PAUSE_MS at the finest clock that is known of, a hundred per millisecond. */
const MOST_TICKS = PAUSE_MS * 100;

/** The object of a block at a target, by what the state that it was offered with says. */
function objectOf(target: CaseTarget, block: MiniportOffloadBlockList): string | null {
  for (const [identity, handle] of target.offered) if (handle === block.ndisOffloadHandle) return identity;
  return null;
}

/** A new connection in a block. */
const fresh = (world: IntermediateWorld): ProtocolOffloadBlockList => present(present(world.tree().root.dependentBlockList).dependentBlockList);

/** A tree for one new connection below a path that is offloaded, and a placeholder for its neighbor. */
function addition(world: IntermediateWorld, path: OffloadHandle): ProtocolOffloadBlockList {
  const linker = pathBlock(path);
  linker.state = null;
  return under(neighborBlock(null), under(linker, fresh(world)));
}

/** Completes what is at targets, after a look at each tree. */
async function complete(world: IntermediateWorld, look: (target: CaseTarget, tree: MiniportOffloadBlockList) => void): Promise<void> {
  await world.settle();
  for (let round = 0; world.targets.some(({ trees }) => trees.length > 0); round++) {
    check(round < 50, 'the driver goes on passing trees down');
    for (const target of world.targets.filter(({ trees }) => trees.length > 0)) {
      const { operation, tree } = present(target.trees[0]);
      look(target, tree);
      await world.atDispatch(() => target.completeTree(operation));
    }
  }
}

export const spreadLinkCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-spread-links',
    title: 'Wherever a connection goes its path is there, under the neighbor that it was last linked to, and both with the state that the host last gave',
    rules: ['CHIM-INI-003', 'CHIM-INI-004', 'CHIM-IM-003', 'CHIM-IM-005', 'CHIM-BLK-001'],
    requirement: 'C-NDIS-INI',
    requires: ['virtual-time'],
    wishes: { adapters: 3 },
    run: async (world) => {
      const tree = await world.offload({ neighbors: 2, pathsPerNeighbor: 2 });
      const [first, , second] = tree.paths.map(present) as [OffloadHandle, OffloadHandle, OffloadHandle];
      const pathBlocks = blocksOf(tree.root).filter(({ header }) => offloadLayerOf(header.type) === 'path');
      const neighborBlocks = blocksOf(tree.root).filter(({ header }) => offloadLayerOf(header.type) === 'neighbor');
      const names = new Map([...pathBlocks, ...neighborBlocks].map((block) => [present(block.offloadHandle), identityOf(block)]));
      const named = (handle: OffloadHandle | undefined): string => present(names.get(present(handle)));
      const parents = new Map([0, 1, 2, 3].map((at) => [named(tree.paths[at]), named(tree.neighbors[at < 2 ? 0 : 1])]));
      let mtu = 1500;
      let reachability: readonly [number, number] = [1, 1];
      /** What is new at a target hangs below what it has, or gets in the same tree. */
      const look = (target: CaseTarget, root: MiniportOffloadBlockList): void => {
        for (let neighbor: MiniportOffloadBlockList | null = root; neighbor !== null && offloadLayerOf(root.header.type) === 'neighbor'; neighbor = neighbor.nextBlock) {
          const name = neighbor.ndisOffloadHandle === null ? null : objectOf(target, neighbor);
          if (neighbor.state !== null && name !== null && neighbor.ndisOffloadHandle?.state === 'new' && [...names.values()].includes(name)) {
            const { cached } = neighbor.state as NeighborOffloadState;
            const delta = present(cached).hostReachabilityDelta;
            check(delta >= reachability[0] && delta <= reachability[1], `HostReachabilityDelta of a ${name} that goes to ${target.name} is ${delta}, not from ${reachability.join(' to ')}`);
          }
          for (let path = neighbor.dependentBlockList; path !== null; path = path.nextBlock) {
            check(path.ndisOffloadHandle !== null, `a connection went to ${target.name} without a path`);
            const own = objectOf(target, path);
            check(own !== null, `a path is a linker at ${target.name}, which does not have it`);
            const isNew = path.ndisOffloadHandle.state === 'new';
            check(!isNew || path.state !== null, `a path went to ${target.name} for the first time, without state`);
            if (!isNew || !parents.has(own)) continue;
            checkEqual(name, parents.get(own) ?? '', `the neighbor that ${own} is under when it goes to ${target.name}`);
            checkEqual(present((path.state as PathOffloadState).cached).pathMtu, mtu, `the path MTU of ${own} when it goes to ${target.name}`);
          }
        }
      };
      const add = async (path: OffloadHandle): Promise<void> => {
        const root = addition(world, path);
        world.begin('initiate', root);
        await complete(world, look);
        checkEqual(blocksOf(root).map(({ status }) => status), [NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS], 'statuses of a connection that was added below a path');
      };
      await add(first);
      // What the host says later goes wherever the objects are, and wherever they come.
      for (const [at, block] of [...pathBlocks, ...neighborBlocks].entries()) {
        const isPath = at < pathBlocks.length;
        const update = operationTree('update', block);
        update.nextBlock = null;
        update.dependentBlockList = null;
        if (isPath) {
          present((update.state as PathOffloadState).cached).pathMtu = PATH_MTU;
        } else {
          const cached = present((update.state as NeighborOffloadState).cached);
          cached.dlDestinationAddress.set(present((block.state as NeighborOffloadState).cached).dlDestinationAddress);
          cached.hostReachabilityDelta = REACHABILITY;
        }
        world.begin('update', update);
        await world.completeTrees();
        checkEqual(update.status, NDIS_STATUS_SUCCESS, 'the status of an update');
      }
      await world.runtime.advance(PAUSE_MS);
      mtu = PATH_MTU;
      reachability = [REACHABILITY + 1, REACHABILITY + MOST_TICKS];
      for (const path of [second, first, second]) await add(path);
      // The third path, which was below the second neighbor, is linked to the first.
      const linker = neighborBlock(present(tree.neighbors[0]));
      linker.state = null;
      const moved = operationTree('update', present(pathBlocks[2]));
      moved.dependentBlockList = null;
      moved.nextBlock = null;
      present((moved.state as PathOffloadState).cached).pathMtu = mtu;
      const relink = under(linker, moved);
      world.begin('update', relink);
      parents.set(named(second), named(tree.neighbors[0]));
      const linked: (string | null)[] = [];
      await complete(world, (target, root) => {
        if (root.dependentBlockList === null || objectOf(target, root.dependentBlockList) !== named(second)) return;
        linked.push(root.ndisOffloadHandle === null ? null : objectOf(target, root));
      });
      checkEqual(blocksOf(relink).map(({ status }) => status), [NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS], 'statuses of an update that linked a path to another neighbor');
      check(linked.length > 0 && linked.every((name) => name === named(tree.neighbors[0])), `targets were told that the path is under ${linked.join(', ')}`);
      for (let round = 0; round < 3; round++) for (const path of [present(tree.paths[3]), second]) await add(path);
    },
  },
];
