import type { NdisBinding } from '@ndis-chimney/types';

import type { FaultScope } from './fault-scope.ts';
import type { FaultyAdapter } from './faulty-adapter.ts';
import type { MiniportTaps, ProtocolTaps } from './tap-drivers.ts';

/** Who can have a fault. */
export type FaultEdge = 'target' | 'intermediate' | 'host';

/** A parameter of a fault, in the words of JSON Schema. */
export interface FaultParameterSchema {
  readonly type: 'integer' | 'number' | 'string';
  /** One sentence. */
  readonly description: string;
  readonly default: number | string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Where a planned fault puts itself: taps on the entries of the faulty driver, and on what it calls. */
export interface FaultTaps {
  /** Entries of the miniport driver: an offload target, or the upper edge of an intermediate driver. */
  readonly miniport?: MiniportTaps;
  /** What that driver calls with one adapter. */
  readonly adapter?: (adapter: FaultyAdapter) => MiniportTaps;
  /** Entries of the protocol driver: a host, or the lower edge of an intermediate driver. */
  readonly protocol?: ProtocolTaps;
  /** What that driver calls with one binding. */
  readonly binding?: (binding: NdisBinding) => ProtocolTaps;
}

/** One kind of fault, as data. */
export interface FaultDescription {
  /** `A1`: its place in the catalogue. */
  readonly id: string;
  /** What the faulty driver does, as the end of "a driver that …". */
  readonly title: string;
  /** What is seen of it when nothing catches it. */
  readonly symptom: string;
  /** The rules by which NDIS, or whom it says, catches it; an empty text when nothing does. */
  readonly caughtBy: string;
  /** Whose fault it can be: nobody else is offered it. */
  readonly edges: readonly FaultEdge[];
  /** Operations that are occasions for it: the short names of the DDI's crossings. */
  readonly operations: readonly string[];
  readonly parameters: Readonly<Record<string, FaultParameterSchema>>;
}

/** One kind of fault. */
export interface Fault extends FaultDescription {
  /** Makes the taps for one planned fault. What they remember is theirs alone. */
  readonly inject: (scope: FaultScope) => FaultTaps;
}
