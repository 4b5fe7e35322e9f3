import { CallEntry, type OffloadEntry } from '@ndis-chimney/intermediate';
import { blocksOf, membersOf, newTree, type ProbeBinding, type ProbeContext } from '@ndis-chimney/kit';
import {
  OFFLOAD_STATE_TYPE,
  createProtocolOffloadBlockList,
  type MiniportOffloadBlockList,
  type NetBufferList,
  type NetBufferListSource,
  type OffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { World, type Shape } from './world/world.ts';

/** A world of so many intermediate drivers, taken down after use. */
function withWorld(depth: number, shape: Shape, use: (world: World) => void): void {
  const world = new World(shape, { depth, observation: 'nobody', faults: {} });
  use(world);
  world.close();
}

describe('GV-IM-1: references between handles, entries and contexts', () => {
  for (const depth of [1, 2, 3]) {
    it(`lead from the host to the target and back through ${depth} intermediate drivers`, () => {
      withWorld(depth, {}, (world) => {
        let handle: OffloadHandle = world.connection;
        for (const driver of [...world.relays].reverse()) {
          const entry = handle.miniportOffloadContext as OffloadEntry;
          expect(entry.upperHandle === handle, `NdisOffloadHandle in the entry of ${driver}`).toBe(true);
          expect(entry.handle.owner === entry, `entry that the handle of ${driver} leads to`).toBe(true);
          ({ handle } = entry);
        }
        const context = handle.miniportOffloadContext as ProbeContext;
        expect(context.handle === handle, 'NdisOffloadHandle in the context of the target').toBe(true);
      });
    });
  }
});

/** The five state operations, on a tree with two connections whose root has an X in ImReserved. @returns the root. */
const OPERATIONS: Readonly<Record<string, (world: World) => ProtocolOffloadBlockList>> = {
  InitiateOffload({ host, connection, trees }) {
    const tree = newTree(connection.binding, { connectionsPerPath: 2 });
    tree.root.imReserved0 = 'X';
    trees.push(tree);
    host.initiate(tree.root, connection.binding);
    return tree.root;
  },
  QueryOffload: (world) => {
    const root = treeOf(world);
    world.connection.binding.queryOffloadState(root);
    return root;
  },
  UpdateOffload: (world) => {
    const root = treeOf(world);
    world.connection.binding.updateOffload(root);
    return root;
  },
  InvalidateOffload: (world) => {
    const root = treeOf(world);
    world.connection.binding.invalidateOffload(root);
    return root;
  },
  TerminateOffload: (world) => {
    const root = treeOf(world);
    world.connection.binding.terminateOffload(root);
    return root;
  },
};

/** What is offloaded. */
function treeOf(world: World): ProtocolOffloadBlockList {
  const [tree] = world.trees;
  const root = tree === undefined ? null : world.remainsOf(tree);
  if (root === null) throw new Error('nothing is offloaded');
  root.imReserved0 = 'X';
  return root;
}

/** What an intermediate driver must find again in each block. */
function keptIn(tree: unknown): unknown[] {
  return blocksOf(tree as MiniportOffloadBlockList).flatMap(({ imReserved0, imReserved1, sourceHandle }) => [imReserved0, imReserved1, sourceHandle]);
}

describe('GV-IM-2: ImReserved and SourceHandle', () => {
  for (const depth of [1, 2, 3]) {
    for (const [operation, start] of Object.entries(OPERATIONS)) {
      it(`are in the call entry while ${operation} is below, and come up as they were through ${depth} intermediate drivers`, () => {
        withWorld(depth, { connections: 2 }, (world) => {
          const { journal, target } = world;
          const saved = new Map<string, unknown[]>();
          const below = new Map<string, unknown[]>();
          const restored = new Map<string, unknown[]>();
          journal.onEnter(`Miniport${operation}`, ({ driver, args }) => saved.set(driver, keptIn(args[1])));
          for (const call of [`Ndis${operation}`, `Ndis${operation}State`]) {
            journal.onEnter(call, ({ driver, args }) => below.set(driver, [...whatIsSaved(args[0] as ProtocolOffloadBlockList), ...keptIn(args[0]).slice(3)]));
          }
          for (const call of [`NdisM${operation}Complete`, `NdisM${operation}StateComplete`]) {
            journal.onEnter(call, ({ driver, args }) => restored.set(driver, keptIn(args[0])));
          }
          const root = start(world);
          target.runDpc();
          for (const driver of world.relays) {
            const expected = saved.get(driver) ?? [];
            expect(expected.length).toBe(blocksOf(root).length * 3);
            // The root's are in the call entry; the other blocks keep theirs all the time.
            for (const actual of [below.get(driver), restored.get(driver)]) {
              expect(actual?.map((one, at) => one === expected[at]), driver).toEqual(expected.map(() => true));
            }
          }
          expect(root.imReserved0).toBe('X');
          expect(root.imReserved1).toBeNull();
        });
      });
    }
  }
});

/** The members that the call entry in the root's ImReserved has saved: it is made to restore them to another block. */
function whatIsSaved({ imReserved0: entry }: ProtocolOffloadBlockList): unknown[] {
  if (!(entry instanceof CallEntry)) return ['no call entry'];
  const other = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState);
  entry.restore(other as unknown as OffloadBlockList);
  return [other.imReserved0, other.imReserved1, other.sourceHandle];
}

describe('GV-IM-3: a completion list that mixes two upper interfaces', () => {
  for (const depth of [1, 3]) {
    it(`is split by interface, in order, with every context freed, by the topmost of ${depth} intermediate drivers`, () => {
      withWorld(depth, { hasMux: true }, (world) => {
        const { host, journal } = world;
        const [u, v] = world.connections;
        if (u === undefined || v === undefined) throw new Error('there are not two interfaces');
        const [u1, v1, u2] = [host.send(u, 'u1'), host.send(v, 'v1'), host.send(u, 'u2')];
        const mux = world.intermediates[depth - 1];
        const left: unknown[] = [];
        journal.onLeave('ProtocolTcpOffloadSendComplete', ({ driver, members }) => {
          if (driver === mux?.name) left.push(...members.filter(({ context }) => context?.owner === mux));
        });
        const lists = new Map<string, NetBufferList[]>();
        journal.onEnter('ProtocolTcpOffloadSendComplete', ({ driver, args, members }) => {
          if (driver === 'host') lists.set((args[0] as ProbeBinding).parameters.adapterName, [...members]);
        });
        world.completeSends();
        const to = ({ binding }: OffloadHandle): NetBufferList[] => lists.get(binding.adapterName) ?? [];
        expect(to(u).map((nbl) => [u1, v1, u2].indexOf(nbl))).toEqual([0, 2]);
        expect(to(v).map((nbl) => [u1, v1, u2].indexOf(nbl))).toEqual([1]);
        expect(left.length).toBe(0);
      });
    });
  }
});

/** The four data requests as the host makes them, and how the target ends them. */
const REQUESTS: Readonly<Record<string, { readonly make: (world: World) => NetBufferList; readonly end: (world: World) => void }>> = {
  Send: { make: ({ host, connection }) => host.send(connection, 'one', 'two'), end: ({ target }) => target.completeSends() },
  Receive: { make: ({ host, connection }) => host.receive(connection, 10, 20), end: ({ target }) => target.completeReceives() },
  Forward: { make: ({ host, connection }) => host.forward(connection, 'one', 'two'), end: ({ target }) => target.completeForwards() },
  Disconnect: { make: ({ host, connection }) => host.disconnect(connection), end: ({ target }) => target.completeDisconnect() },
};

describe('a NET_BUFFER_LIST', () => {
  for (const depth of [0, 1, 3]) {
    for (const [request, { make, end }] of Object.entries(REQUESTS)) {
      it(`of a ${request} comes back as the same object, SourceHandle as it was, in every layer of ${depth} intermediate drivers`, () => {
        withWorld(depth, {}, (world) => {
          const { journal } = world;
          const down = new Map<string, NetBufferListSource | null>();
          const atTarget: NetBufferList[] = [];
          journal.onEnter(`MiniportTcpOffload${request}`, ({ driver, members }) => {
            down.set(driver, members[0]?.sourceHandle ?? null);
            if (driver === 'target') atTarget.push(...members);
          });
          const up = new Map<string, NetBufferListSource | null>();
          const arrived = new Map<string, readonly NetBufferList[]>();
          journal.onEnter(`ProtocolTcpOffload${request}Complete`, ({ driver, members }) => {
            up.set(driver, savedSourceOf(members[0], driver));
            arrived.set(driver, members);
          });
          const nbls = membersOf(make(world));
          end(world);
          expect(atTarget.map((nbl) => nbls.indexOf(nbl))).toEqual(nbls.map((_, at) => at));
          for (const driver of world.uppers) expect(arrived.get(driver)?.map((nbl) => nbls.indexOf(nbl)), driver).toEqual(nbls.map((_, at) => at));
          for (const driver of world.relays) expect(up.get(driver) === down.get(driver) && up.get(driver) !== null, driver).toBe(true);
          expect(nbls.every(({ sourceHandle, context }) => sourceHandle === null && context === null)).toBe(true);
        });
      });
    }
  }
});

/** The SourceHandle that a driver saved in its context, to be put back before the NBL goes on. */
function savedSourceOf(nbl: NetBufferList | undefined, driver: string): NetBufferListSource | null {
  const context = nbl?.context ?? null;
  return context?.owner?.name === driver ? context.sourceHandle : null;
}
