import type { ChimneyViolation } from '@ndis-chimney/types';

import type { Rule } from './rule.ts';

/** A rule that was found broken. */
export interface Finding {
  readonly rule: Rule;
  /** Name of the driver at fault. */
  readonly actor: string;
  /** What happened, in one sentence. */
  readonly detail: string;
  readonly objects: readonly unknown[];
  readonly atMs: number;
  /** As it was reported to NDIS; null for what is only advice. */
  readonly violation: ChimneyViolation | null;
}

/** One finding in one line. */
export function formatFinding({ rule, actor, detail, atMs }: Finding): string {
  return `${atMs.toFixed(3)} ms ${rule.severity} ${rule.id} ${actor}: ${detail} (${rule.page})`;
}
