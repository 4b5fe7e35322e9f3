import { intermediateConformance } from '@ndis-chimney/conformance';
import { describe, expect, test } from 'vitest';

import { muxSubject, passThroughSubject, taggingMuxSubject } from './intermediate-subjects.ts';

describe.each([
  ['PassThroughDriver', passThroughSubject()],
  ['three of PassThroughDriver', { ...passThroughSubject(), drivers: 3 }],
  ['MuxDriver', muxSubject()],
  ['MuxDriver above MuxDriver', { ...muxSubject(), drivers: 2 }],
  ['MuxDriver that tags, above two adapters by turns', { ...taggingMuxSubject({ placement: 'round-robin' }), adapters: 2 }],
  ['MuxDriver above two adapters by turns', { ...muxSubject({ placement: 'round-robin' }), adapters: 2 }],
])('%s', (_name, options) => {
  for (const { id, title, rules, missing, run } of intermediateConformance(options)) {
    test.skipIf(missing.length > 0)(`${id}: ${title} (${rules.join(', ')})`, async () => {
      await expect(run()).resolves.toBeUndefined();
    });
  }
});
