import type { Clock, NdisOidRequest, NdisTcpConnectionOffloadParameters } from '@ndis-chimney/types';

import type { VerifierLimits } from './options.ts';
import type { EdgeRecord } from './record/edge-record.ts';

/** What a rule may use while it watches. */
export interface Watch {
  readonly clock: Clock;
  readonly limits: VerifierLimits;
  /** Every edge that anything has crossed. */
  readonly edges: ReadonlySet<EdgeRecord>;
  /** OID requests on their way, and since when. */
  readonly oids: () => ReadonlyMap<NdisOidRequest, { readonly edge: EdgeRecord; readonly sinceMs: number }>;
  /** How the adapter below an edge was told to run TCP; null while nobody has enabled its chimney. */
  readonly parametersOf: (edge: EdgeRecord) => NdisTcpConnectionOffloadParameters | null;
  /** NDIS's current IRQL. */
  readonly irql: () => number;
  /** The how-manieth DPC is running; 0 outside of DPCs, and where the DPC queue does not count. */
  readonly dpc: () => number;
  /** False at the level of the last owner, which sees no sends and receives: there is nothing to be said of them then. */
  readonly followsRequests: boolean;
  /**
   * The rule is broken.
   * @param actor name of the driver at fault. @param detail what happened, in one sentence. @param objects those concerned.
   */
  readonly broken: (actor: string, detail: string, ...objects: readonly unknown[]) => void;
}
