import type { Ndis } from '@ndis-chimney/core';
import { attachVerifier, formatOutstanding, type Verifier, type VerifyLevel } from '@ndis-chimney/verifier';

/**
 * The verifier of a world, judging the subject alone: what the kit's own drivers do is what their case wants.
 * @param actors names of the drivers under test.
 */
export function watch(ndis: Ndis, level: 'off' | VerifyLevel | undefined, actors: readonly string[]): Verifier | null {
  return level === 'off' ? null : attachVerifier(ndis, { level: level ?? 'history', actors });
}

/** What is pending, as lines to end a message with; empty when nothing is, or nobody watches. */
export function pendingText(verifier: Verifier | null): string {
  const text = formatOutstanding(verifier?.outstanding ?? []);
  return text === '' ? '' : `\n${text}`;
}
