import type { OffloadHandle, OffloadLayer } from '@ndis-chimney/types';

import type { EdgeRecord } from './edge-record.ts';
import { RequestQueue } from './request-queue.ts';
import type { RequestKind } from './request-record.ts';

/**
 * Where an object stands on an edge, as its calls and completions say: the verifier's own account, kept apart from the
 * handle's.
 */
export type ObjectState = 'offloading' | 'offloaded' | 'terminating' | 'lost' | 'back';

/** One object on one edge: a neighbor, a path or a connection. */
export class ObjectRecord {
  /** The how-manieth object of its edge it is. */
  readonly ordinal: number;
  readonly handle: OffloadHandle;
  readonly edge: EdgeRecord;
  readonly layer: OffloadLayer;
  state: ObjectState = 'offloading';
  isInvalid = false;
  /** The neighbor of a path, the path of a connection. */
  parent: ObjectRecord | null = null;
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
  /** Bytes of the stream that have come up, by completion and indication. */
  bytesReceived = 0;
  /** Bytes of the stream that were sent down, and of those, that were acknowledged. */
  bytesSent = 0;
  bytesAcknowledged = 0;

  constructor(handle: OffloadHandle, edge: EdgeRecord, layer: OffloadLayer) {
    this.handle = handle;
    this.edge = edge;
    this.layer = layer;
    this.ordinal = ++edge.objectCount;
  }

  /** `connection 3`, with what its driver calls it if that is text: for messages. */
  get name(): string {
    const layer = this.layer === 'tcp' ? 'connection' : this.layer;
    const { owner } = this.handle;
    return typeof owner === 'string' ? `${layer} ${this.ordinal} ('${owner}')` : `${layer} ${this.ordinal}`;
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
