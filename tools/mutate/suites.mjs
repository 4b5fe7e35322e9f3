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

const INTERMEDIATE = 'packages/intermediate/src/index.ts';

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
  'pass-through': { entries: [KIT, SUBJECTS, INTERMEDIATE], cases: (load) => behind(load, 'PassThroughDriver') },
};

/**
 * The cases for targets, over the memory target behind a driver: what it relays wrongly, the target seems to do wrong.
 * @param {(file: string) => any} load
 * @param {string} driver its class
 */
function behind(load, driver) {
  const make = load(INTERMEDIATE)[driver];
  const options = { ...load(SUBJECTS).memorySubject, intermediates: [(/** @type {unknown} */ ndis) => new make(ndis, { name: 'im' })] };
  return named(`behind ${driver}`, load(KIT).offloadTargetConformance(options));
}

/**
 * Cases with the name of their subject before the id, so that those of several subjects make one suite.
 * @param {string} subject
 * @param {readonly Case[]} cases
 * @returns {Case[]}
 */
const named = (subject, cases) => cases.map(({ id, missing, isAdvisory, run }) => ({ id: `${subject}/${id}`, missing, isAdvisory, run }));
