import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_REQUEST_UPLOAD,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NDIS_STATUS_UPLOAD_REQUESTED,
  formatNdisStatus,
  isNdisStatusSuccess,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { membersOf, textsOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { blocksOf } from '../probes/trees.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { DATA_KINDS } from './data-kinds.ts';
import type { IntermediateCase } from './intermediate-case.ts';

const firstConnection = async (world: IntermediateWorld): Promise<OffloadHandle> => present((await world.offload()).connections[0]);

const clean = (nbls: readonly NetBufferList[]): boolean => nbls.every(({ sourceHandle, context }) => sourceHandle === null && context === null);

/** What the page leaves open for all that comes behind the first that did not go down: each of these says so. */
const NOT_GONE_DOWN: readonly NDIS_STATUS[] = [NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_IN_PROGRESS];

function checkNotGoneDown(status: NDIS_STATUS, what: string): void {
  check(NOT_GONE_DOWN.includes(status), `${what} came back with ${formatNdisStatus(status)}, which does not say that the upload was asked for`);
}

export const dataShortageCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-send-without-memory',
    title: 'GV-SND-6: of a list of three sends that the driver has no memory for, the first asks for the upload, the others say it was asked for, and nothing goes down',
    rules: ['CHIM-IM-011', 'CHIM-SND-001', 'CHIM-BLK-009'],
    requirement: 'C-NDIS-SND',
    requires: ['nbl-shortage'],
    wishes: { netBufferLists: 2 },
    run: async (world) => {
      const { host } = world;
      const connection = await firstConnection(world);
      const list = host.list('a', 'b', 'c');
      const members = membersOf(list);
      for (const nbl of members) nbl.tcpOffloadBytesTransferred = 99;
      connection.binding.offloadTcpSend(connection, list);
      checkEqual(host.entries('dataComplete').length, 0, 'sends that were completed inside their own call');
      await world.settle();
      checkEqual(world.targets.map(({ sends }) => sends.length).join(), world.targets.map(() => 0).join(), 'sends that went down without memory');
      const back = host.entries('dataComplete').flatMap(({ nbls }) => nbls);
      checkSame(back.map(({ nbl }) => nbl), members, 'sends that came back');
      checkEqual(back.map(({ status }) => status), [NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_REQUESTED, NDIS_STATUS_UPLOAD_REQUESTED], 'their statuses');
      checkEqual(back.map(({ bytesTransferred }) => bytesTransferred), [0, 0, 0], 'TcpOffloadBytesTransferred of sends that did not go down');
      checkEqual(back.map(({ dataLength }) => dataLength), [1, 1, 1], 'data left in sends that did not go down');
      check(clean(members), 'a send that did not go down is not as the host had passed it down');
    },
  },
  {
    id: 'intermediate-no-overtaking',
    title: 'Once a send came back with REQUEST_UPLOAD no later one takes its place, though there is memory again; after the terminate there is a new life',
    rules: ['CHIM-IM-011', 'CHIM-NBL-001', 'CHIM-ST-001'],
    requirement: 'C-NDIS-SND',
    requires: ['nbl-shortage'],
    wishes: { netBufferLists: 2 },
    run: async (world) => {
      const { host } = world;
      const connection = await firstConnection(world);
      host.send(connection, 'a', 'b', 'c');
      const fits = host.send(connection, 'd');
      await world.settle();
      const later = [host.send(connection, 'e'), host.receive(connection, 10), host.forward(connection, 'f'), host.disconnect(connection)];
      await world.settle();
      checkEqual(world.targets.flatMap(({ sends, disconnects }) => [...sends, ...disconnects]).length, 0, 'sends and disconnects that went down behind one that did not');
      for (const nbl of [fits, present(later[0]), present(later[3])]) checkNotGoneDown(nbl.status, 'what was behind a send that did not go down');
      await world.completeAll();
      checkEqual(host.entries('dataComplete').flatMap(({ nbls }) => nbls).length, 8, 'NET_BUFFER_LISTs that came back');
      await world.terminateAll();
      const again = await firstConnection(world);
      const list = host.send(again, 'works');
      await world.settle();
      checkEqual(world.targets.flatMap(({ sends }) => sends).map((nbl) => textsOf(nbl).join()), ['works'], 'sends of a new connection at the target');
      await world.completeAll();
      checkEqual(list.status, NDIS_STATUS_SUCCESS, 'the status of a send of a new connection');
    },
  },
  {
    id: 'intermediate-requests-without-memory',
    title: 'Receive, forward and disconnect without memory come back like sends, each kind as itself, in the order they were made',
    rules: ['CHIM-IM-011', 'CHIM-IM-009', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    requires: ['nbl-shortage'],
    wishes: { netBufferLists: 1 },
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload({ connectionsPerPath: 4 });
      // The only memory there is goes to the last of the connections.
      const taking = host.send(present(connections[3]), 'takes it');
      const kinds = DATA_KINDS.slice(1);
      const lists = kinds.map(({ contents, start }, at) => {
        const list = host.list(...contents);
        start(present(connections[at]), list);
        return membersOf(list);
      });
      checkEqual(host.entries('dataComplete').length, 0, 'requests that were completed inside their own call');
      await world.settle();
      const back = host.entries('dataComplete');
      checkEqual(back.map(({ operation }) => operation), kinds.map(({ name }) => name), 'requests that came back, in order');
      for (const [at, members] of lists.entries()) {
        checkSame(back[at]?.nbls.map(({ nbl }) => nbl) ?? [], members, `NET_BUFFER_LISTs of a ${String(kinds[at]?.name)} without memory`);
        const [first, ...rest] = back[at]?.nbls ?? [];
        checkEqual(first?.status, NDIS_STATUS_REQUEST_UPLOAD, `the status of the first of a ${String(kinds[at]?.name)} without memory`);
        for (const { status } of rest) checkNotGoneDown(status, `one of a ${String(kinds[at]?.name)} without memory`);
        check(clean(members), `a ${String(kinds[at]?.name)} without memory is not as the host had passed it down`);
      }
      checkEqual(world.targets.flatMap(({ receives, forwards, disconnects }) => [...receives, ...forwards, ...disconnects]).length, 0, 'requests that went down without memory');
      await world.completeAll();
      checkEqual(taking.status, NDIS_STATUS_SUCCESS, 'the status of the send that there was memory for');
    },
  },
  {
    id: 'intermediate-owed-before-a-terminate',
    title: 'What a terminate finds still to be completed comes back before it',
    rules: ['CHIM-IM-011', 'CHIM-ST-003', 'CHIM-IM-002'],
    requirement: 'C-NDIS-TRM',
    requires: ['nbl-shortage'],
    wishes: { netBufferLists: 1 },
    run: async (world) => {
      const { host } = world;
      const connection = await firstConnection(world);
      const { target } = world.below(connection);
      host.journal.length = 0;
      // Before any DPC runs: the driver owes the completion of the send when the target completes the terminate.
      host.send(connection, 'a', 'b');
      world.begin('terminate', host.connections(connection));
      if (target.trees.length > 0) target.completeTree('terminate');
      await world.completeTrees();
      checkEqual(host.journal.map(({ kind }) => kind), ['dataComplete', 'stateComplete'], 'what came back, in order');
    },
  },
  {
    id: 'intermediate-indications-without-memory',
    title: 'Data and packets that the driver has no memory to show stay with the target, and what it handed over at a terminate is shown all the same',
    rules: ['CHIM-IM-015', 'CHIM-NBL-005', 'CHIM-IM-016'],
    requirement: 'C-NDIS-RXI',
    requires: ['nbl-shortage'],
    wishes: { netBufferLists: 1 },
    run: async (world) => {
      const { host } = world;
      host.keepsIndicated = true;
      const connection = await firstConnection(world);
      const { target, handle } = world.below(connection);
      const first = await world.atDispatch(() => target.indicate(handle, 'one'));
      const second = await world.atDispatch(() => target.indicate(handle, 'two'));
      checkEqual([first.status, second.status, second.bytesConsumed], [NDIS_STATUS_SUCCESS, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0], 'answers to two indications with memory for one: the first, the second, its BytesConsumed');
      check(clean([second.netBufferList]), 'data that was not shown is not as the target indicated it');
      host.returnKept();
      await world.settle();
      const third = await world.atDispatch(() => target.indicateNbl(handle, second.netBufferList));
      checkEqual(third.status, NDIS_STATUS_SUCCESS, 'the answer when there is memory again');
      host.returnKept();
      const packets = await world.atDispatch(() => target.indicateOrdinary(0, 'p', 'q'));
      checkEqual(host.entries('ordinaryReceive').length, 0, 'packets that were shown without memory');
      checkSame(target.calls.of('miniportReturnNetBufferLists').flatMap(([, list]) => membersOf(list as NetBufferList)), membersOf(packets), 'packets that came back unseen');
      const buffered = target.list('x', 'y', 'z');
      const members = membersOf(buffered);
      world.begin('terminate', host.connections(connection));
      await world.completeTrees({
        change: ({ state }: MiniportOffloadBlockList) => {
          (present(state).delegated as { bufferedData: NetBufferList | null }).bufferedData = buffered;
        },
      });
      const { root } = present(host.entries('stateComplete').at(-1));
      const handedOver = (present(root.state).delegated as { bufferedData: NetBufferList | null }).bufferedData;
      checkSame(membersOf(handedOver), members, 'BufferedData of a terminate without memory');
      world.binding.offloadTcpReceiveReturn(present(handedOver));
      await world.settle();
      checkSame(target.calls.of('miniportTcpOffloadReceiveReturn').slice(2).flatMap(([, list]) => membersOf(list as NetBufferList)), members, 'BufferedData that was returned');
      check(clean(members), 'returned BufferedData is not as the target handed it over');
    },
  },
  {
    id: 'intermediate-chain-without-memory',
    title: 'An initiate whose send data the driver has no memory for fails in every block, with all send data as it was',
    rules: ['CHIM-IM-001', 'CHIM-IM-006', 'CHIM-NBL-005', 'CHIM-BLK-009'],
    requirement: 'C-NDIS-INI',
    requires: ['nbl-shortage'],
    wishes: { netBufferLists: 2 },
    run: async (world) => {
      const { host } = world;
      const { root, connections } = world.tree({ connectionsPerPath: 3 });
      // There is memory for that of the first, not for that of the second as well.
      const chains = ['a', 'b'].map((text, at) => {
        const block = present(blocksOf(root).find(({ offloadHandle }) => offloadHandle === connections[at]));
        block.netBufferListChain = host.list(text, text);
        return { block, members: membersOf(block.netBufferListChain) };
      });
      host.initiate(root, world.binding);
      checkEqual(host.entries('stateComplete').length, 0, 'initiates that were completed inside their own call');
      await world.settle();
      checkSame(host.entries('stateComplete').map((entry) => entry.root), [root], 'initiates that came back');
      check(blocksOf(root).every(({ status }) => !isNdisStatusSuccess(status)), 'a block of an initiate without memory for its send data did not fail');
      checkEqual(world.targets.flatMap(({ trees }) => trees).length, 0, 'trees that went down without memory');
      for (const { block, members } of chains) {
        checkSame(membersOf(block.netBufferListChain), members, 'send data of an initiate without memory');
        check(clean(members), 'send data of an initiate without memory is not as it was');
      }
      const connection = await firstConnection(world);
      const list = host.send(connection, 'both', 'fit');
      await world.completeAll();
      checkEqual(list.status, NDIS_STATUS_SUCCESS, 'the status of a send that there is memory for');
    },
  },
  {
    id: 'intermediate-ordinary-send-without-memory',
    title: 'Ordinary sends without memory come back with a failure, not inside their call',
    rules: ['CHIM-NBL-001', 'CHIM-NBL-005'],
    requirement: 'C-NDIS-NBL',
    requires: ['nbl-shortage'],
    wishes: { netBufferLists: 1 },
    run: async (world) => {
      const { host } = world;
      const list = host.sendOrdinary('p', 'q');
      const members = membersOf(list);
      checkEqual(host.entries('ordinarySendComplete').length, 0, 'ordinary sends that were completed inside their own call');
      await world.settle();
      const back = host.entries('ordinarySendComplete').flatMap(({ nbls }) => nbls);
      checkSame(back.map(({ nbl }) => nbl), members, 'ordinary sends that came back');
      check(back.every(({ status }) => !isNdisStatusSuccess(status)), 'an ordinary send that did not go down came back with success');
      check(back.every(({ status }) => status !== NDIS_STATUS_REQUEST_UPLOAD && status !== NDIS_STATUS_UPLOAD_REQUESTED), 'an ordinary send came back with a status of the chimney');
      checkEqual(world.targets.flatMap(({ ordinarySends }) => ordinarySends).length, 0, 'ordinary sends that went down without memory');
      check(clean(members), 'an ordinary send that did not go down is not as the host had passed it down');
    },
  },
];
