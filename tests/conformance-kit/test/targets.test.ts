import { offloadTargetConformance } from '@ndis-chimney/conformance';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { describe, expect, test } from 'vitest';

import { memorySubject, subjects } from './subjects.ts';

const intermediates = ['im1', 'im2', 'im3'].map((name) => (ndis: ConstructorParameters<typeof PassThroughDriver>[0]) => new PassThroughDriver(ndis, { name }));

describe.each(subjects.flatMap(([name, subject]) => [
  [name, subject] as const,
  [`${name} behind three pass-through drivers`, { ...subject, intermediates, verify: 'off' as const }] as const,
]))('%s', (_name, options) => {
  for (const { id, title, rules, missing, run } of offloadTargetConformance(options)) {
    test.skipIf(missing.length > 0)(`${id}: ${title} (${rules.join(', ')})`, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});

test('each case is run by one of them', () => {
  const run = new Set(subjects.flatMap(([, subject]) => offloadTargetConformance(subject).filter(({ missing }) => missing.length === 0).map(({ id }) => id)));
  expect(offloadTargetConformance(memorySubject).map(({ id }) => id).filter((id) => !run.has(id))).toEqual([]);
});
