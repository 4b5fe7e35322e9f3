import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

import type { Content } from '../probes/lists.ts';
import type { CaseTarget } from '../world/case-target.ts';
import type { DataOperationName } from '../world/journal.ts';

/** What the cases have to know of one kind of request on NET_BUFFER_LISTs. */
export interface DataKind {
  readonly name: DataOperationName;
  /** Entry of the target. */
  readonly entry: string;
  /** The rule that says the call answers PENDING. */
  readonly pendingRule: string;
  /** What lists of the kind hold. */
  readonly contents: readonly Content[];
  /** The statuses that a target completes requests of the kind with. */
  readonly statuses: readonly NDIS_STATUS[];
  /** Makes the request. @returns what the call answered. */
  readonly start: (connection: OffloadHandle, list: NetBufferList) => NDIS_STATUS;
  /** What the target has of the kind, oldest first. */
  readonly pending: (target: CaseTarget) => NetBufferList[];
  /** Completes a list as it is. */
  readonly complete: (target: CaseTarget, list: NetBufferList) => void;
}

/** The four kinds. */
export const DATA_KINDS: readonly DataKind[] = [
  {
    name: 'send',
    entry: 'miniportTcpOffloadSend',
    pendingRule: 'CHIM-SND-001',
    contents: ['one', 'two and three', 'four'],
    statuses: [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED],
    start: (connection, list) => connection.binding.offloadTcpSend(connection, list),
    pending: ({ sends }) => sends,
    complete: ({ handlers }, list) => {
      handlers.tcpOffloadSendComplete(list);
    },
  },
  {
    name: 'receive',
    entry: 'miniportTcpOffloadReceive',
    pendingRule: 'CHIM-RCV-001',
    contents: [10, 200, 31, 4],
    statuses: [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_INVALID_STATE],
    start: (connection, list) => connection.binding.offloadTcpReceive(connection, list),
    pending: ({ receives }) => receives,
    complete: ({ handlers }, list) => {
      handlers.tcpOffloadReceiveComplete(list);
    },
  },
  {
    name: 'forward',
    entry: 'miniportTcpOffloadForward',
    pendingRule: 'CHIM-FWD-001',
    contents: ['a segment', 'another segment', 'a third', 'the last'],
    statuses: [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_FAILURE],
    start: (connection, list) => connection.binding.offloadTcpForward(connection, list),
    pending: ({ forwards }) => forwards,
    complete: ({ handlers }, list) => {
      handlers.tcpOffloadForwardComplete(list);
    },
  },
  {
    name: 'disconnect',
    entry: 'miniportTcpOffloadDisconnect',
    pendingRule: 'CHIM-DSC-001',
    contents: [0],
    statuses: [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_REQUEST_ABORTED],
    start: (connection, list) => connection.binding.offloadTcpDisconnect(connection, list, TCP_DISCONNECT_ABORTIVE_CLOSE),
    pending: ({ disconnects }) => disconnects,
    complete: ({ handlers }, list) => {
      handlers.tcpOffloadDisconnectComplete(list);
    },
  },
];
