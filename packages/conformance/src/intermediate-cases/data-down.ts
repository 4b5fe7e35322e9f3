import { NDIS_NET_BUFFER_LIST_INFO, NDIS_STATUS_PENDING, TCP_DISCONNECT_ABORTIVE_CLOSE, TCP_DISCONNECT_GRACEFUL_CLOSE, Mdl, netBufferListBytes, type NetBufferList } from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { DATA_KINDS, type DataKind } from './data-kinds.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { pictureOfList } from './pictures.ts';

const IDENTITY_RULES = { send: ['CHIM-SND-001', 'CHIM-SND-002'], receive: ['CHIM-RCV-001'], forward: ['CHIM-FWD-001'], disconnect: ['CHIM-DSC-001', 'CHIM-DSC-002'] } as const;

function downCase(kind: DataKind): IntermediateCase {
  const { name, entry, contents, start } = kind;
  return {
    id: `intermediate-${name}-down`,
    title: `A ${name} goes down once, as the same NET_BUFFER_LISTs in the same order, on the driver's own handle of its connection, and answers PENDING`,
    rules: ['CHIM-IM-008', 'CHIM-NBL-001', ...IDENTITY_RULES[name]],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { connections } = await world.offload({ connectionsPerPath: 3 });
      // The one in the middle: neither the first nor the latest that the driver has seen.
      const connection = present(connections[1]);
      const list = world.host.list(...contents);
      const members = membersOf(list);
      const answer = start(connection, list);
      check(answer === NDIS_STATUS_PENDING, `the ${name} was not answered with PENDING`);
      world.checkKept(kind.pendingRule, `the driver answered a ${name} with something else than PENDING`);
      await world.settle();
      const { target } = world.below(connection);
      const calls = target.calls.of(entry);
      checkSame(kind.pending(target), members, `NET_BUFFER_LISTs of a ${name} at the target`);
      if (world.isTransparent) checkEqual(calls.length, 1, `calls of ${entry} for one ${name}`);
      for (const [, context] of calls) check(context === world.contextBelow(connection), `the ${name} went down on the handle of another connection`);
      for (const nbl of members) check(nbl.sourceHandle === world.below(connection).handle.binding, `a NET_BUFFER_LIST of the ${name} did not go down on the driver's binding`);
      check(world.host.entries('dataComplete').length === 0, `the ${name} was completed while the target had it`);
      await world.completeAll();
      checkSame(world.host.entries('dataComplete').flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl)), members, `NET_BUFFER_LISTs of the ${name} that came back`);
    },
  };
}

/** An NBL with as much in it as one may have: two NET_BUFFERs, several MDLs, data that begins in the middle. */
function richNbl(nbl: NetBufferList, pool: { allocateNetBuffer: (mdlChain: Mdl, dataOffset: number, dataLength: number) => NonNullable<NetBufferList['firstNetBuffer']> }): void {
  const first = present(nbl.firstNetBuffer);
  const mdl = new Mdl(Uint8Array.of(1, 2, 3, 4));
  mdl.next = new Mdl(Uint8Array.of(5, 6, 7));
  first.describe(mdl, 3, 3);
  first.next = pool.allocateNetBuffer(new Mdl(Uint8Array.of(8, 9)), 1, 1);
  nbl.setInfo(NDIS_NET_BUFFER_LIST_INFO.Ieee8021QNetBufferListInfo, 0);
  nbl.setInfo(NDIS_NET_BUFFER_LIST_INFO.NetBufferListCorrelationId, 4711);
}

export const dataDownCases: readonly IntermediateCase[] = [
  ...DATA_KINDS.map(downCase),
  {
    id: 'intermediate-disconnect-flags',
    title: 'The flags of a disconnect go down as they are',
    rules: ['CHIM-IM-008'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { connections } = await world.offload({ connectionsPerPath: 2 });
      for (const [at, flags] of [TCP_DISCONNECT_GRACEFUL_CLOSE, TCP_DISCONNECT_ABORTIVE_CLOSE].entries()) {
        const connection = present(connections[at]);
        world.host.disconnect(connection, flags);
        await world.settle();
        const calls = world.below(connection).target.calls.of('miniportTcpOffloadDisconnect');
        checkEqual(calls.at(-1)?.[3], flags, 'flags of the disconnect at the target');
      }
    },
  },
  {
    id: 'intermediate-requests-unchanged',
    title: 'What a request describes goes down as it is: every NET_BUFFER, every MDL, data starts, info, push mode',
    rules: ['CHIM-IM-008', 'CHIM-SND-003'],
    requirement: 'C-NDIS-IM',
    requires: ['transparent'],
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      for (const { name, contents, entry, start } of DATA_KINDS) {
        const list = host.list(...contents);
        const members = membersOf(list);
        if (name === 'send') for (const nbl of members) richNbl(nbl, host.pool);
        if (name === 'receive') {
          present(members[1]).tcpReceiveNoPush = true;
          present(members[2]).tcpReceiveBytesTransferred = 5;
        }
        const before = pictureOfList(list);
        let atTarget = '';
        world.target.calls.once(entry, (_adapter: unknown, _context: unknown, arrived: NetBufferList) => {
          atTarget = pictureOfList(arrived);
        });
        start(connection, list);
        await world.settle();
        checkEqual(atTarget, before, `a ${name} at the target`);
        await world.completeAll();
        for (const nbl of members) {
          const extra = present(nbl.firstNetBuffer).next;
          if (extra !== null) host.pool.freeNetBuffer(extra);
          present(nbl.firstNetBuffer).next = null;
        }
      }
    },
  },
  {
    id: 'intermediate-connections-apart',
    title: 'Requests of several connections go down in the order in which they were made, each on its own connection',
    rules: ['CHIM-IM-008', 'CHIM-SND-002'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { connections } = await world.offload({ pathsPerNeighbor: 2, connectionsPerPath: 2 });
      const order = [3, 0, 2, 2, 1, 3, 0, 1];
      for (const [at, which] of order.entries()) world.host.send(present(connections[which]), `${at}`);
      for (const which of order) world.host.receive(present(connections[which]), 100 + which);
      await world.settle();
      for (const [which, connection] of connections.entries()) {
        const { target } = world.below(connection);
        const context = world.contextBelow(connection);
        const texts = target.calls.of('miniportTcpOffloadSend').filter((args) => args[1] === context).flatMap(([, , list]) => membersOf(list as NetBufferList).map((nbl) => new TextDecoder().decode(netBufferListBytes(nbl))));
        checkEqual(texts.join(), order.flatMap((one, at) => (one === which ? [at] : [])).join(), `sends of connection ${which} at the target`);
        const sizes = target.calls.of('miniportTcpOffloadReceive').filter((args) => args[1] === context).flatMap(([, , list]) => membersOf(list as NetBufferList).map((nbl) => netBufferListBytes(nbl).length));
        checkEqual(sizes.join(), order.flatMap((one) => (one === which ? [100 + which] : [])).join(), `receive requests of connection ${which} at the target`);
      }
      await world.completeAll();
      const sent = world.host.entries('dataComplete').filter(({ operation }) => operation === 'send').flatMap(({ nbls }) => nbls);
      checkEqual(sent.length, order.length, 'sends that came back');
    },
  },
  {
    id: 'intermediate-requests-left-alone',
    title: 'While the target has a request the driver does not write to it',
    rules: ['CHIM-NBL-004', 'CHIM-SND-003'],
    requirement: 'C-NDIS-NBL',
    requires: ['virtual-time'],
    run: async (world) => {
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      const { target } = world.below(connection);
      for (const { name, contents, entry, start, pending } of DATA_KINDS) {
        let arrived = '';
        target.calls.once(entry, (_adapter: unknown, _context: unknown, list: NetBufferList) => {
          arrived = pictureOfList(list);
        });
        const list = world.host.list(...contents);
        start(connection, list);
        await world.settle();
        const below = [...pending(target)];
        checkSame(membersOf(list), below, `links of a ${name} after the call that passed it down`);
        checkEqual(pictureOfList(list), arrived, `a ${name} after the call that passed it down`);
        await world.runtime.advance(5000);
        checkSame(membersOf(list), below, `links of a ${name} that the target has had for 5 s`);
        checkEqual(pictureOfList(list), arrived, `a ${name} that the target has had for 5 s`);
        await world.completeAll();
      }
    },
  },
];
