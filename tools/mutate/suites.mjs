// What decides over mutants: the cases of the conformance kit, over the subjects that it is tried on.

/**
 * @typedef {object} Case what a run needs of a ConformanceCase
 * @property {string} id
 * @property {readonly string[]} missing
 * @property {boolean} isAdvisory
 * @property {() => Promise<void>} run
 */

/**
 * @typedef {object} Suite
 * @property {readonly string[]} entries the modules it begins with
 * @property {(load: (file: string) => any) => readonly Case[]} cases
 */

const KIT = 'packages/conformance/src/index.ts';
const SUBJECTS = 'tests/conformance-kit/test/subjects.ts';

const DRIVERS = 'tests/conformance-kit/test/intermediate-subjects.ts';

/** @type {Record<string, Suite>} */
export const SUITES = {
  target: {
    entries: [KIT, SUBJECTS],
    cases: (load) => {
      /** @type {[name: string, options: object][]} */
      const subjects = load(SUBJECTS).subjects;
      return subjects.flatMap(([name, options]) => named(name, load(KIT).offloadTargetConformance(options)));
    },
  },
  intermediate: {
    entries: [KIT, DRIVERS],
    cases: (load) => {
      const { passThroughSubject, muxSubject } = load(DRIVERS);
      return [
        ...named('pass-through', load(KIT).intermediateConformance(passThroughSubject())),
        ...named('two pass-throughs', load(KIT).intermediateConformance({ ...passThroughSubject(), drivers: 2 })),
        ...named('mux', load(KIT).intermediateConformance(muxSubject())),
        ...named('mux above two adapters', load(KIT).intermediateConformance({ ...muxSubject({ placement: 'round-robin' }), adapters: 2 })),
      ];
    },
  },
  mux: {
    entries: [KIT, DRIVERS],
    cases: (load) => {
      const { muxSubject, taggingMuxSubject } = load(DRIVERS);
      return [
        ...named('mux', load(KIT).intermediateConformance(muxSubject())),
        ...named('mux above two adapters', load(KIT).intermediateConformance({ ...muxSubject({ placement: 'round-robin' }), adapters: 2 })),
        ...named('mux that tags', load(KIT).intermediateConformance({ ...taggingMuxSubject({ placement: 'round-robin' }), adapters: 2 })),
      ];
    },
  },
};

/**
 * Cases with the name of their subject before the id, so that those of several subjects make one suite.
 * @param {string} subject
 * @param {readonly Case[]} cases
 * @returns {Case[]}
 */
const named = (subject, cases) => cases.map(({ id, missing, isAdvisory, run }) => ({ id: `${subject}/${id}`, missing, isAdvisory, run }));
