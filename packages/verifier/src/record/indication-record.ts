import type { Mdl, NetBufferList } from '@ndis-chimney/types';

import type { EdgeRecord } from './edge-record.ts';
import type { ObjectRecord } from './object-record.ts';

/** Received data on its way up, or kept by the driver above. */
export class IndicationRecord {
  readonly edge: EdgeRecord;
  /** Null for the BufferedData of a terminate. */
  readonly object: ObjectRecord | null;
  readonly nbl: NetBufferList;
  readonly atMs: number;
  readonly byteCount: number;
  /** Its data: where it begins in which MDL chain. */
  readonly mdlChain: Mdl | null;
  readonly dataOffset: number;
  /** A sum of that memory, from the time the driver above had kept it; see `sumOfMemory`. */
  checksum = 0;
  hasChecksum = false;

  constructor(edge: EdgeRecord, object: ObjectRecord | null, nbl: NetBufferList, atMs: number, byteCount: number) {
    this.edge = edge;
    this.object = object;
    this.nbl = nbl;
    this.atMs = atMs;
    this.byteCount = byteCount;
    this.mdlChain = nbl.firstNetBuffer?.mdlChain ?? null;
    this.dataOffset = nbl.firstNetBuffer?.dataOffset ?? 0;
  }
}
