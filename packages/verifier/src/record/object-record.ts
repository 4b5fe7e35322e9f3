import { TCP_UPLOAD_REASON, type OffloadHandle, type OffloadLayer } from '@ndis-chimney/types';

import type { EdgeRecord } from './edge-record.ts';
import type { HandOver } from './hand-over.ts';
import { RequestQueue } from './request-queue.ts';
import type { RequestKind } from './request-record.ts';
import type { SuppliedState } from './supplied-state.ts';
import type { Undelivered } from './undelivered.ts';

/**
 * Where an object stands on an edge, as its calls and completions say: the verifier's own account, kept apart from the
 * handle's.
 */
export type ObjectState = 'offloading' | 'offloaded' | 'terminating' | 'lost' | 'back';

/** One object on one edge: a neighbor, a path or a connection. */
export class ObjectRecord {
  /** The how-manieth object of its layer on its edge it is. */
  readonly ordinal: number;
  readonly handle: OffloadHandle;
  readonly edge: EdgeRecord;
  readonly layer: OffloadLayer;
  state: ObjectState = 'offloading';
  isInvalid = false;
  /** The neighbor of a path, the path of a connection. */
  parent: ObjectRecord | null = null;
  /** The object that an intermediate driver offloads by this one, as far as it passed its block on; null when there is none. */
  above: ObjectRecord | null = null;
  readonly dependents: Set<ObjectRecord> = new Set<ObjectRecord>();
  queries = 0;
  updates = 0;
  invalidates = 0;
  /** Data calls for the object that have not returned, by kind. */
  readonly callDepth: Record<RequestKind, number> = { send: 0, receive: 0, disconnect: 0, forward: 0 };
  /** Upward calls for the object that have not returned. */
  upcallDepth = 0;
  /** Requests below, oldest first, by kind. */
  readonly pending: Readonly<Record<RequestKind, RequestQueue>> = { send: new RequestQueue(), receive: new RequestQueue(), disconnect: new RequestQueue(), forward: new RequestQueue() };
  /** Reason of the first TcpIndicateRetrieve; null before. */
  uploadReason: number | null = null;
  /** True once TcpIndicateDisconnect has gone up. */
  isDisconnectIndicated = false;
  /** True once TcpIndicateAbort has gone up. */
  isAbortIndicated = false;
  /** How the host has closed its half. */
  disconnected: 'no' | 'graceful' | 'abortive' = 'no';
  /** Status of an operation of this object that failed for the hardware's sake; null while none did. */
  hardwareFailure: 'query' | 'invalidate' | 'terminate' | null = null;
  /** What the driver below had put into the cell when the initiate ended. */
  context: unknown = null;
  /** Constant and cached values as they were supplied last; null on edges above intermediate drivers. */
  supplied: SuppliedState | null = null;
  /** For a connection: how it was handed over, and how it came back; null before, and when its block had no state. */
  handedOver: HandOver | null = null;
  handedBack: HandOver | null = null;
  // The bytes of a connection, counted on this edge. What was handed over or back in a tree is in the two above.
  /** Bytes that have come up: completed into requests, or indicated and accepted. */
  bytesReceived = 0;
  /** Bytes that went down to be sent: in sends, in graceful disconnects, and in the chain of the initiate. */
  bytesSent = 0;
  /** Of those, bytes that were completed as acknowledged. */
  bytesAcknowledged = 0;
  /** Receive requests posted so far. */
  receivesPosted = 0;
  /** Calls that deliver data of the connection, completions of receives and indications, that have not returned. */
  deliveryDepth = 0;
  /** When the last send was completed; when the object was offered, before the first was. */
  lastSendUpMs = 0;
  /** Received data that is known to wait below; null when none is, and on edges above intermediate drivers. */
  undelivered: Undelivered | null = null;

  constructor(handle: OffloadHandle, edge: EdgeRecord, layer: OffloadLayer) {
    this.handle = handle;
    this.edge = edge;
    this.layer = layer;
    this.ordinal = ++edge.objectCounts[layer];
  }

  /** `connection 3`, with what its driver calls it if that is text: for messages. */
  get name(): string {
    const layer = this.layer === 'tcp' ? 'connection' : this.layer;
    const { owner } = this.handle;
    return typeof owner === 'string' ? `${layer} ${this.ordinal} ('${owner}')` : `${layer} ${this.ordinal}`;
  }

  /** True while an upload is wanted, or under way: requests may end with NDIS_STATUS_UPLOAD_IN_PROGRESS. */
  get isLeaving(): boolean {
    return this.uploadReason !== null || this.state !== 'offloaded' || this.edge.mood === 'uploading';
  }

  /** True when the connection was reset, by either side, or lost: requests end with NDIS_STATUS_REQUEST_ABORTED. */
  get isAborted(): boolean {
    return this.isAbortIndicated || this.disconnected === 'abortive' || this.hardwareFailure !== null || this.uploadReason === TCP_UPLOAD_REASON.HardwareFailure;
  }

  /** True while requests may be made of it. */
  get isUsable(): boolean {
    return this.state === 'offloaded';
  }

  /** Requests of all kinds below. */
  get pendingCount(): number {
    const { send, receive, disconnect, forward } = this.pending;
    return send.size + receive.size + disconnect.size + forward.size;
  }
}
