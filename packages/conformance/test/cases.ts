// Cases that say what they are told to say, for tests of what runs and reports cases.
import { ConformanceFailure, type Ability, type ConformanceCase } from '@ndis-chimney/conformance';

/** A case that passes, unless it is changed. */
export function caseOf(id: string, change: Partial<ConformanceCase> = {}): ConformanceCase {
  return {
    id,
    title: `Does what ${id} asks for`,
    rules: ['CHIM-SND-001'],
    requirement: 'C-NDIS-SND',
    requires: change.missing ?? [],
    missing: [],
    isAdvisory: false,
    run: () => Promise.resolve(),
    ...change,
  };
}

/** A case that says this of the subject. */
export function failing(id: string, sentence: string, change: Partial<ConformanceCase> = {}): ConformanceCase {
  return caseOf(id, { run: () => Promise.reject(new ConformanceFailure(sentence)), ...change });
}

/** A case whose subject lacks abilities. */
export function lacking(id: string, ...missing: Ability[]): ConformanceCase {
  return caseOf(id, { missing, run: () => Promise.reject(new Error('was run')) });
}

/** One case of each outcome. */
export const ofEachOutcome: readonly ConformanceCase[] = [
  caseOf('good', { requirement: 'C-NDIS-INI' }),
  failing('bad', 'the order: expected [0,1], found [1,0]', { rules: ['CHIM-SND-011', 'CHIM-SND-010'] }),
  failing('new', 'something new', { isAdvisory: true, requirement: 'C-NDIS-TRM' }),
  lacking('lacking', 'peer', 'control'),
];
