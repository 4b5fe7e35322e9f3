import type { Ndis } from '@ndis-chimney/core';
import { attachVerifier, formatOutstanding, type Verifier, type VerifyLevel } from '@ndis-chimney/verifier';

import type { Owned } from './owned.ts';

/**
 * The verifier of a world, judging the subject alone: what the kit's own drivers do is what their case wants.
 * @param actors names of the drivers under test. @param owned what the world gives up when its case is over.
 */
export function watch(ndis: Ndis, level: 'off' | VerifyLevel | undefined, actors: readonly string[], owned: Owned): Verifier | null {
  if (level === 'off') return null;
  const verifier = attachVerifier(ndis, { level: level ?? 'history', actors });
  owned.add({
    dispose: () => {
      verifier.detach();
    },
  });
  return verifier;
}

/** What is pending, as lines to end a message with; empty when nothing is, or nobody watches. */
export function pendingText(verifier: Verifier | null): string {
  const text = formatOutstanding(verifier?.outstanding ?? []);
  return text === '' ? '' : `\n${text}`;
}
