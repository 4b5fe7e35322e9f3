import { DDI_CROSSING, type DdiCrossing } from '@ndis-chimney/types';

import type { RequestKind } from './record/request-record.ts';
import type { StateOperationName } from './record/tree-record.ts';

/** What a data call asks for. */
export const DATA_DOWN: ReadonlyMap<DdiCrossing, RequestKind> = new Map<DdiCrossing, RequestKind>([
  [DDI_CROSSING.offloadTcpSend, 'send'],
  [DDI_CROSSING.offloadTcpReceive, 'receive'],
  [DDI_CROSSING.offloadTcpDisconnect, 'disconnect'],
  [DDI_CROSSING.offloadTcpForward, 'forward'],
]);

/** What a completion of NET_BUFFER_LISTs ends. */
export const DATA_UP: ReadonlyMap<DdiCrossing, RequestKind> = new Map<DdiCrossing, RequestKind>([
  [DDI_CROSSING.tcpOffloadSendComplete, 'send'],
  [DDI_CROSSING.tcpOffloadReceiveComplete, 'receive'],
  [DDI_CROSSING.tcpOffloadDisconnectComplete, 'disconnect'],
  [DDI_CROSSING.tcpOffloadForwardComplete, 'forward'],
]);

/** State operations on their way down. */
export const STATE_DOWN: ReadonlyMap<DdiCrossing, StateOperationName> = new Map<DdiCrossing, StateOperationName>([
  [DDI_CROSSING.initiateOffload, 'initiate'],
  [DDI_CROSSING.queryOffloadState, 'query'],
  [DDI_CROSSING.updateOffload, 'update'],
  [DDI_CROSSING.invalidateOffload, 'invalidate'],
  [DDI_CROSSING.terminateOffload, 'terminate'],
]);

/** And on their way up. */
export const STATE_UP: ReadonlyMap<DdiCrossing, StateOperationName> = new Map<DdiCrossing, StateOperationName>([
  [DDI_CROSSING.initiateOffloadComplete, 'initiate'],
  [DDI_CROSSING.queryOffloadStateComplete, 'query'],
  [DDI_CROSSING.updateOffloadComplete, 'update'],
  [DDI_CROSSING.invalidateOffloadComplete, 'invalidate'],
  [DDI_CROSSING.terminateOffloadComplete, 'terminate'],
]);

/** Ordinary traffic, both ways. */
export const ORDINARY: ReadonlySet<DdiCrossing> = new Set<DdiCrossing>([
  DDI_CROSSING.sendNetBufferLists,
  DDI_CROSSING.sendNetBufferListsComplete,
  DDI_CROSSING.indicateReceiveNetBufferLists,
  DDI_CROSSING.returnNetBufferLists,
]);
