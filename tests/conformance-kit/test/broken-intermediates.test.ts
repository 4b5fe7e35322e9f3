import { intermediateConformance } from '@ndis-chimney/conformance';
import { describe, expect, test } from 'vitest';

import { brokenIntermediates } from './broken-intermediate/index.ts';
import { passThroughSubject } from './intermediate-subjects.ts';

describe('the kit fails an intermediate driver that', () => {
  test.each(brokenIntermediates)('$does: $fails', async ({ subject, fails, says }) => {
    const found = intermediateConformance(subject).find(({ id }) => id === `intermediate-${fails}`);
    expect(found?.missing).toEqual([]);
    await expect(found?.run()).rejects.toThrow(says);
  });

  test('is broken in any way: each case has a driver that it fails', () => {
    const failed = new Set(brokenIntermediates.map(({ fails }) => `intermediate-${fails}`));
    expect(intermediateConformance(passThroughSubject()).map(({ id }) => id).filter((id) => !failed.has(id))).toEqual([]);
  });
});
