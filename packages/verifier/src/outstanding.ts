import { formatOid } from '@ndis-chimney/types';

import type { Ledger } from './ledger.ts';
import type { EdgeRecord } from './record/edge-record.ts';
import type { Hop, NblTrack } from './record/nbl-track.ts';

/** Something that has not come back. */
export interface Outstanding {
  /** `send`, `terminate`, `OID request`, `indicated data`. */
  readonly what: string;
  /** Name of the driver that has it. */
  readonly holder: string;
  /** Name of the driver it belongs to. */
  readonly owner: string;
  /** Since when the holder has it, in milliseconds; at the level of the last owner exact to a second. */
  readonly ageMs: number;
  /** Which object: `connection 3`. */
  readonly about: string;
  /** The last edge it crossed. */
  readonly lastHop: string;
  /** Everything it crossed, the oldest first, at the levels that keep it. */
  readonly hops: readonly Hop[];
}

/** Everything that is outstanding, the oldest first. */
export function outstandingOf(ledger: Ledger): Outstanding[] {
  const found = ledger.requests.outstanding().map((track) => outstandingNbl(ledger, track));
  const nowMs = ledger.clock.now();
  for (const edge of ledger.edges.all) {
    for (const { operation, atMs, blocks } of edge.trees.values()) {
      found.push({ what: operation, about: treeText(blocks.length), owner: edge.upper, holder: edge.lower, ageMs: nowMs - atMs, lastHop: edge.name, hops: [] });
    }
  }
  for (const [{ oid }, { edge, sinceMs }] of ledger.oids) {
    found.push({ what: 'OID request', about: formatOid(oid), owner: edge.upper, holder: edge.lower, ageMs: nowMs - sinceMs, lastHop: edge.name, hops: [] });
  }
  return found.sort((a, b) => b.ageMs - a.ageMs);
}

function outstandingNbl(ledger: Ledger, { requests, indications, binding, crossing, sinceMs, hops }: NblTrack): Outstanding {
  const edge: EdgeRecord = ledger.edges.of(binding);
  const isDown = crossing.direction === 'down';
  const [request] = requests;
  const [indication] = indications;
  const common = { holder: isDown ? edge.lower : edge.upper, ageMs: ledger.clock.now() - sinceMs, lastHop: `${crossing.call}, ${edge.name}`, hops: hops ?? [] };
  if (request !== undefined) return { what: request.kind, about: request.object.name, owner: request.edge.upper, ...common };
  if (indication !== undefined) return { what: 'indicated data', about: indication.object?.name ?? 'BufferedData', owner: indication.edge.lower, ...common };
  // Followed by its last owner alone.
  return { what: crossing.operation, about: 'a NET_BUFFER_LIST', owner: isDown ? edge.upper : edge.lower, ...common };
}

function treeText(count: number): string {
  return count === 1 ? 'one block' : `a tree of ${count} blocks`;
}
