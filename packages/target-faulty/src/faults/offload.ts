import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  offloadLayerOf,
  type MiniportOffloadBlockList,
} from '@ndis-chimney/types';

import { dataEntryTaps } from '../completion-taps.ts';
import { blocksOf, type FaultyConnection } from '../connection-book.ts';
import type { FaultScope } from '../fault-scope.ts';
import type { Fault, FaultTaps } from '../fault.ts';
import type { FaultyAdapter } from '../faulty-adapter.ts';
import { BOTH, delayMs, oneOf, periodMs, periodically, strikeTree, wholeNumber } from './common.ts';

const INITIATE_STATUS: Readonly<Record<string, number>> = { NDIS_STATUS_RESOURCES, NDIS_STATUS_OFFLOAD_TCP_ENTRIES, NDIS_STATUS_FAILURE };
const initiateStatus = { status: oneOf('What it fails with.', ...(Object.keys(INITIATE_STATUS) as [string, ...string[]])) };

/** B1: an initiate fails though there is room. */
const refusesOffload: Fault = {
  id: 'B1',
  title: 'fails an initiate though it has room',
  symptom: 'Connections silently stay with the host, whose processor gets busy.',
  caughtBy: '',
  edges: BOTH,
  operations: ['InitiateOffload'],
  parameters: initiateStatus,
  inject: (scope) => ({
    miniport: {
      miniportInitiateOffload: (next, context, tree) => {
        const adapter = scope.adapter(context);
        if (strikeTree(scope, 'InitiateOffload', tree, adapter.name, `failed with ${scope.text('status')}`) === null) next(context, tree);
        else scope.deferrals.later(0, () => { adapter.completeTree('InitiateOffload', tree, INITIATE_STATUS[scope.text('status')] ?? NDIS_STATUS_FAILURE); });
      },
    },
  }),
};

interface LeftOut {
  readonly path: MiniportOffloadBlockList;
  readonly dependents: MiniportOffloadBlockList | null;
  readonly all: readonly MiniportOffloadBlockList[];
  readonly struck: ReadonlySet<MiniportOffloadBlockList>;
}

/** B2: a path is offloaded, and some of its connections are not. */
const offloadsInPart: Fault = {
  id: 'B2',
  title: 'offloads a tree in part',
  symptom: 'A path and its neighbor are offloaded, the connection is not: NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, and objects that nothing uses.',
  caughtBy: '',
  edges: BOTH,
  operations: ['InitiateOffload'],
  parameters: initiateStatus,
  inject: (scope) => {
    const leftOut = new WeakMap<MiniportOffloadBlockList, LeftOut[]>();
    return {
      miniport: {
        miniportInitiateOffload: (next, context, tree) => {
          const { name } = scope.adapter(context);
          const parts = blocksOf(tree)
            .filter(({ header, ndisOffloadHandle }) => offloadLayerOf(header.type) === 'path' && ndisOffloadHandle !== null)
            .map((path) => leaveOut(scope, path, name));
          leftOut.set(tree, parts.filter(({ struck }) => struck.size > 0));
          next(context, tree);
        },
      },
      adapter: () => ({
        initiateOffloadComplete: (next, tree) => {
          for (const { path, dependents, all, struck } of leftOut.get(tree) ?? []) {
            relink(path, dependents, all);
            for (const block of struck) block.status = INITIATE_STATUS[scope.text('status')] ?? NDIS_STATUS_FAILURE;
            if (path.status === NDIS_STATUS_SUCCESS) path.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
          }
          leftOut.delete(tree);
          next(tree);
        },
      }),
    };
  },
};

/** Takes the connections that are struck off a path; the driver never sees them. */
function leaveOut(scope: FaultScope, path: MiniportOffloadBlockList, adapter: string): LeftOut {
  const dependents = path.dependentBlockList;
  const all: MiniportOffloadBlockList[] = [];
  const struck = new Set<MiniportOffloadBlockList>();
  for (let block = dependents; block !== null; block = block.nextBlock) {
    all.push(block);
    if (block.miniportOffloadContext?.miniportOffloadContext !== null) continue;
    const connection = block.ndisOffloadHandle === null ? null : scope.book.ofHandle(block.ndisOffloadHandle);
    if (scope.strike({ operation: 'InitiateOffload', connection, adapter, subject: block }, 'left out of an offload that succeeds') !== null) struck.add(block);
  }
  const rest = all.filter((block) => !struck.has(block));
  if (struck.size > 0) relink(path, rest[0] ?? null, rest);
  return { path, dependents, all, struck };
}

function relink(path: MiniportOffloadBlockList, first: MiniportOffloadBlockList | null, blocks: readonly MiniportOffloadBlockList[]): void {
  path.dependentBlockList = first;
  blocks.forEach((block, at) => {
    block.nextBlock = blocks[at + 1] ?? null;
  });
}

/** Strikes on sends and receives, and by itself; what is done follows from a DPC. */
export function spontaneous(scope: FaultScope, effect: string, act: (adapter: FaultyAdapter, connection: FaultyConnection | null) => void, isReady: (adapter: FaultyAdapter) => boolean = () => true): FaultTaps {
  const consider = (operation: string, adapter: FaultyAdapter, connection: FaultyConnection | null): void => {
    if (!isReady(adapter) || scope.strike({ operation, connection, adapter: adapter.name }, effect) === null) return;
    scope.deferrals.later(0, () => { act(adapter, connection); });
  };
  return {
    miniport: dataEntryTaps((operation, next, list, context, offloadContext) => {
      const status = next(list);
      if (operation === 'TcpOffloadSend' || operation === 'TcpOffloadReceive') consider(operation, scope.adapter(context), scope.book.ofContext(offloadContext));
      return status;
    }),
    adapter: (adapter) => {
      if (scope.fault.parameters['periodMs'] !== undefined) periodically(scope, adapter, () => { consider('Timer', adapter, null); });
      return {};
    },
  };
}

/** B3: everything is to be uploaded at once. */
const uploadStorm: Fault = {
  id: 'B3',
  title: 'asks for the upload of everything at once',
  symptom: 'All connections go back to the host, whose latency leaps; new ones offload as ever.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadSend', 'TcpOffloadReceive', 'Timer'],
  parameters: { mode: oneOf('all: by NDIS_STATUS_UPLOAD_ALL; each: by TcpIndicateRetrieve for every connection.', 'all', 'each'), ...periodMs },
  inject: (scope) =>
    spontaneous(scope, 'upload of everything requested', (adapter) => {
      if (scope.text('mode') === 'all') adapter.indicateStatus(NDIS_STATUS_UPLOAD_ALL);
      else for (const connection of offloadedAt(scope, adapter)) adapter.indicateEvent(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
    }),
};

/** The connections that are offloaded to an adapter now. */
export function offloadedAt(scope: FaultScope, { name }: FaultyAdapter): FaultyConnection[] {
  return scope.book.offloaded.filter(({ adapter }) => adapter === name);
}

const OPTIONAL_REASONS = ['LowActivity', 'HighDropRate', 'SmallIO', 'NoBufferPreposting', 'HighFragmentation', 'HighOutOfOrderPackets'] as const;

/** B4: the upload of a busy connection is asked for again and again. */
const pingPong: Fault = {
  id: 'B4',
  title: 'asks for the upload of a connection that is in use',
  symptom: 'A connection goes to and fro between host and target: much control traffic, little throughput.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadSend', 'TcpOffloadReceive'],
  parameters: { reason: oneOf('The TCP_UPLOAD_REASON, one of the optional ones.', ...OPTIONAL_REASONS) },
  inject: (scope) =>
    spontaneous(scope, `upload requested: ${scope.text('reason')}`, (adapter, connection) => {
      const reason = TCP_UPLOAD_REASON[scope.text('reason') as (typeof OPTIONAL_REASONS)[number]];
      if (connection !== null) adapter.indicateEvent(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, reason);
    }),
};

/** C2: a connection is reset that nobody has reset. */
const resetsUnderLoad: Fault = {
  id: 'C2',
  title: 'reports a reset that the peer never sent',
  symptom: 'ECONNRESET in the middle of a query, the more often the more there is to do.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadSend', 'TcpOffloadReceive'],
  parameters: { minOutstanding: wholeNumber('NBLs that must be outstanding on the adapter: the load.', 0, 0, 1_000_000) },
  inject: (scope) =>
    spontaneous(
      scope,
      'TcpIndicateAbort without an RST',
      (adapter, connection) => {
        if (connection !== null) adapter.indicateEvent(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
      },
      ({ miniport }) => miniport.outstandingNetBufferLists >= scope.number('minOutstanding'),
    ),
};

/** G2: the adapter is reset while an initiate is under way. */
const resetDuringInitiate: Fault = {
  id: 'G2',
  title: 'is reset while it offloads',
  symptom: 'NDIS_STATUS_UPLOAD_ALL in the middle of an initiate, which fails some time later.',
  caughtBy: '',
  edges: ['target'],
  operations: ['InitiateOffload'],
  parameters: { delayMs: delayMs('How long the reset takes, in milliseconds.', 100) },
  inject: (scope) => ({
    miniport: {
      miniportInitiateOffload: (next, context, tree) => {
        const adapter = scope.adapter(context);
        if (strikeTree(scope, 'InitiateOffload', tree, adapter.name, 'reset: upload of everything requested, then failed') === null) {
          next(context, tree);
          return;
        }
        scope.deferrals.later(0, () => { adapter.indicateStatus(NDIS_STATUS_UPLOAD_ALL); });
        scope.deferrals.later(Math.max(scope.number('delayMs'), 1), () => { adapter.completeTree('InitiateOffload', tree, NDIS_STATUS_FAILURE); });
      },
    },
  }),
};

export const offloadFaults: readonly Fault[] = [refusesOffload, offloadsInPart, uploadStorm, pingPong, resetsUnderLoad, resetDuringInitiate];
