import type { Clock, NdisBinding, NdisOidRequest, OffloadBlockList, OffloadHandle } from '@ndis-chimney/types';

import type { HookLists } from './hook-lists.ts';
import { EdgeRecord } from './record/edge-record.ts';
import type { IndicationRecord } from './record/indication-record.ts';
import type { ObjectRecord } from './record/object-record.ts';
import type { Requests } from './record/requests.ts';
import type { TreeRecord } from './record/tree-record.ts';

/** What the parts of a verifier share: its account of the run, its rules' hooks, and how a bad call is stopped. */
export interface Ledger {
  readonly clock: Clock;
  readonly edges: Edges;
  readonly requests: Requests;
  readonly hooks: HookLists;
  /** False at the level of the last owner. */
  readonly followsRequests: boolean;
  /** OID requests on their way, with when they went down. */
  readonly oids: Map<NdisOidRequest, { readonly edge: EdgeRecord; readonly sinceMs: number }>;
  /**
   * Something has begun that has to end in time.
   */
  readonly began: () => void;
  /**
   * Runs rules before something happens. @throws ChimneyViolation, in mode `throw`, when one was found broken: then it
   * is not to happen.
   */
  readonly before: (run: () => void) => void;
}

/** The records of all edges, each made when something first crosses. */
export class Edges {
  readonly all: Set<EdgeRecord> = new Set<EdgeRecord>();
  private readonly byBinding = new Map<NdisBinding, EdgeRecord>();

  of(binding: NdisBinding): EdgeRecord {
    let edge = this.byBinding.get(binding);
    if (edge === undefined) {
      edge = new EdgeRecord(binding);
      this.byBinding.set(binding, edge);
      this.all.add(edge);
    }
    return edge;
  }
}

/** The record of an object on an edge. @throws nothing: null when the verifier was not there when it was offered. */
export function objectOf(edge: EdgeRecord, handle: OffloadHandle | null): ObjectRecord | null {
  return handle === null ? null : (edge.objects.get(handle) ?? null);
}

/** The state operation on an edge that a tree belongs to. */
export function treeOf(edge: EdgeRecord, root: OffloadBlockList): TreeRecord | null {
  return edge.trees.get(root) ?? null;
}

/** What is kept above an edge, by NBL. */
export function keptOn(edge: EdgeRecord, nbl: object): IndicationRecord | null {
  for (const record of edge.kept) if (record.nbl === nbl) return record;
  return null;
}
