import type { DdiCrossing, NdisBinding, NetBufferList } from '@ndis-chimney/types';

import type { EdgeRecord } from './edge-record.ts';
import type { IndicationRecord } from './indication-record.ts';
import type { RequestRecord } from './request-record.ts';

/** One place a NET_BUFFER_LIST has been. */
export interface Hop {
  readonly atMs: number;
  readonly edge: EdgeRecord;
  readonly crossing: DdiCrossing;
  /** Where it was called from, at the level that keeps that. */
  readonly stack: string | null;
}

/**
 * What is known of one NET_BUFFER_LIST. It hangs on the NBL itself, in the slot that NDIS reserves for owner tracking,
 * so that finding it costs a load. NBLs come from pools and are used again; so is this.
 */
export class NblTrack {
  readonly nbl: NetBufferList;
  /** The last edge it crossed, how and when: who has it now. */
  binding: NdisBinding;
  crossing: DdiCrossing;
  sinceMs: number;
  /** True while it is out for an object that nobody has seen being offloaded: what ends it is not known either. */
  isStranger = false;
  /** Requests it is, one per edge it is below of, the topmost first. */
  readonly requests: RequestRecord[] = [];
  /** Indications it is, one per edge it is above of, the lowest first. */
  readonly indications: IndicationRecord[] = [];
  /** Where it has been since it was last nobody's; null at the levels that do not keep it. */
  hops: Hop[] | null = null;

  constructor(nbl: NetBufferList, binding: NdisBinding, crossing: DdiCrossing, sinceMs: number) {
    this.nbl = nbl;
    this.binding = binding;
    this.crossing = crossing;
    this.sinceMs = sinceMs;
  }
}

/** The track of an NBL, if it has one. */
export function trackOf(nbl: NetBufferList): NblTrack | null {
  const track = nbl.ndisReserved1 as NblTrack | null;
  return track !== null && track.nbl === nbl ? track : null;
}
