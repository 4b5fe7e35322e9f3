import type { NDIS_STATUS, TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { ChimneyConnection } from './connection.ts';

/**
 * How an offload ended. A refusal is an ordinary outcome: the status says why, and the connection is still the host's.
 */
export interface OffloadResult {
  /** The TCP block's status, or the one of the layer below it that failed. */
  readonly status: NDIS_STATUS;
  /** The offloaded connection; null when it was refused. */
  readonly connection: ChimneyConnection | null;
}

/** How a send, a posted receive or a disconnect ended. */
export interface TransferResult {
  /**
   * NDIS_STATUS_SUCCESS; NDIS_STATUS_UPLOAD_IN_PROGRESS, …REQUEST_UPLOAD and …UPLOAD_REQUESTED when the connection is on
   * its way back to the host; NDIS_STATUS_REQUEST_ABORTED after a reset; NDIS_STATUS_INVALID_STATE for a receive posted
   * after the peer's FIN.
   */
  readonly status: NDIS_STATUS;
  /** Bytes acknowledged by the peer (send, disconnect) or placed in the buffer (receive). */
  readonly bytesTransferred: number;
}

/** How a terminate ended, and what came back with it. */
export interface TerminateResult {
  /** NDIS_STATUS_SUCCESS, or NDIS_STATUS_FAILURE when the target lost the connection's state. */
  readonly status: NDIS_STATUS;
  /** The connection's state as the target left it; a copy. */
  readonly state: TcpOffloadStateDelegated;
  /** Data the peer had acknowledged delivery of, but nobody had received: a copy, to be read before anything newer. */
  readonly bufferedData: Uint8Array<ArrayBuffer>;
}

/** What a target says about a connection. */
export type ConnectionEvent =
  | { readonly type: 'sendBacklogChange'; readonly bytes: number }
  /** The peer sent FIN, and everything before it was consumed. */
  | { readonly type: 'disconnect' }
  /** The target asks for the connection back. `reason` is a TCP_UPLOAD_REASON. */
  | { readonly type: 'retrieve'; readonly reason: number; readonly isMandatory: boolean }
  /** The peer reset the connection, or the hardware failed. */
  | { readonly type: 'abort' };

/** Whose the connection is, with the names of TCP_CONNECTION_OFFLOAD_STATE. */
export type ConnectionOffloadState = 'InHost' | 'Offloading' | 'Offloaded' | 'Uploading';
