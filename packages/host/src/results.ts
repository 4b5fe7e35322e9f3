import type { IpOffloadStats, NDIS_STATUS, TcpOffloadStateDelegated, TcpOffloadStats } from '@ndis-chimney/types';

import type { ChimneyConnection } from './connection.ts';
import type { ConnectionState } from './connection-description.ts';
import type { HostNeighbor } from './host-neighbor.ts';
import type { UploadReason } from './offload-state.ts';

/**
 * How an offload ended. A refusal is an ordinary outcome: the status says why, and the connection is still the host's.
 */
export interface OffloadResult {
  /** The TCP block's status, or the one of the layer below it that failed. */
  readonly status: NDIS_STATUS;
  /** The offloaded connection; null when it was refused. */
  readonly connection: ChimneyConnection | null;
}

/** How the offload of a neighbor of its own ended. */
export interface NeighborOffloadResult {
  readonly status: NDIS_STATUS;
  /** The offloaded neighbor; null when it was refused. */
  readonly neighbor: HostNeighbor | null;
}

/** How a send, a posted receive, a forward or a disconnect ended. */
export interface TransferResult {
  /**
   * NDIS_STATUS_SUCCESS; NDIS_STATUS_UPLOAD_IN_PROGRESS, …REQUEST_UPLOAD and …UPLOAD_REQUESTED when the connection is on
   * its way back to the host, and then what was not sent comes back in {@link UploadedState.sendData};
   * NDIS_STATUS_REQUEST_ABORTED after a reset; NDIS_STATUS_INVALID_STATE for a receive posted after the peer's FIN, and
   * for everything asked of a connection that is the host's: then nothing was taken.
   */
  readonly status: NDIS_STATUS;
  /** Bytes acknowledged by the peer (send, disconnect) or placed in the buffer (receive). */
  readonly bytesTransferred: number;
}

/**
 * Everything that came back with a connection. It is a {@link ConnectionState}: offer it again, to the same host or to
 * another, and the connection goes on where it stopped. All of it is the holder's own; nothing is shared with the target.
 */
export interface UploadedState extends ConnectionState {
  /** The delegated state, as the target left it: the same object as `tcp.delegated`. */
  readonly delegated: TcpOffloadStateDelegated;
  /** Everything from `sndUna` on that the peer has not acknowledged, sent or not, in order: the host sends it from here on. */
  readonly sendData: readonly Uint8Array<ArrayBufferLike>[];
  /** Data the peer had acknowledged delivery of, but nobody had received: to be read before anything newer. */
  readonly bufferedData: Uint8Array<ArrayBufferLike>;
  /** True when a graceful disconnect came back with its FIN not sent: whoever has the connection now closes it. */
  readonly isFinPending: boolean;
  readonly stackDelta: number;
  readonly uploadedAtMs: number;
}

/** How a terminate of a connection ended, and what came back with it. */
export interface UploadResult {
  readonly connection: ChimneyConnection;
  /** NDIS_STATUS_SUCCESS, or NDIS_STATUS_FAILURE when the target lost the connection's state on the way. */
  readonly status: NDIS_STATUS;
  /** What it was taken back for. */
  readonly reason: UploadReason;
  readonly state: UploadedState;
}

/** How an update, invalidate or relink ended. NDIS_STATUS_INVALID_STATE: the object was not with the target. */
export interface StateResult {
  readonly status: NDIS_STATUS;
}

/** How a query ended. */
export interface QueryResult<State> {
  readonly status: NDIS_STATUS;
  /** The structures asked for, filled by the target; null unless the status is NDIS_STATUS_SUCCESS. */
  readonly state: State | null;
}

/** Counters of one adapter, offloaded traffic only; null for what the target does not keep. */
export interface ChimneyStatistics {
  readonly tcp4: TcpOffloadStats | null;
  readonly tcp6: TcpOffloadStats | null;
  readonly ip4: IpOffloadStats | null;
  readonly ip6: IpOffloadStats | null;
}

/** What a target says about a connection. */
export type ConnectionEvent =
  /** So many bytes of sends should be outstanding from now on. */
  | { readonly type: 'sendBacklogChange'; readonly bytes: number }
  /** The peer sent FIN, and everything before it was consumed. */
  | { readonly type: 'disconnect' }
  /** The target asks for the connection back. `reason` is a TCP_UPLOAD_REASON; `isObeyed`: the host does. */
  | { readonly type: 'retrieve'; readonly reason: number; readonly isMandatory: boolean; readonly isObeyed: boolean }
  /** The peer reset the connection, or the hardware failed. */
  | { readonly type: 'abort' };
