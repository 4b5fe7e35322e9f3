import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  OID_GEN_STATISTICS,
  isNdisStatusSuccess,
  type DdiCrossingName,
  type NdisOidRequest,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { ProbeOperation } from '../probes/probe-target.ts';
import { blocksOf } from '../probes/trees.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import { LATER_OPERATIONS, operationTree } from '../world/operation-trees.ts';
import { stopNext } from '../world/stop-next.ts';
import { DATA_KINDS, type DataKind } from './data-kinds.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { checkMembers, membersOfTree } from './state-trees.ts';

const DOWN: Readonly<Record<ProbeOperation, DdiCrossingName>> = { initiate: 'initiateOffload', query: 'queryOffloadState', update: 'updateOffload', invalidate: 'invalidateOffload', terminate: 'terminateOffload' };
const UP: Readonly<Record<ProbeOperation, DdiCrossingName>> = {
  initiate: 'initiateOffloadComplete',
  query: 'queryOffloadStateComplete',
  update: 'updateOffloadComplete',
  invalidate: 'invalidateOffloadComplete',
  terminate: 'terminateOffloadComplete',
};

const capitalized = ({ name }: DataKind): string => `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
const downOf = (kind: DataKind): DdiCrossingName => `offloadTcp${capitalized(kind)}` as DdiCrossingName;
const upOf = (kind: DataKind): DdiCrossingName => `tcpOffload${capitalized(kind)}Complete` as DdiCrossingName;

const clean = (nbls: readonly NetBufferList[]): boolean => nbls.every(({ sourceHandle, context }) => sourceHandle === null && context === null);

/** Stops one crossing while something runs, and lets happen what comes of it. */
async function stopping<Result>(world: IntermediateWorld, name: DdiCrossingName, adapterName: string, run: () => Result | Promise<Result>): Promise<Result> {
  const stopped = stopNext(world.ndis, name, adapterName);
  const result = await run();
  await world.settle();
  stopped.end(world.violations);
  return result;
}

/** Below the lowest driver. */
const below = (world: IntermediateWorld, handle: OffloadHandle): string => world.below(handle).target.miniport.name;
/** Above the highest driver. */
const above = (world: IntermediateWorld): string => world.binding.adapterName;

export const stoppedCallCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-stopped-requests',
    title: 'Requests whose way down is stopped come back failed, once, as they were; later ones go down',
    rules: ['CHIM-IM-009', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    requires: ['stopped-calls', 'nbl-shortage'],
    wishes: { adapters: 1, netBufferLists: 4 },
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload({ connectionsPerPath: 3 });
      const connection = present(connections[0]);
      for (const kind of DATA_KINDS) {
        for (const isStopped of [true, true, false]) {
          host.journal.length = 0;
          const list = host.list(...kind.contents);
          const members = membersOf(list);
          if (isStopped) await stopping(world, downOf(kind), below(world, connection), () => kind.start(connection, list));
          else kind.start(connection, list);
          await world.completeAll();
          const back = host.entries('dataComplete').filter(({ operation }) => operation === kind.name).flatMap(({ nbls }) => nbls);
          checkEqual(back.length, members.length, `NET_BUFFER_LISTs that came back of a ${kind.name} that ${isStopped ? 'was stopped' : 'came after'}`);
          check(back.every(({ status }) => isNdisStatusSuccess(status) !== isStopped), `a ${kind.name} that ${isStopped ? 'was stopped came back with success' : 'came after a stopped one failed'}`);
          check(clean(members), `a ${kind.name} that was stopped is not as the host had passed it down`);
        }
      }
      // What the driver owes for want of memory: the first completion is stopped, the second is none the worse for it.
      host.journal.length = 0;
      const owed = connections.slice(1).flatMap((other) => membersOf(host.send(other, ...Array.from({ length: 5 }, () => 'owed'))));
      await stopping(world, 'tcpOffloadSendComplete', above(world), () => undefined);
      const back = host.entries('dataComplete').flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl));
      checkSame([...back].sort((a, b) => owed.indexOf(a) - owed.indexOf(b)), owed, 'sends without memory that came back though a completion of theirs was stopped');
    },
  },
  {
    id: 'intermediate-stopped-operations',
    title: 'State operations whose way down is stopped come back failed, once, in their own tree; the objects are what they were',
    rules: ['CHIM-IM-001', 'CHIM-IM-004', 'CHIM-IM-006', 'CHIM-IM-007', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-IM',
    requires: ['stopped-calls', 'state-shortage'],
    wishes: { adapters: 1, operations: 1, objects: 16 },
    run: async (world) => {
      const { host } = world;
      for (let round = 0; round < 4; round++) {
        const { root, connections, paths, neighbors } = world.tree();
        const block = present(present(root.dependentBlockList).dependentBlockList);
        const members = membersOf(block.netBufferListChain = host.list('a', 'b'));
        const before = membersOfTree(root);
        host.journal.length = 0;
        await stopping(world, DOWN.initiate, present(world.targets[0]).miniport.name, () => {
          host.initiate(root, world.binding);
        });
        checkSame(host.entries('stateComplete').map((entry) => entry.root), [root], 'completions of an initiate that was stopped');
        check(blocksOf(root).every(({ status }) => !isNdisStatusSuccess(status)), 'a block of an initiate that was stopped came back with success');
        checkMembers(root, before, 'the tree of an initiate that was stopped');
        checkEqual([...neighbors, ...paths, ...connections].map(({ state, miniportOffloadContext }) => [state, miniportOffloadContext]), [['dead', null], ['dead', null], ['dead', null]], 'objects of an initiate that was stopped');
        check(clean(members), 'send data of an initiate that was stopped is not as it was');
      }
      const { root, connections } = await world.offload({ connectionsPerPath: 2 });
      const connection = present(connections[1]);
      const [waitedFor, waiting, behind] = [operationTree('query', root), operationTree('query', root), operationTree('query', root)];
      host.journal.length = 0;
      for (const query of [waitedFor, waiting, behind]) world.begin('query', query);
      await world.settle();
      // A driver may fail what it has no memory for, or pass it on when it has; then that may be stopped.
      if (host.entries('stateComplete').length === 0) await stopping(world, DOWN.query, below(world, connection), () => world.completeTrees());
      await world.completeTrees();
      checkEqual([waitedFor.status === NDIS_STATUS_SUCCESS, isNdisStatusSuccess(waiting.status)], [true, false], 'success of a query, and of one that waited for it and was stopped');
      checkEqual(host.entries('stateComplete').length, 3, 'completions of three queries, of which the second was stopped');
      for (const operation of LATER_OPERATIONS) {
        const tree = operationTree(operation, root);
        const before = membersOfTree(tree);
        host.journal.length = 0;
        await stopping(world, DOWN[operation], below(world, connection), () => {
          world.begin(operation, tree);
        });
        checkSame(host.entries('stateComplete').map((entry) => entry.root), [tree], `completions of a ${operation} that was stopped`);
        check(blocksOf(tree).every(({ status }) => !isNdisStatusSuccess(status)), `a block of a ${operation} that was stopped came back with success`);
        checkMembers(tree, before, `the tree of a ${operation} that was stopped`);
        const again = operationTree('query', root);
        if (operation === 'terminate') break;
        world.begin('query', again);
        await world.completeTrees();
        checkEqual(again.status, NDIS_STATUS_SUCCESS, `the status of a query after a ${operation} that was stopped`);
      }
      world.begin('terminate', operationTree('terminate', root));
      await world.completeTrees();
      checkEqual(connections.map(({ state }) => state), ['dead', 'dead'], 'what became of connections whose first terminate was stopped');
    },
  },
  {
    id: 'intermediate-stopped-completions',
    title: 'Completions that are stopped above the driver reach the host all the same, later and once',
    rules: ['CHIM-IM-002', 'CHIM-IM-009', 'CHIM-NBL-001', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-IM',
    requires: ['stopped-calls'],
    wishes: { adapters: 1 },
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload({ connectionsPerPath: 2 });
      const connection = present(connections[0]);
      for (const kind of DATA_KINDS) {
        const { target } = world.below(connection);
        const list = host.list(...kind.contents);
        const members = membersOf(list);
        kind.start(connection, list);
        await world.settle();
        const pending = kind.pending(target).splice(0);
        for (const nbl of pending) nbl.status = NDIS_STATUS_SUCCESS;
        await stopping(world, upOf(kind), above(world), () => world.atDispatch(() => {
          kind.complete(target, link(pending));
        }));
        const back = host.entries('dataComplete').filter(({ operation }) => operation === kind.name).flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl));
        checkSame(back, members, `NET_BUFFER_LISTs of a ${kind.name} whose completion was stopped`);
        check(clean(members), `a ${kind.name} whose completion was stopped is not as the host had passed it down`);
      }
      host.sendOrdinary('p', 'q');
      await stopping(world, 'sendNetBufferListsComplete', above(world), () => world.completeAll());
      checkEqual(host.entries('ordinarySendComplete').flatMap(({ nbls }) => nbls).length, 2, 'ordinary sends whose completion was stopped');
      host.journal.length = 0;
      const { root } = world.tree();
      const trees = [['initiate', root], ...LATER_OPERATIONS.map((operation) => [operation, operationTree(operation, root)] as const)] as const;
      for (const [operation, tree] of trees) {
        world.begin(operation, tree);
        await stopping(world, UP[operation], above(world), () => world.completeTrees());
        checkSame(host.entries('stateComplete').slice(-1).map((entry) => entry.root), [tree], `trees of a ${operation} whose completion was stopped`);
        checkEqual(blocksOf(tree).every(({ status }) => status === NDIS_STATUS_SUCCESS), true, `success of a ${operation} whose completion was stopped`);
      }
      checkEqual(host.entries('stateComplete').map(({ operation }) => operation), trees.map(([operation]) => operation), 'completions of trees that were stopped, one each');
    },
  },
  {
    id: 'intermediate-stopped-indications',
    title: 'Data and packets whose way up is stopped are the target’s again, and what the host has returned gets there though it was stopped',
    rules: ['CHIM-IM-015', 'CHIM-IM-016', 'CHIM-NBL-005'],
    requirement: 'C-NDIS-IM',
    requires: ['stopped-calls'],
    wishes: { adapters: 1 },
    run: async (world) => {
      const { host } = world;
      host.keepsIndicated = true;
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      const { target, handle } = world.below(connection);
      const answer = await stopping(world, 'tcpOffloadReceiveHandler', above(world), () => world.atDispatch(() => target.indicate(handle, 'data')));
      checkEqual([answer.status, answer.bytesConsumed], [NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, 0], 'the answer to an indication that was stopped');
      check(clean([answer.netBufferList]), 'data whose indication was stopped is not as the target indicated it');
      await world.atDispatch(() => target.indicateNbl(handle, answer.netBufferList));
      checkSame(host.kept, [answer.netBufferList], 'data that was indicated again');
      await stopping(world, 'offloadTcpReceiveReturn', below(world, connection), () => {
        host.returnKept();
      });
      checkSame(target.calls.of('miniportTcpOffloadReceiveReturn').flatMap(([, list]) => membersOf(list as NetBufferList)), [answer.netBufferList], 'data whose return was stopped');
      const packets = await stopping(world, 'indicateReceiveNetBufferLists', above(world), () => world.atDispatch(() => target.indicateOrdinary(0, 'p', 'q')));
      checkSame(target.calls.of('miniportReturnNetBufferLists').flatMap(([, list]) => membersOf(list as NetBufferList)), membersOf(packets), 'packets whose indication was stopped');
      target.calls.clear();
      const later = await stopping(world, 'returnNetBufferLists', target.miniport.name, () => world.atDispatch(() => target.indicateOrdinary(0, 'r')));
      checkSame(target.calls.of('miniportReturnNetBufferLists').map(([, list]) => list), [later], 'packets whose return was stopped');
      check(clean([later, ...membersOf(packets)]), 'packets that were stopped are not as the target indicated them');
    },
  },
  {
    id: 'intermediate-pause-after-a-stopped-return',
    title: 'A pause waits for data that the host has returned and whose way down was stopped',
    rules: ['CHIM-IM-016', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    requires: ['stopped-calls'],
    wishes: { adapters: 1 },
    run: async (world) => {
      const { host, ndis } = world;
      host.keepsIndicated = true;
      const { connections } = await world.offload();
      const { target, handle } = world.below(present(connections[0]));
      for (let round = 0; round < 2; round++) {
        const answers = [await world.atDispatch(() => target.indicate(handle, 'one')), await world.atDispatch(() => target.indicate(handle, 'two'))];
        let isBack = false;
        target.calls.on('miniportPause', () => {
          isBack = clean(answers.map(({ netBufferList }) => netBufferList));
        });
        const stopped = stopNext(ndis, 'offloadTcpReceiveReturn', target.miniport.name);
        host.returnKept();
        let [isPaused, isRunning] = [false, false];
        ndis.pauseAdapter(target.miniport, () => {
          isPaused = true;
        });
        await world.until(() => isPaused, 'the pause of an adapter after a return was stopped');
        stopped.end(world.violations);
        check(isBack, 'the adapter was paused before it had back what it had indicated');
        ndis.restartAdapter(target.miniport, () => {
          isRunning = true;
        });
        await world.until(() => isRunning, 'the restart of the adapter');
      }
    },
  },
  {
    id: 'intermediate-stopped-oid-requests',
    title: 'An OID request that is stopped fails, and one whose completion is stopped is completed later',
    rules: ['CHIM-IM-017'],
    requirement: 'C-NDIS-CAP',
    requires: ['stopped-calls'],
    wishes: { adapters: 1 },
    run: async (world) => {
      const { host, target } = world;
      const ask = (): ReturnType<typeof host.request> => host.request(NDIS_REQUEST_TYPE.NdisRequestQueryInformation, OID_GEN_STATISTICS);
      const first = await stopping(world, 'oidRequest', target.miniport.name, ask);
      check(first.status !== NDIS_STATUS_PENDING && !isNdisStatusSuccess(first.status), 'an OID request that was stopped did not fail');
      const held: NdisOidRequest[] = [];
      target.calls.on('miniportOidRequest', (_adapter: unknown, request: NdisOidRequest) => {
        held.push(request);
        return NDIS_STATUS_PENDING;
      });
      const second = ask();
      await world.settle();
      checkEqual(held.length, 1, 'OID requests at the target');
      await stopping(world, 'oidRequestComplete', above(world), () => world.atDispatch(() => {
        target.miniport.oidRequestComplete(present(held[0]), NDIS_STATUS_SUCCESS);
      }));
      checkSame(host.calls.of('protocolOidRequestComplete').map(([, request]) => request), [second.request], 'OID requests whose completion was stopped');
    },
  },
];
