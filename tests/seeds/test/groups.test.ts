import { describe, it } from 'vitest';

import { GROUPS } from './groups/index.ts';
import { runGroup } from './run-group.ts';
import { OBSERVERS, type Observation } from './world/observers.ts';

const OBSERVATIONS = Object.keys(OBSERVERS) as Observation[];

for (const group of GROUPS) {
  const { id, seeds, rules, says, depths } = group;
  describe(`${id} (${[...seeds, ...rules].join(' ')}): ${says}`, () => {
    for (const depth of depths) {
      for (const observation of OBSERVATIONS) {
        it(`through ${depth} intermediate drivers, ${observation === 'nobody' ? 'unobserved' : `with an observer of ${observation}`}`, () => {
          runGroup(group, { depth, observation, faults: {} });
        });
      }
    }
  });
}
