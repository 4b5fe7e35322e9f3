import {
  Mdl,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NetBuffer,
  NetBufferList,
  netBufferListBytes,
  type MiniportOffloadBlockList,
  type OffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { DATA_OPERATIONS, STATE_OPERATIONS, dataCompletionTaps, stateCompletionTaps, stateEntryTaps } from '../completion-taps.ts';
import { blocksOf } from '../connection-book.ts';
import type { FaultScope, Strike } from '../fault-scope.ts';
import type { Fault } from '../fault.ts';
import type { FaultyAdapter } from '../faulty-adapter.ts';
import { linkList, membersOf, takeStruck } from '../net-buffer-lists.ts';
import { BOTH, oneOf, strikeNbl, strikeTree } from './common.ts';

/** A3: the completion comes before the call has returned. */
const completesInline: Fault = {
  id: 'A3',
  title: 'completes a request before the call has returned',
  symptom: 'The completion runs inside the caller: locks are taken twice, and records that the call was to fill are not there yet. A send succeeds before it is acknowledged; a state operation fails.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadSend', 'InitiateOffload', 'UpdateOffload', 'InvalidateOffload', 'QueryOffload'],
  parameters: {},
  inject: (scope) => {
    /** What the driver sends in place of NBLs that are completed already. */
    const copies = new WeakSet<NetBufferList>();
    return {
      miniport: {
        ...stateEntryTaps((operation, next, tree, context) => {
          const adapter = scope.adapter(context);
          const strike = operation === 'TerminateOffload' ? null : strikeTree(scope, operation, tree, adapter.name, 'failed before the call returned');
          if (strike === null) next(tree);
          else adapter.completeTree(operation, tree, NDIS_STATUS_FAILURE);
        }),
        miniportTcpOffloadSend: (next, context, offloadContext, list) => {
          const adapter = scope.adapter(context);
          const early = new Set<NetBufferList>();
          const passed = membersOf(list).map((nbl) => {
            if (strikeNbl(scope, 'TcpOffloadSend', nbl, adapter.name, 'completed before the call returned') === null) return nbl;
            early.add(nbl);
            return copyOf(nbl, copies);
          });
          next(context, offloadContext, linkList(passed) ?? list);
          adapter.completeSends([...early]);
          return NDIS_STATUS_PENDING;
        },
      },
      adapter: () => ({
        tcpOffloadSendComplete: (next, list) => {
          const rest = linkList(membersOf(list).filter((nbl) => !copies.has(nbl)));
          if (rest !== null) next(rest);
        },
        terminateOffloadComplete: (next, tree) => {
          for (const { block } of scope.book.connectionsOf(tree)) takeOutOfChain(block as MiniportOffloadBlockList, copies);
          next(tree);
        },
      }),
    };
  },
};

/** A send of the same bytes. The NBL itself is marked as sent and acknowledged. */
function copyOf(nbl: NetBufferList, copies: WeakSet<NetBufferList>): NetBufferList {
  const bytes = netBufferListBytes(nbl);
  const copy = new NetBufferList(new NetBuffer(new Mdl(bytes), 0, bytes.length));
  copies.add(copy);
  nbl.status = NDIS_STATUS_SUCCESS;
  nbl.tcpOffloadBytesTransferred = bytes.length;
  return copy;
}

/** The chain that comes back with a connection holds what the host sent, so the copies have to go. */
function takeOutOfChain(block: MiniportOffloadBlockList, copies: WeakSet<NetBufferList>): void {
  const members = membersOf(block.netBufferListChain);
  const own = members.filter((nbl) => !copies.has(nbl));
  if (own.length === members.length) return;
  block.netBufferListChain = linkList(own);
  const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
  if (delegated === null) return;
  delegated.sendDataHead = own[0] ?? null;
  delegated.sendDataTail = own.at(-1) ?? null;
}

/** A8: a status in a tree is not what became of the object. */
const liesAboutTrees: Fault = {
  id: 'A8',
  title: 'writes the wrong status into a block',
  symptom: 'failed: the host believes that an object is not offloaded, and the driver goes on with it. succeeded: the host believes that it is.',
  caughtBy: 'CHIM-INI-013 (succeeded, at an initiate)',
  edges: BOTH,
  operations: STATE_OPERATIONS,
  parameters: { mode: oneOf('failed: success is reported as failure; succeeded: failure is reported as success.', 'failed', 'succeeded') },
  inject: (scope) => ({
    adapter: ({ name }) =>
      stateCompletionTaps((operation, next, tree) => {
        const isSuccessLie = scope.text('mode') === 'succeeded';
        const block = blocksOf(tree).filter(({ status, ndisOffloadHandle }) => ndisOffloadHandle !== null && isSuccess(status) !== isSuccessLie).at(-1);
        const strike = block === undefined ? null : strikeTree(scope, operation, tree, name, isSuccessLie ? 'failure reported as success' : 'success reported as failure');
        if (block === undefined || strike === null) {
          next(tree);
          return;
        }
        const { status } = block;
        const cell = block.miniportOffloadContext;
        block.status = isSuccessLie ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
        // Of an object that failed nobody looks at the cell; with a context in it the lie would be found out.
        if (operation === 'InitiateOffload' && !isSuccessLie && cell !== null) cell.miniportOffloadContext = null;
        if (strike.attempt(() => { next(tree); })) return;
        block.status = status;
        next(tree);
      }),
  }),
};

function isSuccess(status: number): boolean {
  return status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/** What is found in a field that somebody else wrote. */
const GARBAGE = 'overwritten by the driver below';

/** A9: fields that belong to others are overwritten. */
const overwritesReserved: Fault = {
  id: 'A9',
  title: 'overwrites fields that are reserved for others',
  symptom: 'The driver above cannot find the request that ended: it throws, or takes it for another.',
  caughtBy: 'CHIM-LIF-005 (what the driver above throws)',
  edges: BOTH,
  operations: [...DATA_OPERATIONS, ...STATE_OPERATIONS],
  parameters: { field: oneOf('Whose field: the protocol\'s, or that of intermediate drivers in blocks and of the current owner in NBLs.', 'protocolReserved0', 'imReserved0') },
  inject: (scope) => ({
    adapter: ({ name }) => ({
      ...dataCompletionTaps((operation, next, list) => {
        for (const nbl of membersOf(list)) {
          if (strikeNbl(scope, operation, nbl, name, `${scope.text('field')} overwritten`) === null) continue;
          if (scope.text('field') === 'protocolReserved0') nbl.protocolReserved0 = GARBAGE;
          else nbl.scratch = GARBAGE;
        }
        next(list);
      }),
      ...stateCompletionTaps((operation, next, tree) => {
        if (strikeTree(scope, operation, tree, name, `${scope.text('field')} overwritten`) !== null) {
          const block = tree as unknown as OffloadBlockList;
          if (scope.text('field') === 'protocolReserved0') block.protocolReserved0 = GARBAGE;
          else block.imReserved0 = GARBAGE;
        }
        next(tree);
      }),
    }),
  }),
};

/** A10: completions at PASSIVE_LEVEL. */
const completesAtPassiveLevel: Fault = {
  id: 'A10',
  title: 'completes data requests outside of a DPC',
  symptom: 'The completion runs at PASSIVE_LEVEL, between any two things: code that counts on DISPATCH_LEVEL is interrupted where it must not be.',
  caughtBy: '',
  edges: BOTH,
  operations: DATA_OPERATIONS,
  parameters: {},
  inject: (scope) => ({
    adapter: ({ name }) =>
      dataCompletionTaps((operation, next, list) => {
        const { rest, struck } = takeStruck(list, (nbl) => strikeNbl(scope, operation, nbl, name, 'completed at PASSIVE_LEVEL'));
        for (const { nbl } of struck) scope.deferrals.outsideOfDpc(0, () => { next(nbl); });
        if (rest !== null) next(rest);
      }),
  }),
};

/** A11: pauses that are not what they say. */
const pausesWrongly: Fault = {
  id: 'A11',
  title: 'pauses wrongly',
  symptom: 'early: requests end on an adapter that said it had finished. twice: a pause ends that is over. fails: a pause fails, which it cannot.',
  caughtBy: 'CHIM-LIF-006 (twice)',
  edges: BOTH,
  operations: ['Pause'],
  parameters: { mode: oneOf('early: at once though requests are outstanding; twice; fails.', 'early', 'twice', 'fails') },
  inject: (scope) => {
    const mode = scope.text('mode');
    /** Adapters whose driver will say that it has paused, which NDIS has been told already. */
    const settled = new Set<FaultyAdapter>();
    const again = new Map<FaultyAdapter, Strike>();
    return {
      miniport: {
        miniportPause: (next, context) => {
          const status = next(context);
          const adapter = scope.adapter(context);
          if (mode === 'early' && status !== NDIS_STATUS_PENDING) return status;
          const strike = strikePause(scope, adapter, mode);
          if (strike === null) return status;
          if (mode === 'twice') {
            if (status === NDIS_STATUS_PENDING) again.set(adapter, strike);
            else scope.deferrals.later(0, () => { strike.attempt(() => { adapter.miniport.pauseComplete(); }); });
            return status;
          }
          if (status === NDIS_STATUS_PENDING) settled.add(adapter);
          return mode === 'early' ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
        },
      },
      adapter: (adapter) => ({
        pauseComplete: (next) => {
          if (settled.delete(adapter)) return;
          next();
          const strike = again.get(adapter);
          again.delete(adapter);
          if (strike !== undefined) scope.deferrals.later(0, () => { strike.attempt(next); });
        },
      }),
    };
  },
};

function strikePause(scope: FaultScope, { name }: FaultyAdapter, mode: string): Strike | null {
  return scope.strike({ operation: 'Pause', connection: null, adapter: name }, mode === 'early' ? 'paused with requests outstanding' : mode === 'twice' ? 'pause completed twice' : 'pause failed');
}

export const contractFaults: readonly Fault[] = [completesInline, liesAboutTrees, overwritesReserved, completesAtPassiveLevel, pausesWrongly];
