import {
  NDIS_STATUS_MEDIA_CONNECT,
  NDIS_STATUS_MEDIA_DISCONNECT,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  isNdisStatusSuccess,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { blocksOf, neighborBlock, pathBlock, under } from '../probes/trees.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { operationTree } from '../world/operation-trees.ts';
import { stopNext } from '../world/stop-next.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { statesOf } from './state-trees.ts';

/** @throws ConformanceFailure unless each object of an initiate that is back is what its block says. @returns how many are there. */
function checkOutcome(root: ProtocolOffloadBlockList, whose: string): number {
  let there = 0;
  for (const { status, state, offloadHandle, netBufferListChain } of blocksOf(root)) {
    // What a linker names is there anyway.
    if (offloadHandle === null || state === null) continue;
    const isThere = status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
    checkEqual([offloadHandle.state, offloadHandle.miniportOffloadContext !== null], isThere ? ['offloaded', true] : ['dead', false], `state of the ${String(offloadHandle.owner)} of ${whose}, and whether its cell is full`);
    if (isThere) there++;
    else check(membersOf(netBufferListChain).every(({ sourceHandle, context }) => sourceHandle === null && context === null), `send data of a connection that was not taken, of ${whose}, is not as it was`);
  }
  return there;
}

/** New connections with send data, below a path that is offloaded and a placeholder for its neighbor. */
function addition(world: IntermediateWorld, path: OffloadHandle, count: number): ProtocolOffloadBlockList {
  const linker = pathBlock(path);
  linker.state = null;
  const fresh = Array.from({ length: count }, () => {
    const block = present(present(world.tree().root.dependentBlockList).dependentBlockList);
    block.netBufferListChain = world.host.list('chain');
    return block;
  });
  return under(neighborBlock(null), under(linker, ...fresh));
}

/** Makes an initiate and sees it come back once, later. @returns how many of its objects are offloaded. */
async function initiate(world: IntermediateWorld, root: ProtocolOffloadBlockList, whose: string, refusing?: unknown): Promise<number> {
  const { host } = world;
  const before = host.entries('stateComplete').length;
  const states = statesOf(root);
  host.initiate(root, world.binding);
  await world.completeTrees({
    change: (block) => {
      const isRefused = refusing !== undefined && block.ndisOffloadHandle?.binding.adapterName === refusing && block.state !== null;
      if (!isRefused || block.miniportOffloadContext === null) return;
      block.status = NDIS_STATUS_RESOURCES;
      block.miniportOffloadContext.miniportOffloadContext = null;
    },
  });
  await world.settle();
  checkSame(host.entries('stateComplete').slice(before).map((entry) => entry.root), [root], `completions of ${whose}`);
  checkEqual(statesOf(root), states, `state in the blocks of ${whose}`);
  const there = checkOutcome(root, whose);
  for (const { offloadHandle, netBufferListChain } of blocksOf(root)) {
    if (offloadHandle?.state !== 'offloaded' || netBufferListChain === null) continue;
    const { target } = world.below(offloadHandle);
    target.sends.push(...membersOf(netBufferListChain));
    await world.atDispatch(() => target.completeSends());
  }
  for (const block of blocksOf(root)) block.netBufferListChain = null;
  return there;
}

/** Queries objects that are offloaded. */
async function queried(world: IntermediateWorld, root: ProtocolOffloadBlockList, whose: string): Promise<void> {
  const query = operationTree('query', root);
  world.begin('query', query);
  await world.completeTrees();
  check(blocksOf(query).every(({ status }) => status === NDIS_STATUS_SUCCESS), `a query after ${whose} failed`);
}

export const spreadTroubleCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-spread-without-memory',
    title: 'An initiate for several adapters without memory for all of it fails whole and keeps nothing; what was there works, and there is memory again',
    rules: ['CHIM-IM-001', 'CHIM-IM-006', 'CHIM-IM-007', 'CHIM-BLK-009'],
    requirement: 'C-NDIS-INI',
    requires: ['state-shortage'],
    wishes: { adapters: 3, operations: 1, objects: 12 },
    run: async (world) => {
      for (let round = 0; round < 3; round++) {
        // Additions meet the limit in all places, the middle of what an adapter has to be given first too.
        const first = await world.offload({ connectionsPerPath: 1 + round });
        const large = world.tree({ connectionsPerPath: 11 });
        for (const block of blocksOf(large.root)) if (block.dependentBlockList === null) block.netBufferListChain = world.host.list('chain');
        checkEqual(await initiate(world, large.root, 'an initiate of more objects than there is memory for'), 0, 'objects of it that were taken');
        await queried(world, first.root, 'an initiate without memory');
        // Memory for some is not memory for what they need below their adapter.
        for (let at = 0; at < 4; at++) await initiate(world, addition(world, present(first.paths[0]), 2), `addition ${at}`);
        await queried(world, first.root, 'additions, some without memory');
        await world.terminateAll();
        await world.offload({ connectionsPerPath: 3 });
        await world.terminateAll();
      }
    },
  },
  {
    id: 'intermediate-spread-additions',
    title: 'Connections that are added below a path of an adapter that refuses it, or them, come back refused; the others are there and work',
    rules: ['CHIM-IM-002', 'CHIM-IM-006', 'CHIM-INI-003', 'CHIM-BLK-009'],
    requirement: 'C-NDIS-INI',
    wishes: { adapters: 3 },
    run: async (world) => {
      const { host } = world;
      const first = await world.offload();
      const home = world.below(present(first.connections[0])).target;
      for (const refusing of [...world.targets, ...world.targets]) {
        const root = addition(world, present(first.paths[0]), 1);
        await initiate(world, root, `a connection that ${refusing.name} would refuse`, refusing.miniport.name);
        const connection = present(present(present(root.dependentBlockList).dependentBlockList).offloadHandle);
        if (connection.state === 'dead') continue;
        const { target } = world.below(connection);
        check(target !== refusing, `a connection that ${target.name} refused was reported to be there`);
        const list = host.send(connection, 'works');
        await world.settle();
        checkSame(target.sends, [list], 'sends at the target of a connection that was added');
        await world.completeAll();
      }
      // The path is where it was all the time, whichever else refused it.
      check(world.below(present(first.connections[0])).target === home, 'the first connection is not where it was');
      await queried(world, first.root, 'additions that were refused');
      const update = operationTree('update', first.root);
      world.begin('update', update);
      await world.completeTrees();
      check(blocksOf(update).every(({ status }) => status === NDIS_STATUS_SUCCESS), 'an update after additions failed');
    },
  },
  {
    id: 'intermediate-spread-stopped',
    title: 'Where the way down to one of several adapters is stopped, what is below it fails, and the rest of the tree succeeds; all comes back in one tree',
    rules: ['CHIM-IM-001', 'CHIM-IM-002', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-IM',
    requires: ['stopped-calls'],
    wishes: { adapters: 3 },
    run: async (world) => {
      const { host } = world;
      for (const isInitiate of [true, false]) {
        const { root, connections } = isInitiate ? await world.offload() : await world.offload({ connectionsPerPath: 6 });
        const { target: stopped } = world.below(present(connections.at(-1)));
        const tree = isInitiate ? world.tree({ connectionsPerPath: 6 }).root : host.connections(...connections);
        const before = host.entries('stateComplete').length;
        const crossing = stopNext(world.ndis, isInitiate ? 'initiateOffload' : 'terminateOffload', stopped.miniport.name);
        world.begin(isInitiate ? 'initiate' : 'terminate', tree);
        await world.completeTrees();
        await world.settle();
        crossing.end(world.violations);
        checkSame(host.entries('stateComplete').slice(before).map((entry) => entry.root), [tree], 'completions of an operation of which a part was stopped');
        if (isInitiate) {
          checkOutcome(tree, 'an initiate of which a part was stopped');
          const taken = blocksOf(tree).filter(({ offloadHandle, dependentBlockList }) => offloadHandle?.state === 'offloaded' && dependentBlockList === null);
          check(taken.every(({ offloadHandle }) => world.below(present(offloadHandle)).target !== stopped), 'a connection whose initiate was stopped was reported to be there');
        } else {
          for (const { status, offloadHandle } of blocksOf(tree)) {
            const isStopped = world.below(present(offloadHandle)).target === stopped;
            checkEqual([isNdisStatusSuccess(status), offloadHandle?.state === 'dead'], [!isStopped, !isStopped], `success of a terminate that was ${isStopped ? '' : 'not '}stopped, and whether the connection is dead`);
          }
        }
        await world.terminateAll();
        check(root.offloadHandle?.state === 'dead', 'the neighbor could not be taken back');
      }
    },
  },
  {
    id: 'intermediate-without-medium',
    title: 'While the medium is disconnected an initiate and an ordinary send come back, once and true, and later all is as before',
    rules: ['CHIM-IM-001', 'CHIM-IM-002', 'CHIM-BLK-008', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { host } = world;
      const first = await world.offload();
      const say = async (status: number): Promise<void> => {
        for (const target of world.targets) await world.atDispatch(() => target.indicateStatus(status));
      };
      await say(NDIS_STATUS_MEDIA_DISCONNECT);
      await initiate(world, world.tree({ connectionsPerPath: 3 }).root, 'an initiate without a medium');
      await initiate(world, addition(world, present(first.paths[0]), 2), 'an addition without a medium');
      const packets = membersOf(host.sendOrdinary('p', 'q'));
      const depth = host.entries('ordinarySendComplete').length;
      checkEqual(depth, 0, 'ordinary sends that came back inside their call');
      await world.completeAll();
      const back = host.entries('ordinarySendComplete').flatMap(({ nbls }) => nbls);
      checkSame(back.map(({ nbl }) => nbl), packets, 'ordinary sends that came back');
      // Whoever did not pass them on may not say so.
      const isPassedOn = world.targets.some((target) => target.calls.count('miniportSendNetBufferLists') > 0);
      check(back.every(({ status }) => isNdisStatusSuccess(status) === isPassedOn), 'success of ordinary sends is not what came of them');
      await queried(world, first.root, 'an initiate without a medium');
      await say(NDIS_STATUS_MEDIA_CONNECT);
      const again = await world.offload();
      const list = host.send(present(again.connections[0]), 'works');
      await world.completeAll();
      checkSame(host.entries('dataComplete').slice(-1).map((entry) => entry.list), [list], 'a send after the medium was there again');
    },
  },
];
