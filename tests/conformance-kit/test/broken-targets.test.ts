import { offloadTargetConformance } from '@ndis-chimney/conformance';
import { describe, expect, test } from 'vitest';

import { brokenSubject } from './broken/broken-target.ts';
import { brokenTargets } from './broken/index.ts';
import { memorySubject } from './subjects.ts';

describe('the kit fails a target that', () => {
  test.each(brokenTargets)('$does: $fails', async (broken) => {
    const found = offloadTargetConformance(brokenSubject(broken)).find(({ id }) => id === broken.fails);
    expect(found?.missing).toEqual([]);
    await expect(found?.run()).rejects.toThrow(broken.says);
  });

  test('is broken in any way: each case has a target that it fails', () => {
    const failed = new Set(brokenTargets.map(({ fails }) => fails));
    expect(offloadTargetConformance(memorySubject).map(({ id }) => id).filter((id) => !failed.has(id))).toEqual([]);
  });
});
