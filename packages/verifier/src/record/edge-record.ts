import type { NdisBinding, NdisOidRequest, OffloadHandle, OffloadLayer } from '@ndis-chimney/types';

import type { IndicationRecord } from './indication-record.ts';
import type { ObjectRecord } from './object-record.ts';
import type { TreeRecord } from './tree-record.ts';

/** The role a driver has at an edge. */
export type Role = 'host' | 'intermediate' | 'target';

/** What an adapter has said about offloading, as far as an edge heard of it. */
export type OffloadMood = 'normal' | 'paused' | 'uploading';

/** All that is known of one binding: who is above and below, and what is under way between them. */
export class EdgeRecord {
  readonly binding: NdisBinding;
  readonly upper: string;
  readonly lower: string;
  readonly upperRole: Role;
  readonly lowerRole: Role;
  /** Objects on their way down, down, or on their way back. */
  readonly objects: Map<OffloadHandle, ObjectRecord> = new Map<OffloadHandle, ObjectRecord>();
  /** State operations below this edge, by root. */
  readonly trees: Map<object, TreeRecord> = new Map<object, TreeRecord>();
  /** Indicated NBLs that the driver above has kept. */
  readonly kept: Set<IndicationRecord> = new Set<IndicationRecord>();
  readonly oids: Set<NdisOidRequest> = new Set<NdisOidRequest>();
  mood: OffloadMood = 'normal';
  /** True from the first successful set request that lets the adapter offload. */
  isCapabilitySet = false;
  /** True when a capability query has succeeded since the mood was last other than normal. */
  isCapabilityQueried = false;
  /** Power state: D0 is 1. */
  powerState = 1;
  /** Objects offered so far, which numbers them, layer by layer. */
  readonly objectCounts: Record<OffloadLayer, number> = { neighbor: 0, path: 0, tcp: 0 };
  /** Requests passed down so far, which numbers them. */
  requestCount = 0;
  /** Receive indications that have not returned. */
  indicationDepth = 0;

  constructor(binding: NdisBinding) {
    this.binding = binding;
    this.upper = binding.upperName;
    this.lower = binding.lowerName;
    this.upperRole = binding.isUpperIntermediate ? 'intermediate' : 'host';
    this.lowerRole = binding.isLowerIntermediate ? 'intermediate' : 'target';
  }

  /** `host on im1`: for messages. */
  get name(): string {
    return `${this.upper} on ${this.binding.adapterName}`;
  }
}
