import type { MiniportOffloadBlockList, NDIS_STATUS, NetBufferList } from '@ndis-chimney/types';

import type { MiniportTaps } from './tap-drivers.ts';

/** Operations on NET_BUFFER_LISTs that end in a completion. */
export const DATA_OPERATIONS = ['TcpOffloadSend', 'TcpOffloadReceive', 'TcpOffloadDisconnect', 'TcpOffloadForward'] as const;
/** Operations on block lists. */
export const STATE_OPERATIONS = ['InitiateOffload', 'TerminateOffload', 'UpdateOffload', 'InvalidateOffload', 'QueryOffload'] as const;
export type DataOperation = (typeof DATA_OPERATIONS)[number];
export type StateOperation = (typeof STATE_OPERATIONS)[number];

/** Goes on with a completion, or with a call, as it would have gone on. */
export type Next<Subject> = (subject: Subject) => void;
export type DataTap = (operation: DataOperation, next: Next<NetBufferList>, list: NetBufferList) => void;
export type StateTap = (operation: StateOperation, next: Next<MiniportOffloadBlockList>, tree: MiniportOffloadBlockList) => void;

/** One tap on all four completions of data operations. */
export function dataCompletionTaps(tap: DataTap): MiniportTaps {
  return {
    tcpOffloadSendComplete: (next, list) => { tap('TcpOffloadSend', next, list); },
    tcpOffloadReceiveComplete: (next, list) => { tap('TcpOffloadReceive', next, list); },
    tcpOffloadDisconnectComplete: (next, list) => { tap('TcpOffloadDisconnect', next, list); },
    tcpOffloadForwardComplete: (next, list) => { tap('TcpOffloadForward', next, list); },
  };
}

/** One tap on all five completions of state operations. */
export function stateCompletionTaps(tap: StateTap): MiniportTaps {
  return {
    initiateOffloadComplete: (next, tree) => { tap('InitiateOffload', next, tree); },
    terminateOffloadComplete: (next, tree) => { tap('TerminateOffload', next, tree); },
    updateOffloadComplete: (next, tree) => { tap('UpdateOffload', next, tree); },
    invalidateOffloadComplete: (next, tree) => { tap('InvalidateOffload', next, tree); },
    queryOffloadStateComplete: (next, tree) => { tap('QueryOffload', next, tree); },
  };
}

/** One tap on all five state entries. */
export function stateEntryTaps(tap: (operation: StateOperation, next: Next<MiniportOffloadBlockList>, tree: MiniportOffloadBlockList, adapterContext: unknown) => void): MiniportTaps {
  return {
    miniportInitiateOffload: (next, context, tree) => { tap('InitiateOffload', (passed) => { next(context, passed); }, tree, context); },
    miniportTerminateOffload: (next, context, tree) => { tap('TerminateOffload', (passed) => { next(context, passed); }, tree, context); },
    miniportUpdateOffload: (next, context, tree) => { tap('UpdateOffload', (passed) => { next(context, passed); }, tree, context); },
    miniportInvalidateOffload: (next, context, tree) => { tap('InvalidateOffload', (passed) => { next(context, passed); }, tree, context); },
    miniportQueryOffload: (next, context, tree) => { tap('QueryOffload', (passed) => { next(context, passed); }, tree, context); },
  };
}

/** One tap on all four data entries; it answers in the driver's place. */
export function dataEntryTaps(
  tap: (operation: DataOperation, next: (list: NetBufferList) => NDIS_STATUS, list: NetBufferList, adapterContext: unknown, offloadContext: unknown) => NDIS_STATUS,
): MiniportTaps {
  return {
    miniportTcpOffloadSend: (next, context, offloadContext, list) => tap('TcpOffloadSend', (passed) => next(context, offloadContext, passed), list, context, offloadContext),
    miniportTcpOffloadReceive: (next, context, offloadContext, list) => tap('TcpOffloadReceive', (passed) => next(context, offloadContext, passed), list, context, offloadContext),
    miniportTcpOffloadDisconnect: (next, context, offloadContext, list, flags) =>
      tap('TcpOffloadDisconnect', (passed) => next(context, offloadContext, passed, flags), list, context, offloadContext),
    miniportTcpOffloadForward: (next, context, offloadContext, list) => tap('TcpOffloadForward', (passed) => next(context, offloadContext, passed), list, context, offloadContext),
  };
}
