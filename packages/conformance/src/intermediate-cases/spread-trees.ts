import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NeighborOffloadState,
  type NetBufferList,
  type OffloadHandle,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { PendingTree } from '../probes/probe-target.ts';
import { blocksOf, neighborBlock, pathBlock, siblings, under, type ProbeTree } from '../probes/trees.ts';
import { identityOf, type CaseTarget } from '../world/case-target.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { operationTree } from '../world/operation-trees.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { checkLinks, checkMembers, fillReserved, membersOfTree } from './state-trees.ts';

const SHAPE = { neighbors: 2, pathsPerNeighbor: 2, connectionsPerPath: 3 } as const;

const clean = (nbls: readonly NetBufferList[]): boolean => nbls.every(({ sourceHandle, context }) => sourceHandle === null && context === null);

const layerOf = ({ header }: MiniportOffloadBlockList | ProtocolOffloadBlockList): string => offloadLayerOf(header.type) ?? '';
const cachedNeighbor = (block: MiniportOffloadBlockList | ProtocolOffloadBlockList): NonNullable<NeighborOffloadState['cached']> => present((block.state as NeighborOffloadState).cached);
const cachedPath = (block: MiniportOffloadBlockList | ProtocolOffloadBlockList): NonNullable<PathOffloadState['cached']> => present((block.state as PathOffloadState).cached);
const cachedTcp = (block: MiniportOffloadBlockList | ProtocolOffloadBlockList): NonNullable<TcpOffloadState['cached']> => present((block.state as TcpOffloadState).cached);
const delegatedTcp = (block: MiniportOffloadBlockList | ProtocolOffloadBlockList): NonNullable<TcpOffloadState['delegated']> => present((block.state as TcpOffloadState).delegated);

/** Completes what is at targets, round by round; each round is looked at before the first tree of it is completed. */
async function completeRounds(world: IntermediateWorld, look: (target: CaseTarget, pending: PendingTree) => void, change: (target: CaseTarget, block: MiniportOffloadBlockList) => void = () => undefined): Promise<void> {
  await world.settle();
  for (let round = 0; world.targets.some(({ trees }) => trees.length > 0); round++) {
    check(round < 50, 'the driver goes on passing trees down');
    const all = world.targets.flatMap((target) => target.trees.map((pending) => ({ target, pending })));
    for (const { target, pending } of all) {
      checkLinks(pending.tree, `a tree at ${target.name}`);
      look(target, pending);
    }
    for (const { target, pending } of all) {
      await world.atDispatch(() => target.completeTree(pending.operation, { change: (block) => {
        change(target, block);
      } }));
    }
  }
}

/** What a block at a target is under, from the neighbor on, and itself, by what their state says; `-` where there is none. */
function lineageOf(tree: MiniportOffloadBlockList, wanted: MiniportOffloadBlockList): string[] | null {
  for (let block: MiniportOffloadBlockList | null = tree; block !== null; block = block.nextBlock) {
    const own = block.state === null ? '-' : identityOf(block);
    if (block === wanted) return [own];
    const below: string[] | null = block.dependentBlockList === null ? null : lineageOf(block.dependentBlockList, wanted);
    if (below !== null) return [own, ...below];
  }
  return null;
}

/** What the blocks of a host's tree are under, as {@link lineageOf} has it, by handle of the connection. */
function lineages(root: ProtocolOffloadBlockList): Map<OffloadHandle, string[]> {
  const found = new Map<OffloadHandle, string[]>();
  for (let neighbor: ProtocolOffloadBlockList | null = root; neighbor !== null; neighbor = neighbor.nextBlock) {
    for (let path = neighbor.dependentBlockList; path !== null; path = path.nextBlock) {
      for (let connection = path.dependentBlockList; connection !== null; connection = connection.nextBlock) {
        found.set(present(connection.offloadHandle), [neighbor, path, connection].map(identityOf));
      }
    }
  }
  return found;
}

/** Send data in the block of each connection of a tree. */
function chainsIn(world: IntermediateWorld, { root }: ProbeTree): Map<OffloadHandle, NetBufferList[]> {
  const chains = new Map<OffloadHandle, NetBufferList[]>();
  for (const block of blocksOf(root)) {
    if (layerOf(block) === 'tcp') chains.set(present(block.offloadHandle), membersOf(block.netBufferListChain = world.host.list('a', 'b')));
  }
  return chains;
}

/** The target that a connection is below. */
const targetOf = (world: IntermediateWorld, connection: OffloadHandle): CaseTarget => world.below(connection).target;

export const spreadTreeCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-spread-initiate',
    title: 'Above several adapters each connection of a tree goes below one of them, with what it brings, under its own path and neighbor',
    rules: ['CHIM-IM-001', 'CHIM-IM-003', 'CHIM-IM-005', 'CHIM-BLK-001', 'CHIM-BLK-010', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    wishes: { adapters: 3 },
    run: async (world) => {
      const { host } = world;
      const tree = world.tree(SHAPE);
      fillReserved(tree.root);
      const chains = chainsIn(world, tree);
      const wanted = lineages(tree.root);
      const ports = new Map(blocksOf(tree.root).map((block) => [identityOf(block), block.portNumber]));
      const before = membersOfTree(tree.root);
      const seen: string[] = [];
      host.initiate(tree.root, world.binding);
      await completeRounds(world, (_target, { operation, tree: below }) => {
        checkEqual(operation, 'initiate', 'what goes down for an initiate');
        for (const block of blocksOf(below)) {
          if (layerOf(block) !== 'tcp' || block.state === null) continue;
          const identity = identityOf(block);
          seen.push(identity);
          const [handle, lineage] = present([...wanted].find(([, names]) => names.at(-1) === identity));
          // What is below the adapter already, or comes in a tree of its own, is a linker.
          const names = present(lineageOf(below, block));
          check(names.every((name, at) => name === '-' || name === lineage.at(at - names.length)), `the ${identity} went down under ${names.join(', ')}, and is under ${lineage.join(', ')}`);
          checkSame(membersOf(block.netBufferListChain), present(chains.get(handle)), `send data of the ${identity} at the target`);
          checkEqual(block.portNumber, ports.get(identity), `PortNumber of the ${identity} at the target`);
        }
      });
      checkEqual(seen.toSorted(), [...wanted.values()].map((names) => names.at(-1) ?? '').toSorted(), 'connections that were offered to targets');
      checkMembers(tree.root, before, 'the tree of an initiate');
      for (const { status, offloadHandle } of blocksOf(tree.root)) checkEqual([status, offloadHandle?.state], [NDIS_STATUS_SUCCESS, 'offloaded'], `status and state of the ${String(offloadHandle?.owner)}`);
      for (const [connection, members] of chains) {
        const { target } = world.below(connection);
        target.sends.push(...members);
        await world.atDispatch(() => target.completeSends());
      }
      checkSame(host.entries('dataComplete').flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl)), [...chains.values()].flat(), 'send data of the initiate that came back');
      for (const block of blocksOf(tree.root)) block.netBufferListChain = null;
      check(clean([...chains.values()].flat()), 'send data of the initiate is not as it was');
      // More of it, below what is there, with a placeholder for the neighbor.
      const fresh = Array.from({ length: 4 }, () => present(present(world.tree().root.dependentBlockList).dependentBlockList));
      const path = pathBlock(present(tree.paths[0]));
      path.state = null;
      const root = under(neighborBlock(null), under(path, ...fresh));
      host.initiate(root, world.binding);
      await world.completeTrees();
      for (const { status } of blocksOf(root)) checkEqual(status, NDIS_STATUS_SUCCESS, 'the status of a block of connections that were added below a placeholder');
      check(fresh.every(({ offloadHandle }) => offloadHandle?.state === 'offloaded'), 'a connection that was added is not offloaded');
    },
  },
  {
    id: 'intermediate-spread-refusals',
    title: 'Above several adapters of which one refuses, each connection is told what its own adapter said; paths and neighbors are there while one adapter has them',
    rules: ['CHIM-IM-002', 'CHIM-IM-006', 'CHIM-IM-007', 'CHIM-BLK-009', 'CHIM-NBL-005'],
    requirement: 'C-NDIS-INI',
    wishes: { adapters: 3 },
    run: async (world) => {
      const { host } = world;
      for (const refusing of world.targets) {
        const tree = world.tree({ connectionsPerPath: 6 });
        const chains = chainsIn(world, tree);
        host.initiate(tree.root, world.binding);
        await completeRounds(world, () => undefined, (target, block) => {
          const cell = block.miniportOffloadContext;
          if (target !== refusing || block.state === null || cell === null) return;
          block.status = NDIS_STATUS_RESOURCES;
          cell.miniportOffloadContext = null;
        });
        let taken = 0;
        for (const block of blocksOf(tree.root)) {
          const handle = present(block.offloadHandle);
          if (layerOf(block) !== 'tcp') continue;
          const isRefused = world.targets.some((target) => target === refusing && target.offered.has(identityOf(block)));
          if (!isRefused) taken++;
          checkEqual([block.status, handle.state], isRefused ? [NDIS_STATUS_RESOURCES, 'dead'] : [NDIS_STATUS_SUCCESS, 'offloaded'], `status and state of a connection below an adapter that ${isRefused ? 'refused' : 'took'} it`);
          const members = present(chains.get(handle));
          if (isRefused) {
            checkSame(membersOf(block.netBufferListChain), members, 'send data of a connection that was refused');
            check(clean(members), 'send data of a connection that was refused is not as it was');
            continue;
          }
          const { target } = world.below(handle);
          target.sends.push(...members);
          await world.atDispatch(() => target.completeSends());
        }
        for (const block of blocksOf(tree.root)) {
          block.netBufferListChain = null;
          if (layerOf(block) === 'tcp') continue;
          const isThere = block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
          checkEqual([isThere, block.offloadHandle?.state], taken > 0 ? [true, 'offloaded'] : [false, 'dead'], `whether the ${String(block.offloadHandle?.owner)} of ${taken} connections is there`);
        }
        await world.terminateAll();
      }
    },
  },
  {
    id: 'intermediate-spread-operations',
    title: 'Above several adapters a query, an update and a terminate of a tree reach every adapter that has something of it, and bring back what each said',
    rules: ['CHIM-IM-001', 'CHIM-IM-002', 'CHIM-IM-003', 'CHIM-IM-016', 'CHIM-BLK-010', 'CHIM-TRM-019', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-BLK',
    wishes: { adapters: 3 },
    run: async (world) => {
      const { host } = world;
      const tree = await world.offload({ connectionsPerPath: 6 });
      const [neighbor, path] = [present(tree.neighbors[0]), present(tree.paths[0])];
      const [neighborAlone, pathAlone] = blocksOf(tree.root).map(present);
      const having = world.targets.filter((target) => tree.connections.some((connection) => targetOf(world, connection) === target));
      const numberOf = new Map(tree.connections.map((connection, at) => [world.below(connection).handle, 1000 + at]));
      let written: object[] = [];
      /** Structures that targets write into are theirs until they have completed the block. */
      const own = (target: CaseTarget, { tree: below, operation }: PendingTree): void => {
        for (const { state } of blocksOf(below)) {
          if (state === null || operation === 'update' || operation === 'invalidate') continue;
          for (const structure of [state.const, state.cached, state.delegated]) {
            if (typeof structure !== 'object' || structure === null) continue;
            check(!written.includes(structure), `${target.name} shares a structure of a ${operation} with another target`);
            written.push(structure);
          }
        }
      };
      const query = operationTree('query', tree.root);
      world.begin('query', query);
      await completeRounds(world, own, (_target, block) => {
        if (block.state === null) return;
        if (layerOf(block) === 'path') cachedPath(block).pathMtu = 1234;
        if (layerOf(block) !== 'tcp') return;
        const number = present(numberOf.get(present(block.ndisOffloadHandle)));
        delegatedTcp(block).sndUna = number;
        cachedTcp(block).kaInterval = number;
      });
      for (const block of blocksOf(query)) {
        checkEqual(block.status, NDIS_STATUS_SUCCESS, 'the status of a block of a query');
        const at = tree.connections.indexOf(present(block.offloadHandle));
        if (at >= 0) checkEqual([delegatedTcp(block).sndUna, cachedTcp(block).kaInterval], [1000 + at, 1000 + at], `what the target said about connection ${at}`);
        else if (layerOf(block) === 'path') checkEqual(cachedPath(block).pathMtu, 1234, 'what the targets said about the path');
      }
      const update = operationTree('update', tree.root);
      for (const block of blocksOf(update)) {
        if (layerOf(block) === 'neighbor') cachedNeighbor(block).hostReachabilityDelta = 77;
        else if (layerOf(block) === 'path') cachedPath(block).pathMtu = 1111;
        else cachedTcp(block).kaInterval = tree.connections.indexOf(present(block.offloadHandle));
      }
      const told: string[] = [];
      const tell = (target: CaseTarget, { operation, tree: below }: PendingTree): void => {
        for (const block of blocksOf(below)) {
          if (operation !== 'update' || block.state === null) continue;
          const what = layerOf(block) === 'neighbor' ? cachedNeighbor(block).hostReachabilityDelta : layerOf(block) === 'path' ? cachedPath(block).pathMtu : cachedTcp(block).kaInterval;
          told.push(`${target.name}: ${layerOf(block)} ${what}`);
        }
      };
      world.begin('update', update);
      await completeRounds(world, tell);
      checkEqual(blocksOf(update).every(({ status }) => status === NDIS_STATUS_SUCCESS), true, 'success of an update');
      const due = [...having.flatMap(({ name }) => [`${name}: neighbor 77`, `${name}: path 1111`]), ...tree.connections.map((connection, at) => `${targetOf(world, connection).name}: tcp ${at}`)];
      checkEqual([...new Set(told)].toSorted(), due.toSorted(), 'what targets were told by an update');
      // A linker says which neighbor the path has; nothing is told about itself.
      told.length = 0;
      const [linking, moving] = [neighborBlock(neighbor), operationTree('update', present(pathAlone))];
      linking.state = null;
      moving.dependentBlockList = null;
      cachedPath(moving).pathMtu = 999;
      const relink = under(linking, moving);
      world.begin('update', relink);
      await completeRounds(world, tell);
      checkEqual(told.toSorted(), having.map(({ name }) => `${name}: path 999`).toSorted(), 'what targets were told of a path that was linked to its neighbor');
      const sent = tree.connections.map((connection) => host.send(connection, 'unsent'));
      await world.settle();
      written = [];
      const terminate = present(siblings(...tree.connections.map((connection) => operationTree('terminate', withoutLinks(present(host.handles.get(connection)))))));
      const buffered = new Map<NetBufferList, CaseTarget>();
      for (const target of world.targets) target.sends.length = 0;
      world.begin('terminate', terminate);
      await completeRounds(world, own, (target, block) => {
        const number = numberOf.get(present(block.ndisOffloadHandle));
        if (number === undefined) return;
        block.netBufferListChain = present(sent[number - 1000]);
        const data = target.list('buffered', 'data');
        delegatedTcp(block).bufferedData = data;
        for (const nbl of membersOf(data)) buffered.set(nbl, target);
        delegatedTcp(block).sndUna = number;
      });
      for (const [at, block] of blocksOf(terminate).entries()) {
        checkEqual([block.status, delegatedTcp(block).sndUna], [NDIS_STATUS_SUCCESS, 1000 + at], `status and state of connection ${at}, which was taken back`);
        checkSame(membersOf(block.netBufferListChain), [sent[at]], `send data that connection ${at} brought back`);
      }
      check(clean(sent), 'send data that a terminate brought back is not as it was');
      const kept = blocksOf(terminate).flatMap((block) => {
        const data = membersOf(delegatedTcp(block).bufferedData);
        delegatedTcp(block).bufferedData = null;
        block.netBufferListChain = null;
        return data;
      });
      checkEqual(kept.length, tree.connections.length * 2, 'NET_BUFFER_LISTs of buffered data that came up');
      world.binding.offloadTcpReceiveReturn(link(kept));
      await world.settle();
      for (const target of world.targets) {
        const back = target.calls.of('miniportTcpOffloadReceiveReturn').flatMap(([, list]) => membersOf(list as NetBufferList));
        checkEqual(back.length, [...buffered.values()].filter((owner) => owner === target).length, `buffered data that ${target.name} has back`);
        check(back.every((nbl) => buffered.get(nbl) === target), 'buffered data was returned to an adapter that had not handed it over');
      }
      check(clean(kept), 'buffered data is not as the target handed it over');
      checkEqual([neighbor.state, path.state, ...tree.connections.map(({ state }) => state)], ['offloaded', 'offloaded', ...tree.connections.map(() => 'dead')], 'states after the connections were taken back');
      world.begin('terminate', operationTree('terminate', withoutLinks(present(pathAlone))));
      await world.completeTrees();
      checkEqual(path.state, 'dead', 'the state of a path that was taken back');
      const failing = operationTree('terminate', withoutLinks(present(neighborAlone)));
      // One that cannot give it back is enough: the object is still there.
      world.begin('terminate', failing);
      await completeRounds(world, () => undefined, (target, block) => {
        if (target === having.at(-1)) block.status = NDIS_STATUS_FAILURE;
      });
      check(failing.status !== NDIS_STATUS_SUCCESS, 'a terminate that one of several adapters failed came back with success');
    },
  },
];

function withoutLinks(block: ProtocolOffloadBlockList): ProtocolOffloadBlockList {
  block.nextBlock = null;
  block.dependentBlockList = null;
  return block;
}
