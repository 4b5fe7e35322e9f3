import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  type NdisBinding,
  type NetPnPEventNotification,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { ProbeBinding } from '../probes/probe-host.ts';
import type { CaseHost } from '../world/case-host.ts';
import { CaseTarget } from '../world/case-target.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import type { IntermediateCase } from './intermediate-case.ts';

/** Offers a connection, sends on it, and sees it come back: all there is still works. */
async function proveItWorks(world: IntermediateWorld, host: CaseHost = world.host): Promise<void> {
  const { connections } = await world.offload({}, host);
  const before = host.entries('dataComplete').length;
  const list = host.send(present(connections[0]), 'works');
  await world.settle();
  checkSame(world.below(present(connections[0])).target.sends, [list], 'sends at the target of a new connection');
  await world.completeAll();
  checkSame(host.entries('dataComplete').slice(before).map((entry) => entry.list), [list], 'sends of a new connection that came back');
}

/** Pauses an adapter. @returns whether the pause is over. */
function pause(world: IntermediateWorld): () => boolean {
  let isOver = false;
  world.ndis.pauseAdapter(world.target.miniport, () => {
    isOver = true;
  });
  return () => isOver;
}

/** Restarts it again. */
async function restart(world: IntermediateWorld): Promise<void> {
  let status: number | null = null;
  world.ndis.restartAdapter(world.target.miniport, (result) => {
    status = result;
  });
  await world.until(() => status !== null, 'the restart of the adapter');
  checkEqual(status, NDIS_STATUS_SUCCESS, 'the status of the restart');
}

export const lifeCycleCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-pause-and-restart',
    title: 'When the adapter pauses, what is above the driver pauses first; when it restarts, it runs last; objects stay and work',
    rules: ['CHIM-IM-001', 'CHIM-ST-001'],
    requirement: 'C-NDIS-IM',
    wishes: { adapters: 1 },
    run: async (world) => {
      const { host, target } = world;
      const { connections } = await world.offload();
      const steps: string[] = [];
      host.calls.on('protocolNetPnPEvent', (_context: unknown, { netEvent }: NetPnPEventNotification) => {
        steps.push(netEvent === NET_PNP_EVENT_CODE.NetEventPause ? 'host pauses' : 'host restarts');
      });
      target.calls.on('miniportPause', () => {
        steps.push('target pauses');
      });
      target.calls.on('miniportRestart', () => {
        steps.push('target restarts');
      });
      const isPaused = pause(world);
      await world.until(isPaused, 'the pause of the adapter');
      // It waits for the adapter below, whoever wants it to run.
      world.ndis.restartAdapter(present(world.ndis.findAdapter(world.binding.adapterName)));
      await world.settle();
      await restart(world);
      await world.settle();
      checkEqual(steps, ['host pauses', 'target pauses', 'target restarts', 'host restarts'], 'the order of pause and restart');
      const list = host.send(present(connections[0]), 'after');
      await world.completeAll();
      checkSame(host.entries('dataComplete').map((entry) => entry.list), [list], 'sends that came back after the restart');
      const packets = await world.atDispatch(() => target.indicateOrdinary(0, 'packet'));
      checkEqual(host.entries('ordinaryReceive').length, 1, 'packets that the host got after the restart');
      check(packets.sourceHandle === null, 'a packet that the host has returned is not the target’s again');
    },
  },
  {
    id: 'intermediate-pause-waits',
    title: 'A pause is over when everything that went down or up through the driver is back, and not before',
    rules: ['CHIM-IM-009', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    requires: ['virtual-time'],
    wishes: { adapters: 1 },
    run: async (world) => {
      const { host, target, ndis } = world;
      const { connections } = await world.offload({ connectionsPerPath: 2 });
      const [connection, other] = [present(connections[0]), present(connections[1])];
      const { handle } = world.below(connection);
      const stages: readonly (readonly [string, () => void, () => unknown])[] = [
        ['a send', () => host.send(connection, 'a', 'b'), () => world.atDispatch(() => target.completeSends())],
        ['a receive request', () => host.receive(connection, 10), () => world.atDispatch(() => target.completeReceives())],
        ['a forwarded segment', () => host.forward(connection, 'segment'), () => world.atDispatch(() => target.completeForwards())],
        ['an ordinary send', () => host.sendOrdinary('p'), () => world.atDispatch(() => target.completeOrdinarySends())],
        ['a disconnect', () => host.disconnect(connection), () => world.atDispatch(() => target.completeDisconnect())],
        ['indicated data', () => {
          host.keepsIndicated = true;
          target.indicate(handle, 'data');
        }, () => {
          host.returnKept();
        }],
        ['a packet', () => {
          host.keepsPackets = true;
          target.indicateOrdinary(0, 'packet');
        }, () => {
          host.returnPackets();
        }],
        ['a send that comes back during an indication', () => host.send(other, 'late'), () => world.atDispatch(() => {
          host.appetite = () => {
            target.completeSends();
            return 0;
          };
          target.indicate(handle, 'refused');
        })],
        ['a send that a terminate brings back', () => host.send(other, 'unsent'), async () => {
          const root = host.connections(other);
          world.begin('terminate', root);
          await world.settle();
          const chain = present(target.sends.pop());
          await world.completeTrees({
            change: (block) => {
              block.netBufferListChain = chain;
            },
          });
          root.netBufferListChain = null;
        }],
      ];
      // By the time that the adapter pauses it has everything back that it has indicated.
      target.calls.on('miniportPause', () => {
        check([...target.nbls].every(({ sourceHandle, context }) => sourceHandle === null && context === null), 'the adapter was paused before it had back what it had indicated');
      });
      for (const [what, start, finish] of stages) {
        await world.atDispatch(start);
        const isPaused = pause(world);
        await world.runtime.advance(1000);
        // NDIS itself lets an adapter pause whatever is above: it is the driver's virtual miniport that waits.
        const above = present(ndis.findAdapter(world.binding.adapterName));
        check(above.outstandingNetBufferLists + above.indicatedNetBufferLists > 0, `${what} was lost by a pause`);
        check(!isPaused(), `the pause was over while ${what} was out`);
        await finish();
        await world.until(isPaused, `the end of a pause after ${what} was back`);
        checkEqual(above.outstandingNetBufferLists + above.indicatedNetBufferLists, 0, `NET_BUFFER_LISTs that are out after ${what} was back`);
        await restart(world);
      }
      checkEqual(host.entries('dataComplete').map(({ operation }) => operation).join(), 'send,receive,forward,disconnect,send', 'requests that came back during pauses');
    },
  },
  {
    id: 'intermediate-pause-while-owing',
    title: 'A pause waits for completions that the driver owes because it had no memory, and is over after them',
    rules: ['CHIM-IM-011', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    requires: ['nbl-shortage'],
    wishes: { adapters: 1, netBufferLists: 1 },
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload();
      const list = host.send(present(connections[0]), 'a', 'b');
      const members = membersOf(list);
      const above = present(world.ndis.findAdapter(world.binding.adapterName));
      let cameBackFirst = 0;
      world.ndis.pauseAdapter(above, () => {
        cameBackFirst = host.entries('dataComplete').flatMap(({ nbls }) => nbls).length + 1;
      });
      await world.until(() => cameBackFirst > 0, 'the end of a pause of a virtual miniport that owed completions');
      checkEqual(cameBackFirst - 1, members.length, 'sends that came back before the pause was over');
      world.ndis.restartAdapter(above);
      await world.settle();
    },
  },
  {
    id: 'intermediate-unbind-with-work',
    title: 'An adapter goes while a connection is offloaded, sends are pending and data is out: the host gets everything back, then the adapter goes',
    rules: ['CHIM-IM-007', 'CHIM-IM-009', 'CHIM-NBL-001', 'CHIM-ST-001'],
    requirement: 'C-NDIS-IM',
    wishes: { adapters: 1 },
    run: async (world) => {
      const { host, target } = world;
      const tree = await world.offload();
      const connection = present(tree.connections[0]);
      const { handle } = world.below(connection);
      host.keepsIndicated = true;
      const list = host.send(connection, 'a', 'b');
      const sent = membersOf(list);
      await world.atDispatch(() => target.indicate(handle, 'kept'));
      let unbound: NdisBinding | null = null;
      host.calls.on('protocolUnbindAdapterEx', ({ binding }: ProbeBinding) => {
        unbound = binding;
        return NDIS_STATUS_PENDING;
      });
      let isGone = false;
      world.ndis.removeAdapter(target.miniport, () => {
        isGone = true;
      });
      await world.until(() => unbound !== null, 'the unbind of the host');
      check(!isGone, 'the adapter was halted while the host had a connection offloaded');
      await world.atDispatch(() => target.completeSends());
      await world.terminateAll();
      checkSame(host.entries('dataComplete').flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl)), sent, 'sends that came back');
      checkEqual(connection.state, 'dead', 'the state of the connection');
      const closing = present<NdisBinding>(unbound);
      let isClosed = false;
      host.calls.on('protocolCloseAdapterCompleteEx', () => {
        isClosed = true;
      });
      if (closing.closeAdapterEx() !== NDIS_STATUS_PENDING) isClosed = true;
      await world.settle();
      check(!isGone, 'the adapter was halted while the host had data of it');
      host.returnKept();
      await world.until(() => isClosed, 'the close of the host’s binding');
      closing.completeUnbindAdapterEx();
      await world.until(() => isGone, 'the halt of the adapter');
      checkEqual(target.calls.count('miniportTcpOffloadReceiveReturn'), 1, 'returns that reached the target');
      checkEqual(target.calls.of('miniportHaltEx').length, 1, 'halts of the target');
    },
  },
  {
    id: 'intermediate-bound-again',
    title: 'Unbound and bound again, the driver starts anew: its virtual miniport goes and comes, and everything works',
    rules: ['CHIM-IM-007', 'CHIM-ST-001'],
    requirement: 'C-PERSIST',
    run: async (world) => {
      for (let round = 0; round < 3; round++) {
        await proveItWorks(world);
        await world.terminateAll();
        const names = [...world.ndis.adapters.keys()];
        for (const target of world.targets) await world.remove(target);
        checkEqual([...world.ndis.adapters.keys()], [], 'adapters that are left when the lowest went');
        for (const [at, target] of world.targets.entries()) world.ndis.addAdapter(target.driverHandle, `nic${at}`);
        await world.bindAll();
        checkEqual([...world.ndis.adapters.keys()].sort(), names.sort(), 'adapters that came back');
      }
      await proveItWorks(world);
    },
  },
  {
    id: 'intermediate-bound-while-paused',
    title: 'Bound to an adapter that is paused, the driver runs when that restarts, and goes when that goes',
    rules: ['CHIM-IM-007', 'CHIM-ST-001'],
    requirement: 'C-NDIS-IM',
    wishes: { adapters: 1 },
    run: async (world) => {
      const { host, target } = world;
      let restarts = 0;
      host.calls.on('protocolNetPnPEvent', (_context: unknown, { netEvent }: NetPnPEventNotification) => {
        if (netEvent === NET_PNP_EVENT_CODE.NetEventRestart) restarts++;
      });
      for (const isRestarted of [true, false]) {
        await world.remove(target);
        world.ndis.addAdapter(target.driverHandle, 'nic0');
        const isPaused = pause(world);
        await world.until(isPaused, 'the pause of the adapter');
        await world.bindAll();
        checkEqual(restarts, 0, 'restarts that the host heard of above an adapter that is paused');
        if (!isRestarted) continue;
        await restart(world);
        await world.until(() => restarts === 1, 'the restart of what is above the driver');
        await proveItWorks(world);
        await world.terminateAll();
        restarts = 0;
      }
      await world.remove(target);
      checkEqual([...world.ndis.adapters.keys()], [], 'adapters that are left when one that was paused all the time went');
    },
  },
  {
    id: 'intermediate-name-taken',
    title: 'Where a virtual miniport cannot come up because its name is taken the bind fails and leaves nothing, and works once the name is free',
    rules: ['CHIM-IM-007', 'CHIM-ST-001'],
    requirement: 'C-NDIS-IM',
    wishes: { adapters: 1 },
    run: async (world) => {
      const { target, ndis } = world;
      const driver = present(world.drivers[0]);
      const name = driver.virtualNameOf('nic0');
      await world.remove(target);
      const other = new CaseTarget(ndis, 'another target');
      other.start(name);
      ndis.addAdapter(target.driverHandle, 'nic0');
      let status: number | null = null;
      ndis.bindAdapter(driver.ndisProtocolHandle, present(ndis.findAdapter('nic0')), (result) => {
        status = result;
      });
      await world.until(() => status !== null, 'the end of a bind above which nothing can come up');
      check(status !== NDIS_STATUS_SUCCESS, 'a bind above which nothing can come up succeeded');
      await world.remove(other);
      ndis.deregisterMiniportDriver(other.driverHandle);
      await world.bindAll();
      await proveItWorks(world);
    },
  },
  {
    id: 'intermediate-slow-life-cycle',
    title: 'Opens, closes and virtual miniports may take their time: the driver comes up, works, and goes',
    rules: ['CHIM-IM-007', 'CHIM-ST-001'],
    requirement: 'C-NDIS-IM',
    wishes: { adapters: 1, isSlow: true },
    run: async (world) => {
      await proveItWorks(world);
      const isPaused = pause(world);
      await world.until(isPaused, 'the pause of the adapter');
      await restart(world);
      await world.settle();
      await proveItWorks(world);
    },
  },
  {
    id: 'intermediate-two-adapters',
    title: 'Above two adapters each object is below one of them, what concerns it goes there, and one adapter can go without the other',
    rules: ['CHIM-IM-008', 'CHIM-IM-016', 'CHIM-EVT-019', 'CHIM-RET-003'],
    requirement: 'C-NDIS-IM',
    wishes: { adapters: 2 },
    run: async (world) => {
      const used = new Set<unknown>();
      for (const host of world.hosts) {
        host.keepsIndicated = true;
        const { connections } = await world.offload({ connectionsPerPath: 2 }, host);
        for (const connection of connections) {
          const { target, handle } = world.below(connection);
          used.add(target);
          checkEqual(handle.binding.adapterName, target.miniport.name, 'the adapter of the handle that a connection went down on');
          const list = host.send(connection, 'data');
          await world.settle();
          checkEqual(world.targets.filter(({ sends }) => sends.includes(list)).map(({ name }) => name), [target.name], 'targets that have a send');
          await world.completeAll();
          checkSame(host.entries('dataComplete').slice(-1).map((entry) => entry.list), [list], 'sends that came back to the host that made them');
          const { netBufferList } = await world.atDispatch(() => target.indicate(handle, 'answer'));
          check(host.kept.at(-1) === netBufferList, 'data did not reach the host of its connection');
          host.returnKept();
          await world.settle();
          check(target.calls.of('miniportTcpOffloadReceiveReturn').at(-1)?.[1] === netBufferList, 'data was not returned to the adapter that had indicated it');
        }
      }
      await world.terminateAll();
      const [going, staying] = [present(world.targets[1]), present(world.targets[0])];
      await world.remove(going);
      const host = present(world.hosts[0]);
      await proveItWorks(world, host);
      check(host.bindings.length === 1 && staying.calls.count('miniportHaltEx') === 0, 'the adapter that stays was disturbed');
    },
  },
];
