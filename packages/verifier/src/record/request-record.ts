import type { DdiCrossing, Mdl, NDIS_STATUS, NetBufferList } from '@ndis-chimney/types';

import type { EdgeRecord } from './edge-record.ts';
import type { ObjectRecord } from './object-record.ts';

/** What can be asked of a connection. */
export type RequestKind = 'send' | 'receive' | 'disconnect' | 'forward';

/** One NET_BUFFER_LIST below an edge. */
export class RequestRecord {
  nbl: NetBufferList;
  edge: EdgeRecord;
  object: ObjectRecord;
  kind: RequestKind;
  /** The how-manieth request of its edge it is. */
  ordinal = 0;
  postedAtMs = 0;
  /** Bytes of data in its NET_BUFFERs when it went down. */
  byteCount = 0;
  netBufferCount = 0;
  /** Flags of a disconnect. */
  flags = 0;
  /** For a receive: whether it may be completed before it is full; bytes it already held. */
  isPush = true;
  preFilled = 0;
  /** True when it came down in the NetBufferListChain of an initiate. */
  isInherited = false;
  /** Ordinal of the first request of its call: the same for all of one list. */
  callOrdinal = 0;
  /** True from the call to the completion. */
  isPending = false;
  /** True on the edge of the driver that made the request, false where it is passed on. */
  isOrigin = true;
  /** True for a receive that was posted when TcpIndicateDisconnect had gone up. */
  isAfterDisconnect = false;
  /** True when NDIS completes it because the driver below threw: nobody is to be judged by that. */
  isTakenBack = false;
  /** By which completion, its status, transferred bytes and remaining data when a driver below this edge completed it; null before. */
  completedBelow: { readonly kind: RequestKind; readonly status: NDIS_STATUS; readonly bytes: number; readonly dataLength: number } | null = null;
  /** Links of the queue it is in. */
  older: RequestRecord | null = null;
  newer: RequestRecord | null = null;
  /** Where its data starts were when it went down, added up. */
  dataStarts = 0;
  /** The first MDL of its first NET_BUFFER, then. */
  firstMdl: Mdl | null = null;
  /** A sum of the memory that was lent, when the call that lent it had returned; see `sumOfMemory`. */
  checksum = 0;
  /** True once there is such a sum. */
  hasChecksum = false;

  constructor(nbl: NetBufferList, edge: EdgeRecord, object: ObjectRecord, kind: RequestKind) {
    this.nbl = nbl;
    this.edge = edge;
    this.object = object;
    this.kind = kind;
  }
}

/** A data call going down. */
export interface DataCall {
  readonly edge: EdgeRecord;
  readonly crossing: DdiCrossing;
  readonly kind: RequestKind;
  readonly object: ObjectRecord;
  readonly list: NetBufferList;
  readonly count: number;
  /** Flags of a disconnect; 0 for the others. */
  readonly flags: number;
  /**
   * Its requests. Records are used again: once something may have been completed, only those count that
   * `stillPending` finds.
   */
  readonly requests: readonly RequestRecord[];
  readonly firstOrdinal: number;
}

/** The requests of a call that are still below. */
export function* stillPending({ requests, firstOrdinal, edge }: DataCall): Generator<RequestRecord> {
  for (let at = 0; at < requests.length; at++) {
    const request = requests[at]!;
    if (request.isPending && request.edge === edge && request.ordinal === firstOrdinal + at) yield request;
  }
}

/** A completion list going up. */
export interface CompletionCall {
  readonly edge: EdgeRecord;
  readonly crossing: DdiCrossing;
  readonly kind: RequestKind;
  readonly list: NetBufferList;
  readonly count: number;
  /** Connections that data is delivered to by it. */
  readonly delivering: ObjectRecord[];
}
