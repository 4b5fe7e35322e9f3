/**
 * One injection, or NDIS's refusal of what was injected. Plain data; the same plan, seed and run give equal events.
 */
export interface FaultEvent {
  /** `injected`: the fault struck. `refused`: NDIS caught what it did, by the rule in `effect`, and threw it out. */
  readonly kind: 'injected' | 'refused';
  /** Id of the plan. */
  readonly plan: string;
  readonly seed: string;
  /** Which fault, `A1`. */
  readonly fault: string;
  /** Its id within the plan. */
  readonly id: string;
  /** Which strike of this planned fault it is, counted from 1. */
  readonly number: number;
  /** Milliseconds since the faults began. */
  readonly atMs: number;
  /** Why it struck at this occasion: what the schedule says. */
  readonly cause: string;
  /** The operation that was the occasion. */
  readonly operation: string;
  readonly adapter: string | null;
  /** `hostPort-peerPort`, or null when no connection was concerned. */
  readonly connection: string | null;
  /** What was done; for a refusal the id of the rule. */
  readonly effect: string;
}

const MEMBERS = ['kind', 'plan', 'seed', 'fault', 'id', 'number', 'operation', 'adapter', 'connection', 'cause', 'effect'] as const satisfies readonly (keyof FaultEvent)[];

/** The canonical line of an event: every member, always in the same order, for logs that are compared byte by byte. */
export function formatFaultEvent(event: FaultEvent): string {
  return [`${event.atMs} ms`, ...MEMBERS.map((member) => `${member}=${formatValue(event[member])}`)].join(' ');
}

function formatValue(value: string | number | null): string {
  if (value === null) return '-';
  const text = String(value);
  return /^[\w./:-]+$/.test(text) ? text : JSON.stringify(text);
}
