// The kit fails nobody for doing otherwise than our targets what a target may do otherwise.
import { offloadTargetConformance } from '@ndis-chimney/conformance';
import { describe, expect, test } from 'vitest';

import { lawfulSubject, lawfulTargets } from './lawful/lawful-targets.ts';

describe.each(lawfulTargets)('a target that $does', (lawful) => {
  for (const { id, title, rules, missing, isAdvisory, run } of offloadTargetConformance(lawfulSubject(lawful))) {
    test.skipIf(missing.length > 0 || isAdvisory)(`passes ${id}: ${title} (${rules.join(', ')})`, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
