import {
  INDICATE_OFFLOAD_EVENT,
  IRQL,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type NeighborOffloadState,
  type NetBufferList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual, checkSame } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { FULL } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { pictureOfList } from './pictures.ts';

const { TcpIndicateSendBacklogChange, TcpIndicateDisconnect, TcpIndicateRetrieve, TcpIndicateAbort } = TCP_OFFLOAD_EVENT_TYPE;

/** Every event there is, with information of which none is like another's. */
const EVENTS = [
  [TcpIndicateSendBacklogChange, 65_535],
  [TcpIndicateSendBacklogChange, 0],
  [TcpIndicateDisconnect, 0],
  ...Object.values(TCP_UPLOAD_REASON).map((reason) => [TcpIndicateRetrieve, reason] as const),
  [TcpIndicateAbort, 0],
] as const;

export const indicationCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-events',
    title: 'TCP events go up once each, in order, with their type and information, on the handle of the driver above, at DISPATCH_LEVEL',
    rules: ['CHIM-IM-014', 'CHIM-EVT-019', 'CHIM-EVT-020'],
    requirement: 'C-NDIS-EVT',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload({ connectionsPerPath: 3 });
      const order = [1, 0, 2];
      for (const [type, information] of EVENTS) {
        for (const which of order) {
          const { target, handle } = world.below(present(connections[which]));
          await world.atDispatch(() => {
            target.event(handle, type, information);
          });
        }
      }
      const events = host.entries('event');
      checkSame(events.map(({ handle }) => handle), EVENTS.flatMap(() => order.map((which) => connections[which])), 'handles of the events that the host got');
      checkEqual(events.map(({ eventType, information }) => [eventType, information]), EVENTS.flatMap((event) => order.map(() => event)), 'types and information of the events');
      check(events.every(({ irql }) => irql === IRQL.DISPATCH_LEVEL), 'an event was not indicated at DISPATCH_LEVEL');
    },
  },
  {
    id: 'intermediate-events-at-any-time',
    title: 'Events of a connection reach the host while it is being offloaded and while it is being taken back',
    rules: ['CHIM-IM-014', 'CHIM-EVT-019'],
    requirement: 'C-NDIS-EVT',
    run: async (world) => {
      const { host } = world;
      const tree = world.tree();
      const connection = present(tree.connections[0]);
      host.initiate(tree.root, world.binding);
      await world.settle();
      const indicate = async (information: number): Promise<void> => {
        const { target, handle } = world.below(connection);
        await world.atDispatch(() => {
          target.event(handle, TcpIndicateSendBacklogChange, information);
        });
      };
      await indicate(1);
      await world.completeTrees();
      await indicate(2);
      world.begin('terminate', host.connections(connection));
      await world.settle();
      await indicate(3);
      await world.completeTrees();
      checkEqual(host.entries('event').map(({ information }) => information), [1, 2, 3], 'events that the host got before, in between and after');
      checkSame(host.entries('event').map(({ handle }) => handle), [connection, connection, connection], 'their handles');
    },
  },
  {
    id: 'intermediate-receive-indication',
    title: 'A receive indication goes up with the same NET_BUFFER_LIST and status at DISPATCH_LEVEL, and what the host takes of it goes back unchanged',
    rules: ['CHIM-IM-015', 'CHIM-EVT-020', 'CHIM-NBL-004'],
    requirement: 'C-NDIS-RXI',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload({ connectionsPerPath: 2 });
      const connection = present(connections[1]);
      const { target, handle } = world.below(connection);
      const answers = [
        [100, NDIS_STATUS_SUCCESS],
        [0, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED],
        [1, NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED],
        [99, NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED],
      ] as const;
      for (const [taken, status] of answers) {
        host.journal.length = 0;
        host.appetite = () => taken;
        const nbl = target.list(pattern(taken, 100));
        const before = pictureOfList(nbl);
        const answer = await world.atDispatch(() => target.indicateNbl(handle, nbl));
        const [entry, ...others] = host.entries('indicate');
        check(entry !== undefined && others.length === 0, `one indication of the target became ${entry === undefined ? 'none' : others.length + 1}`);
        check(entry.handle === connection, 'data was indicated for another connection');
        check(entry.list === nbl, 'data was indicated in another NET_BUFFER_LIST');
        checkEqual(entry.status, NDIS_STATUS_SUCCESS, 'the status of the indication');
        checkEqual(entry.irql, IRQL.DISPATCH_LEVEL, 'the IRQL of the indication');
        if (world.isTransparent) checkBytes(entry.bytes, pattern(taken, 100), 'the data indicated');
        checkEqual([answer.status, answer.bytesConsumed], [status, taken], 'what the target was answered: status and BytesConsumed');
        if (world.isTransparent) checkEqual(pictureOfList(nbl), before, 'an indicated NET_BUFFER_LIST');
        check(nbl.sourceHandle === null && nbl.context === null, 'a NET_BUFFER_LIST that is the target’s again is not as it was');
      }
    },
  },
  {
    id: 'intermediate-refused-data',
    title: 'Data that the host refuses may be indicated again, and is the target’s in between',
    rules: ['CHIM-IM-015', 'CHIM-NBL-005'],
    requirement: 'C-NDIS-RXI',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      const { target, handle } = world.below(connection);
      const nbl = target.list('refused');
      host.appetite = FULL;
      for (let round = 0; round < 3; round++) {
        const { status } = await world.atDispatch(() => target.indicateNbl(handle, nbl));
        checkEqual(status, NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, `the answer to refusal ${round}`);
        check(nbl.sourceHandle === null && nbl.context === null, 'refused data is not the target’s again as it was');
      }
      host.appetite = (bytes) => bytes.length;
      const { status, bytesConsumed } = await world.atDispatch(() => target.indicateNbl(handle, nbl));
      checkEqual([status, bytesConsumed], [NDIS_STATUS_SUCCESS, 7], 'the answer to data that is taken at last');
      checkEqual(host.entries('indicate').length, 4, 'indications that the host got');
      checkSame(target.calls.of('miniportTcpOffloadReceiveReturn').flatMap(([, list]) => membersOf(list as NetBufferList)), [nbl], 'what was returned');
    },
  },
  {
    id: 'intermediate-receive-return',
    title: 'A list of returned NET_BUFFER_LISTs, of several indications and connections, goes down to the adapter that indicated them',
    rules: ['CHIM-IM-016', 'CHIM-RET-001', 'CHIM-RET-003'],
    requirement: 'C-NDIS-RET',
    run: async (world) => {
      const { host } = world;
      host.keepsIndicated = true;
      const { connections } = await world.offload({ connectionsPerPath: 3 });
      for (const [at, which] of [0, 2, 1, 0, 2].entries()) {
        const { target, handle } = world.below(present(connections[which]));
        await world.atDispatch(() => target.indicate(handle, `data ${at}`));
      }
      const kept = host.kept.splice(0);
      checkEqual(kept.length, 5, 'NET_BUFFER_LISTs that the host has');
      // In another order than they came in, and in two calls.
      const [one, two, three, four, five] = kept.map(present) as [NetBufferList, NetBufferList, NetBufferList, NetBufferList, NetBufferList];
      const back = (): NetBufferList[] => world.targets.flatMap((target) => target.calls.of('miniportTcpOffloadReceiveReturn').flatMap(([, list]) => membersOf(list as NetBufferList)));
      world.binding.offloadTcpReceiveReturn(link([four, one, five]));
      await world.settle();
      checkEqual(back().length, 3, 'NET_BUFFER_LISTs that came back of a list of three');
      if (world.isTransparent) checkSame(back(), [four, one, five], 'what was returned');
      world.binding.offloadTcpReceiveReturn(link([three, two]));
      await world.settle();
      checkSame([...back()].sort((a, b) => kept.indexOf(a) - kept.indexOf(b)), kept, 'what came back in the end');
      world.checkKept('CHIM-RET-001', 'the driver answered a receive return with something else than SUCCESS');
      for (const target of world.targets) for (const [, list] of target.calls.of('miniportTcpOffloadReceiveReturn')) for (const nbl of membersOf(list as NetBufferList)) check(target.nbls.has(nbl), 'data was returned to an adapter that had not indicated it');
      check(kept.every(({ sourceHandle, context }) => sourceHandle === null && context === null), 'returned data is not as the target indicated it');
    },
  },
  {
    id: 'intermediate-return-later',
    title: 'Accepted data stays the host’s beyond the life of its connection, and goes back then',
    rules: ['CHIM-IM-016', 'CHIM-RET-001'],
    requirement: 'C-NDIS-RET',
    run: async (world) => {
      const { host } = world;
      host.keepsIndicated = true;
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      const { target, handle } = world.below(connection);
      await world.atDispatch(() => target.indicate(handle, 'kept'));
      world.begin('terminate', host.connections(connection));
      await world.completeTrees();
      checkEqual(connection.state, 'dead', 'the state of the connection');
      host.returnKept();
      await world.settle();
      checkEqual(target.calls.count('miniportTcpOffloadReceiveReturn'), 1, 'returns that reached the target after the terminate');
    },
  },
  {
    id: 'intermediate-calls-from-indications',
    title: 'From inside an indication the host may post requests, return the data, and send',
    rules: ['CHIM-IM-008', 'CHIM-IM-015', 'CHIM-RET-001'],
    requirement: 'C-NDIS-RXI',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      const { target, handle } = world.below(connection);
      const posted: NetBufferList[] = [];
      host.appetite = (bytes) => {
        posted.push(host.receive(connection, 50), host.send(connection, 'answer'));
        return bytes.length - 1;
      };
      const partly = await world.atDispatch(() => target.indicate(handle, 'question'));
      checkEqual([partly.status, partly.bytesConsumed], [NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED, 7], 'the answer to an indication in which the host made requests');
      checkSame([...target.receives, ...target.sends], posted, 'what the host posted from inside the indication');
      // The case host returns what it takes before it answers.
      host.appetite = (bytes) => bytes.length;
      const whole = await world.atDispatch(() => target.indicate(handle, 'all'));
      checkEqual([whole.status, whole.bytesConsumed], [NDIS_STATUS_SUCCESS, 3], 'the answer to an indication of data that was returned meanwhile');
      checkSame(target.calls.of('miniportTcpOffloadReceiveReturn').map(([, list]) => list), [whole.netBufferList], 'what was returned from inside the indication');
      await world.completeAll();
      checkEqual(host.entries('dataComplete').length, 2, 'requests that came back');
    },
  },
  {
    id: 'intermediate-neighbor-query',
    title: 'A neighbor query goes up in one block on the handle of the driver above, and the answer goes back in it',
    rules: ['CHIM-EVT-019', 'CHIM-EVT-020', 'CHIM-IM-003'],
    requirement: 'C-NDIS-EVT',
    run: async (world) => {
      const { host } = world;
      const { neighbors } = await world.offload({ neighbors: 2 });
      for (const [at, neighbor] of neighbors.entries()) {
        const { target, handle } = world.below(neighbor);
        let handleInCall: unknown = null;
        host.whenCalled = (entry) => {
          if (entry.kind !== 'offloadEvent') return;
          handleInCall = entry.root.offloadHandle;
          present((entry.root.state as NeighborOffloadState).cached).hostReachabilityDelta = 70 + at;
        };
        const block = await world.atDispatch(() => target.askAboutNeighbor(handle, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery));
        const entry = host.entries('offloadEvent').at(-1);
        checkEqual(host.entries('offloadEvent').length, at + 1, 'neighbor queries that the host got');
        check(handleInCall === neighbor, 'a query did not name the neighbor by the handle of the driver above');
        checkEqual([entry?.indicationCode, entry?.irql], [INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery, IRQL.DISPATCH_LEVEL], 'indication code and IRQL of the query');
        const { root } = entry ?? {};
        check(root !== undefined && root.nextBlock === null && root.dependentBlockList === null, 'a query was not about one block');
        checkEqual(present((block.state as NeighborOffloadState).cached).hostReachabilityDelta, 70 + at, 'the host’s answer, as the target got it');
        check(block.ndisOffloadHandle === handle, 'after the query the target’s block names the neighbor by another handle');
        check((block as unknown as ProtocolOffloadBlockList).state !== null, 'after the query the target’s block is without state');
      }
    },
  },
];
