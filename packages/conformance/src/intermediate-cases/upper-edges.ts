import { TCP_OFFLOAD_EVENT_TYPE, type NetBufferList } from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { CaseHost } from '../world/case-host.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { DATA_KINDS } from './data-kinds.ts';
import type { IntermediateCase } from './intermediate-case.ts';

const edges = (world: IntermediateWorld): [CaseHost, CaseHost] => [present(world.hosts[0]), present(world.hosts[1])];

const backOf = (host: CaseHost, operation: string): NetBufferList[] => host.entries('dataComplete').filter((entry) => entry.operation === operation).flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl));

export const upperEdgeCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-mixed-completions',
    title: 'GV-IM-3: a completion list that mixes virtual miniports reaches each of them with its own NET_BUFFER_LISTs, in order, without contexts',
    rules: ['CHIM-IM-012', 'CHIM-DSC-016', 'CHIM-IM-009', 'CHIM-IM-010'],
    requirement: 'C-NDIS-IM',
    requires: ['several-upper-edges'],
    wishes: { upperEdges: 2 },
    run: async (world) => {
      const [u, v] = edges(world);
      const [cu, cv] = [present((await world.offload({}, u)).connections[0]), present((await world.offload({}, v)).connections[0])];
      for (const kind of DATA_KINDS.slice(0, 3)) {
        const [u1, v1, u2, v2] = [u, v, u, v].map((host) => {
          const nbl = host.list('data');
          kind.start(host === u ? cu : cv, nbl);
          return nbl;
        }) as [NetBufferList, NetBufferList, NetBufferList, NetBufferList];
        await world.settle();
        for (const target of world.targets) {
          const nbls = kind.pending(target).splice(0);
          if (nbls.length > 0) await world.atDispatch(() => {
            kind.complete(target, link(nbls));
          });
        }
        checkSame(backOf(u, kind.name), [u1, u2], `${kind.name} requests that came back to the first virtual miniport`);
        checkSame(backOf(v, kind.name), [v1, v2], `${kind.name} requests that came back to the second`);
        check([u1, v1, u2, v2].every(({ context, sourceHandle }) => context === null && sourceHandle === null), `a ${kind.name} of a mixed list is not as it was passed down`);
        // On one adapter, where the list was one, each virtual miniport hears once.
        if (world.targets.length === 1 && world.drivers.length === 1) checkEqual([u, v].map((host) => host.entries('dataComplete').filter(({ operation }) => operation === kind.name).length), [1, 1], `completions of ${kind.name} requests per virtual miniport`);
      }
      const packets = [u, v, u].map((host) => host.list('packet'));
      for (const [at, packet] of packets.entries()) world.bindingOf(at === 1 ? v : u).sendNetBufferLists(packet, 0, 0);
      await world.completeAll();
      checkSame(u.entries('ordinarySendComplete').flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl)), [packets[0], packets[2]], 'ordinary sends of the first virtual miniport');
      checkSame(v.entries('ordinarySendComplete').flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl)), [packets[1]], 'ordinary sends of the second');
    },
  },
  {
    id: 'intermediate-own-edge',
    title: 'Disconnects, state operations, events and data of a connection reach the virtual miniport it was offloaded through, and no other',
    rules: ['CHIM-IM-012', 'CHIM-IM-014', 'CHIM-IM-015', 'CHIM-IM-002'],
    requirement: 'C-NDIS-IM',
    requires: ['several-upper-edges'],
    wishes: { upperEdges: 2 },
    run: async (world) => {
      const [u, v] = edges(world);
      const trees = [await world.offload({}, u), await world.offload({}, v)];
      for (const host of [u, v]) host.journal.length = 0;
      for (const [at, host] of [u, v].entries()) {
        const other = present([v, u][at]);
        const before = other.journal.length;
        const connection = present(trees[at]?.connections[0]);
        const { target, handle } = world.below(connection);
        await world.atDispatch(() => {
          target.event(handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, at);
        });
        await world.atDispatch(() => target.indicate(handle, 'data'));
        const nbl = host.disconnect(connection);
        world.begin('query', host.connections(connection), host);
        await world.completeAll();
        checkEqual(host.journal.map(({ kind }) => kind).sort(), ['dataComplete', 'event', 'indicate', 'stateComplete'], `what virtual miniport ${at} got of its connection`);
        checkSame(backOf(host, 'disconnect'), [nbl], `disconnects of virtual miniport ${at}`);
        checkEqual(other.journal.length, before, `what the other virtual miniport got of a connection of virtual miniport ${at}`);
        checkSame(target.calls.of('miniportTcpOffloadReceiveReturn').slice(-1).flatMap(([, list]) => membersOf(list as NetBufferList)).map((back) => target.nbls.has(back)), [true], 'returned data that is the target’s own');
      }
    },
  },
  {
    id: 'intermediate-pause-of-one-edge',
    title: 'A pause of one virtual miniport waits for what came through that one, and the other goes on',
    rules: ['CHIM-IM-012', 'CHIM-IM-009'],
    requirement: 'C-NDIS-IM',
    requires: ['several-upper-edges', 'virtual-time'],
    wishes: { upperEdges: 2 },
    run: async (world) => {
      const [u, v] = edges(world);
      const [cu, cv] = [present((await world.offload({}, u)).connections[0]), present((await world.offload({}, v)).connections[0])];
      const above = present(world.ndis.findAdapter(world.bindingOf(u).adapterName));
      const of = (host: CaseHost, connection: typeof cu): void => {
        host.send(connection, 'data');
      };
      of(v, cv);
      let pauses = 0;
      world.ndis.pauseAdapter(above, () => {
        pauses++;
      });
      await world.until(() => pauses === 1, 'the pause of a virtual miniport through which nothing is out');
      world.ndis.restartAdapter(above);
      await world.settle();
      of(u, cu);
      await world.settle();
      world.ndis.pauseAdapter(above, () => {
        pauses++;
      });
      await world.runtime.advance(1000);
      checkEqual(pauses, 1, 'pauses of a virtual miniport that were over, the second with a send out');
      of(v, cv);
      await world.completeAll();
      await world.until(() => pauses === 2, 'the pause of a virtual miniport whose send is back');
      checkEqual([backOf(u, 'send').length, backOf(v, 'send').length], [1, 2], 'sends that came back to each');
      world.ndis.restartAdapter(above);
      await world.settle();
    },
  },
];
