import type { DdiCrossing, NDIS_STATUS, NetBufferList } from '@ndis-chimney/types';

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
  /** Its status, transferred bytes and remaining data when a driver below this edge completed it; null before. */
  /** True when it came down in the NetBufferListChain of an initiate. */
  isInherited = false;
  completedBelow: { readonly status: NDIS_STATUS; readonly bytes: number; readonly dataLength: number } | null = null;
  /** Links of the queue it is in. */
  older: RequestRecord | null = null;
  newer: RequestRecord | null = null;
  /** For rules that compare contents: a checksum of what was lent. */
  checksum = 0;

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
}

/** A completion list going up. */
export interface CompletionCall {
  readonly edge: EdgeRecord;
  readonly crossing: DdiCrossing;
  readonly kind: RequestKind;
  readonly list: NetBufferList;
  readonly count: number;
}
