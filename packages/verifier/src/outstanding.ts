import type { EdgeRecord } from './record/edge-record.ts';
import type { Hop } from './record/nbl-track.ts';
import type { Ledger } from './ledger.ts';

/** Something that has not come back. */
export interface Outstanding {
  /** `send`, `terminate`, `OID request`, `indicated data`. */
  readonly what: string;
  /** Name of the driver that has it. */
  readonly holder: string;
  /** Name of the driver it belongs to. */
  readonly owner: string;
  readonly edge: EdgeRecord;
  readonly ageMs: number;
  /** Which object: a connection's handle owner, as text. */
  readonly about: string;
  /** The last edge it crossed. */
  readonly lastHop: string;
  /** Everything it crossed, at the levels that keep it. */
  readonly hops: readonly Hop[];
}

/** Everything that is outstanding, the oldest first. */
export function outstandingOf(ledger: Ledger): Outstanding[] {
  const nowMs = ledger.clock.now();
  const found: Outstanding[] = [];
  for (const { requests, indications, binding, crossing, sinceMs, hops } of ledger.requests.outstanding()) {
    const edge = ledger.edges.of(binding);
    const request = requests[0];
    const indication = indications[0];
    const isDown = crossing.direction === 'down';
    const [what, about, owner] =
      request !== undefined
        ? [request.kind, request.object.name, request.edge.upper]
        : ['indicated data', indication?.object?.name ?? 'BufferedData', indication?.edge.lower ?? edge.lower];
    found.push({ what, about, owner, edge, holder: isDown ? edge.lower : edge.upper, ageMs: nowMs - sinceMs, lastHop: `${crossing.call} of ${isDown ? edge.upper : edge.lower}`, hops: hops ?? [] });
  }
  for (const edge of ledger.edges.all) {
    for (const { operation, atMs, blocks } of edge.trees.values()) {
      found.push({ what: operation, about: `a tree of ${blocks.length} blocks`, owner: edge.upper, edge, holder: edge.lower, ageMs: nowMs - atMs, lastHop: `${operation} of ${edge.upper}`, hops: [] });
    }
  }
  for (const [request, { edge, sinceMs }] of ledger.oids) {
    found.push({ what: 'OID request', about: `0x${(request.oid >>> 0).toString(16)}`, owner: edge.upper, edge, holder: edge.lower, ageMs: nowMs - sinceMs, lastHop: `NdisOidRequest of ${edge.upper}`, hops: [] });
  }
  return found.sort((a, b) => b.ageMs - a.ageMs);
}
