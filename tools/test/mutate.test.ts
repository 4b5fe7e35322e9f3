import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { problemsOf, readEquivalents } from '../mutate/equivalents.mjs';
import { LEFT_OUT, brokenFiles, isJudged, matches } from '../mutate/files.mjs';
import { changeOf, diffOf, drawingOrder, mutantsOfFile, mutantsOfText, type Mutant } from '../mutate/mutants.mjs';
import { editsOf } from '../mutate/operators.mjs';
import { countOf, killRatio, tableOf } from '../mutate/report.mjs';
import { runBaseline, runMutant, type Baseline, type Verdict } from '../mutate/runs.mjs';
import { runSample, soundMutants } from '../mutate/sample.mjs';
import { removeTree, writeTree } from './tree.ts';

/** For what reads all sources or starts processes, on a machine that has other things to do. */
const SLOW = { timeout: 60_000 };

/** What a snippet becomes, edit by edit. */
const broken = (text: string): string[] => {
  const source = ts.createSourceFile('a.ts', text, ts.ScriptTarget.ES2022, true);
  return editsOf(source).map(({ operator, start, end, text: by }) => `${operator}: ${text.slice(0, start)}${by}${text.slice(end)}`);
};

describe('a source is broken by', () => {
  it.each([
    ['leaving out calls and assignments', 'f();', ['drop: ;']],
    ['leaving out assignments', 'x = y;', ['drop: ;']],
    ['leaving out returns', 'function f() { return a; }', ['drop: function f() { ; }']],
    ['leaving out continue', 'for (const a of b) continue;', ['drop: for (const a of b) ;']],
    ['exchanging neighboring arguments', 'const x = f(a, b, c);', ['swap: const x = f(b, a, c);', 'swap: const x = f(a, c, b);']],
    ['exchanging arguments of constructors, but not spread ones', 'const x = new F(a, b, ...c);', ['swap: const x = new F(b, a, ...c);']],
    ['exchanging neighboring calls', '{ f(); g(); }', ['drop: { ; g(); }', 'reorder: { g(); f(); }', 'drop: { f(); ; }']],
    ['turning conditions around', 'if (a) b; else c;', ['negate: if (!(a)) b; else c;', 'drop: if (a) ; else c;', 'drop: if (a) b; else ;']],
    ['turning negated conditions around', 'while (!a) {}', ['negate: while (a) {}']],
    ['turning operands around one by one', 'const x = a && (b || !c);', ['negate: const x = !(a) && (b || !c);', 'negate: const x = a && (!(b) || !c);', 'negate: const x = a && (b || c);']],
    ['turning equality around', 'const x = a === b;', ['negate: const x = a !== b;']],
    ['moving bounds', 'const x = a < b;', ['bound: const x = a <= b;']],
    ['moving bounds of sequence numbers', 'const x = seqLess(a, b);', ['bound: const x = !seqLess(b, a);', 'swap: const x = seqLess(b, a);']],
    ['counting one more', 'const x = a + 1;', ['bound: const x = a + 2;']],
    ['another constant of the family', 'const x = [NDIS_STATUS_A, NDIS_STATUS_B, OTHER_FAMILY_C];', ['constant: const x = [NDIS_STATUS_B, NDIS_STATUS_B, OTHER_FAMILY_C];', 'constant: const x = [NDIS_STATUS_A, NDIS_STATUS_A, OTHER_FAMILY_C];']],
    ['another member', 'const x = [STATE.A, STATE.B];', ['constant: const x = [STATE.B, STATE.B];', 'constant: const x = [STATE.A, STATE.A];']],
  ])('%s', (_what, text, expected) => {
    expect(broken(text)).toEqual(expected);
  });

  it.each([
    ['calls with the same arguments twice', 'const x = f(a, a);'],
    ['bits, sentinels and values of enumerations', 'const x = (a & 3) + b; const y = -1; const z = { A: 1 }; class A { b = 0 }'],
    ['arguments whose order does not matter', 'const x = Math.max(a, b) + seqAdd(a, b);'],
    ['types', 'type A = B<1, 2>; let x: 1;'],
    ['imports', "import { NDIS_STATUS_A, NDIS_STATUS_B } from 'a'; export { NDIS_STATUS_A };"],
    ['messages', 'const x = `${a === b}`; function f() { throw new Error(a, b); }'],
    ['what observers are told', 'ndis.observer?.timer?.(a === b, c); this.accuse(tcp, a + 1);'],
  ])('nothing of %s', (_what, text) => {
    expect(broken(text)).toEqual([]);
  });
});

describe('a mutant', () => {
  const text = 'class A {\n  f(): void {\n    g(1);\n    g(2);\n    if (x) g(2);\n  }\n}\n';
  const ids = (source: string): string[] => mutantsOfText(source, 'a.ts', 'target').map(({ id }) => id);

  it('has an id of its own', () => {
    expect(new Set(ids(text)).size).toBe(ids(text).length);
  });

  it('keeps its id when lines come and go elsewhere', () => {
    const moved = `// one\n\nconst other = f();\n${text}`;
    expect(ids(moved)).toEqual(expect.arrayContaining(ids(text)));
  });

  it('has another id when its line changes, or what it is in', () => {
    const original = ids(text);
    const changed = [...ids(text.replaceAll('g(', 'h(')), ...ids(text.replace('f()', 'ff()')), ...ids(text.replace('class A', 'class B'))];
    expect(changed.filter((id) => original.includes(id))).toEqual([]);
  });

  it.each([
    ['in a statement', 'function f() { g(); return a < b; }', 'function f() { g(); { throw new Error(); } }'],
    ['in a condition', 'if (a < b) g();', '{ throw new Error(); }'],
    ['in a branch', 'if (x) g(a < b);', 'if (x) { throw new Error(); }'],
    ['in an arrow function', 'f((a) => a < b);', 'f((a) => { throw new Error(); });'],
    ['in a method', 'class A { f(): boolean { return a < b; } }', 'class A { f(): boolean { { throw new Error(); } } }'],
  ])('%s has a tripwire there', (_what, original, expected) => {
    const found = mutantsOfText(original, 'a.ts', 'target').find(({ operator }) => operator === 'bound');
    expect(found?.tripwire.replace("'a case came here'", '')).toBe(expected);
  });

  it('says where it is and what it changes', () => {
    const found = mutantsOfText(text, 'a.ts', 'target').find(({ operator }) => operator === 'reorder');
    expect(found).toMatchObject({ place: 'A.f', line: 3, column: 5 });
    expect(found && changeOf(found)).toBe('g(1); g(2); → g(2); g(1);');
    expect(found && diffOf(found)).toBe('-     g(1);\n-     g(2);\n+     g(2);\n+     g(1);');
  });
});

describe('a seed', () => {
  const mutants = Array.from({ length: 50 }, (_, at) => ({ id: `m${at}` }));

  it('draws the same mutants every time, and another draws others', () => {
    expect(drawingOrder(mutants, 1)).toEqual(drawingOrder(mutants.toReversed(), 1));
    expect(drawingOrder(mutants, 1).slice(0, 10)).not.toEqual(drawingOrder(mutants, 2).slice(0, 10));
  });

  it('draws the others in the same order when one is gone', () => {
    const [first, ...others] = drawingOrder(mutants, 1);
    expect(drawingOrder(mutants.filter((mutant) => mutant !== first), 1)).toEqual(others);
  });
});

describe('the files to break', SLOW, () => {
  it('are all but those left out', () => {
    const files = brokenFiles().map(({ file }) => file);
    expect(files).toContain('packages/offload-target/src/data-path.ts');
    expect(files.filter((file) => LEFT_OUT[file] !== undefined)).toEqual([]);
  });

  it.each(Object.keys(LEFT_OUT))('%s is there to be left out', (key) => {
    const [file = '', left] = key.split('#');
    const places = mutantsOfFile(file, 'target').map(({ place }) => place);
    if (left !== undefined) expect(places.some((place) => `${place}.`.startsWith(`${left}.`))).toBe(true);
  });

  it('declarations are left out with all that is in them', () => {
    const file = 'packages/offload-target/src/engine-event-sink.ts';
    expect(['isInside', 'isInside.x', 'isInsideOut', 'EngineEventSink.isPlausible', 'EngineEventSink.acked'].filter((place) => isJudged({ file, place }))).toEqual([
      'isInsideOut',
      'EngineEventSink.acked',
    ]);
  });

  it.each([
    ['packages/a/src/b.ts', '**', true],
    ['packages/a/src/b.ts', 'packages/*/src/*.ts', true],
    ['packages/a/src/b.ts', '**/b.ts', true],
    ['packages/a/src/b.ts', 'packages/*', false],
    ['packages/a/src/b.ts', '**/c.ts', false],
  ])('%s is in %s: %s', (path, pattern, expected) => {
    expect(matches(path, pattern)).toBe(expected);
  });
});

describe('the list of equivalent mutants', SLOW, () => {
  const few = mutantsOfText('f(a, b);', 'a.ts', 'target');
  const [mutant] = few as [Mutant];
  const entry = { id: mutant.id, change: changeOf(mutant), why: 'nobody reads what is left out here' };

  it('is right as it is committed', () => {
    const mutants = brokenFiles().flatMap(({ file, suite }) => mutantsOfFile(file, suite));
    expect(problemsOf(readEquivalents(), mutants.filter(isJudged))).toEqual([]);
  });

  it.each([
    ['nothing to say against', [entry], []],
    ['a mutant that is gone', [{ ...entry, id: 'a.ts:drop:00000000' }], [/no such mutant any more/]],
    ['another change', [{ ...entry, change: 'g(); → ;' }], [/as g\(\); → ;, but it is f\(a, b\); → ;/]],
    ['the same twice', [entry, entry], [/twice/]],
    ['no reason', [{ ...entry, why: '' }], [/without a reason/]],
  ])('finds %s', (_what, entries, expected) => {
    expect(problemsOf(entries, few)).toEqual(expected.map((pattern) => expect.stringMatching(pattern) as string));
  });
});

describe('in a workspace of its own', SLOW, () => {
  const LIMIT = 'packages/a/src/limit.ts';
  let root = '';
  let baseline: Baseline;
  let verdicts: Map<string, Verdict>;
  const verdictOf = (change: string): Verdict | undefined => verdicts.get(change);

  beforeAll(async () => {
    root = writeTree({
      'tsconfig.base.json': { compilerOptions: { target: 'es2022', lib: ['es2023'], types: [], module: 'nodenext', strict: true } },
      [LIMIT]: [
        'export const LIMIT = Number(3);',
        'if (LIMIT < 3) throw new Error();',
        'export function clamp(value: number): number {',
        '  return value < LIMIT ? value : LIMIT;',
        '}',
        'export function count(): number {',
        '  let steps = 0;',
        '  while (steps < LIMIT) {',
        '    steps += 2;',
        '  }',
        '  return steps;',
        '}',
        'export const unused = (): boolean => LIMIT > 1;',
        'export async function wait(): Promise<void> {',
        '  await new Promise<void>((resolve) => {',
        '    resolve();',
        '  });',
        '}',
        '',
      ].join('\n'),
      'suites.mjs': `
        const file = '${LIMIT}';
        const check = (condition, message) => { if (!condition) throw new Error(message); };
        const made = (id, run, rest) => ({ id, missing: [], isAdvisory: false, run: async () => run(), ...rest });
        export const SUITES = {
          all: {
            entries: [file],
            cases: (load) => {
              const { clamp, count, wait } = load(file);
              return [
                made('clamps', () => { check(clamp(9) === 3 && clamp(1) === 1, 'not clamped'); }),
                made('counts', () => { check(count() === 4, 'counted ' + count()); }),
                made('waits', () => wait()),
                made('is skipped', () => { check(false, 'run'); }, { missing: ['something'] }),
                made('is advice', () => { check(false, 'run'); }, { isAdvisory: true }),
              ];
            },
          },
          failing: { entries: [file], cases: () => [made('fails', () => { check(false, 'as it has to'); })] },
        };`,
    });
    const setting = { root, suites: pathToFileURL(join(root, 'suites.mjs')).href, patienceMs: 2500 };
    baseline = await runBaseline('all', setting);
    await expect(runBaseline('failing', setting)).rejects.toThrow('suite failing: fails fails although nothing is broken: Error: as it has to');
    const mutants = [...soundMutants(mutantsOfFile(LIMIT, 'all', root), root)];
    const baselines = new Map([['all', baseline]]);
    const results = await runSample(mutants, { baselines, equivalent: new Set(), size: Infinity, jobs: 2 });
    verdicts = new Map(results.map(({ mutant, verdict }) => [changeOf(mutant), verdict]));
  }, SLOW.timeout);

  afterAll(() => {
    removeTree(root);
  });

  it('the sources as they are pass', () => {
    expect(baseline.order.toSorted()).toEqual(['clamps', 'counts', 'waits']);
  });

  it('a mistake is killed by the case that notices', () => {
    expect(verdictOf('return value < LIMIT ? value : LIMIT; → return !(value < LIMIT) ? value : LIMIT;')).toMatchObject({
      outcome: 'killed',
      by: 'clamps',
      message: 'Error: not clamped',
    });
  });

  it('a mistake that is none survives', () => {
    expect(verdictOf('return value < LIMIT ? value : LIMIT; → return value <= LIMIT ? value : LIMIT;')).toMatchObject({ outcome: 'survived', message: '' });
  });

  it('a mistake where no case comes by survives for that reason', () => {
    expect(verdictOf('export const unused = (): boolean => LIMIT > 1; → export const unused = (): boolean => LIMIT > 2;')).toMatchObject({
      outcome: 'survived',
      message: 'no case comes here',
    });
  });

  it('a mistake that never ends is killed by time', () => {
    expect(verdictOf('steps += 2; → ;')).toMatchObject({ outcome: 'killed', by: 'counts', message: expect.stringMatching(/no end after \d+ ms/) as string });
  });

  it('a mistake that leaves a promise open is killed', () => {
    expect(verdictOf('resolve(); → ;')).toMatchObject({ outcome: 'killed', by: 'waits', message: 'waits for what never comes' });
  });

  it('what does not compile is no mutant, nor what does not load', () => {
    const changes = [...verdicts.keys()];
    expect(changes).not.toContain('return steps; → ;');
    expect(changes).not.toContain('if (LIMIT < 3) throw new Error(); → if (!(LIMIT < 3)) throw new Error();');
    const text = 'throw new Error("at once");';
    return expect(runMutant({ file: LIMIT, text }, baseline)).resolves.toMatchObject({ outcome: 'unloadable', message: 'Error: at once' });
  });

  it('a sample has the size asked for, besides what is known to be equivalent', async () => {
    const mutants = [...soundMutants(mutantsOfFile(LIMIT, 'all', root), root)];
    const survivors = mutants.filter((mutant) => changeOf(mutant).includes('value <= LIMIT'));
    const equivalent = new Set(survivors.map(({ id }) => id));
    const results = await runSample([...survivors, ...mutants], { baselines: new Map([['all', baseline]]), equivalent, size: 2, jobs: 1 });
    const count = countOf(results, equivalent);
    expect(survivors).toHaveLength(1);
    expect(count.equivalent).toBeGreaterThan(0);
    expect(count.killed + count.survived).toBe(2);
  });
});

describe('over the memory target', SLOW, () => {
  it('the kit kills what breaks its sends', async () => {
    const baselines = new Map([['target', await runBaseline('target')]]);
    const file = 'packages/offload-target/src/send-queue.ts';
    const mutants = soundMutants(drawingOrder(mutantsOfFile(file, 'target'), 1));
    const results = await runSample(mutants, { baselines, equivalent: new Set(), size: 2, jobs: 2 });
    const killers = results.filter(({ verdict }) => verdict.outcome === 'killed').map(({ verdict }) => verdict.by);
    expect(killers.length).toBeGreaterThan(0);
    for (const by of killers) expect(by).toMatch(/^target-[^/]+\/target-/);
  });
});

describe('a report', () => {
  const result = (operator: Mutant['operator'], outcome: Verdict['outcome'], id: string): { mutant: Mutant; verdict: Verdict } => ({
    mutant: { id, operator, file: 'a.ts', suite: 'all', line: 1, column: 1, place: '', before: '', after: '', text: '', tripwire: '' },
    verdict: { outcome, by: '', message: '', ms: 1 },
  });
  const results = [result('drop', 'killed', 'a'), result('drop', 'survived', 'b'), result('swap', 'killed', 'c'), result('swap', 'survived', 'd')];

  it('counts what was killed, without what is argued to be equivalent', () => {
    const count = countOf(results, new Set(['d']));
    expect(count).toEqual({ killed: 2, survived: 1, equivalent: 1 });
    expect(killRatio(count)).toBeCloseTo(2 / 3);
    expect(killRatio({ killed: 0, survived: 0, equivalent: 1 })).toBe(1);
  });

  it('has a row for each operator', () => {
    expect(tableOf('operator', results, new Set(['d']), ({ mutant }) => mutant.operator).split('\n').map((line) => line.trim().split(/\s+/))).toEqual([
      ['operator', 'killed', 'survived', 'equivalent'],
      ['drop', '1', '1', '0'],
      ['swap', '1', '0', '1'],
      ['all', '2', '1', '1'],
    ]);
  });
});
