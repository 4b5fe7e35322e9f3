import { offloadTargetConformance } from '@ndis-chimney/conformance';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { describe, expect, test } from 'vitest';

import { memorySubject } from './subjects.ts';

const intermediates = ['im1', 'im2', 'im3'].map((name) => (ndis: ConstructorParameters<typeof PassThroughDriver>[0]) => new PassThroughDriver(ndis, { name }));

describe.each([
  ['target-memory', memorySubject],
  ['target-memory behind three pass-through drivers', { ...memorySubject, intermediates }],
])('%s', (_name, options) => {
  for (const { id, title, rules, missing, run } of offloadTargetConformance(options)) {
    test.skipIf(missing.length > 0)(`${id}: ${title} (${rules.join(', ')})`, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
