import { REQUIREMENTS, UNDECIDED_RULES, certify, htmlPage, junitXml, runCases, textReport, type CertificationReport, type ConformanceCase } from '@ndis-chimney/conformance';
import { ManualClock } from '@ndis-chimney/core/runtime';
import { describe, expect, test } from 'vitest';

import { caseOf, failing, lacking, ofEachOutcome } from './cases.ts';
import { elements, parseXml } from './markup.ts';

const UNDECIDED = Object.keys(UNDECIDED_RULES).length;

const reportOf = async (cases: readonly ConformanceCase[], subject = 'target-tried'): Promise<CertificationReport> =>
  certify(subject, await runCases(cases, { clock: new ManualClock() }), 7);

/** Whatever a subject may throw: markup, ends of sections, control characters, half a character, more than one line. */
const hostile = (notXml: readonly string[]): string => `</failure></pre><script>alert("x")</script> ]]> & 'quoted' ${notXml.join('')} 😀\nsecond line\ttabbed`;
const HOSTILE = hostile(['\u0000', '\u001B', '\uD800', '\uFFFF']);
/** As it is after a reader has read it: what XML cannot hold is replaced. */
const READ = hostile(Array.from({ length: 4 }, () => '\uFFFD'));

describe('a report', () => {
  test('has every clause once, in the order of the requirements, with what its cases say of it', async () => {
    const { clauses } = await reportOf(ofEachOutcome);
    expect(clauses.map(({ id }) => id)).toEqual(Object.keys(REQUIREMENTS));
    const states = new Map(clauses.map(({ id, state }) => [id, state]));
    expect(['C-NDIS-INI', 'C-NDIS-SND', 'C-NDIS-TRM', 'C-NDIS-QRY', 'C-TCP-RTO'].map((id) => states.get(id))).toEqual(['passed', 'failed', 'advisory', 'untested', 'undecidable']);
    const someLacking = await reportOf([caseOf('good'), lacking('lacking', 'peer')]);
    expect(someLacking.clauses.find(({ id }) => id === 'C-NDIS-SND')?.state).toBe('partly');
    const onlyLacking = await reportOf([lacking('lacking', 'peer')]);
    expect(onlyLacking.clauses.find(({ id }) => id === 'C-NDIS-SND')?.state).toBe('skipped');
  });

  test.each<[verdict: string, cases: readonly ConformanceCase[]]>([
    ['passed', [caseOf('good'), lacking('lacking', 'peer')]],
    ['passed', [caseOf('good'), failing('new', 'x', { isAdvisory: true })]],
    ['failed', [caseOf('good'), failing('bad', 'x')]],
    ['undecided', [lacking('lacking', 'peer')]],
    ['undecided', [failing('new', 'x', { isAdvisory: true })]],
    ['undecided', []],
  ])('is %s: case %#', async (verdict, cases) => {
    expect((await reportOf(cases)).verdict).toBe(verdict);
  });

  test('keeps clauses that only a later kit knows', async () => {
    const report = await reportOf([caseOf('later', { requirement: 'C-LATER' as never })]);
    expect(report.clauses.at(-1)).toMatchObject({ id: 'C-LATER', state: 'passed' });
    expect(textReport(report)).toContain('C-LATER');
  });

  test('says of which rules it says nothing, and why', async () => {
    const { undecidedRules } = await reportOf([caseOf('good')]);
    expect(Object.fromEntries(undecidedRules.map(({ id, reason }) => [id, reason]))).toEqual(UNDECIDED_RULES);
  });

  test('says that a clause is decided in part, wherever it is shown', async () => {
    const report = await reportOf([caseOf('good'), lacking('lacking', 'peer')]);
    expect(textReport(report)).toMatch(/^ {2}C-NDIS-SND {6}partly {6}1 passed, 1 skipped {4}Send: accepted/mu);
    const cells = elements(parseXml(htmlPage(report)), 'td').filter(({ text }) => text === 'partly');
    expect(cells.map(({ attributes }) => attributes['class'])).toEqual(['partly']);
  });

  test('is plain data: JSON brings it back', async () => {
    const report = await reportOf(ofEachOutcome);
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

describe('as text', () => {
  test('it ends with the verdict, after the failures in full', async () => {
    const text = textReport(await reportOf(ofEachOutcome));
    expect(text).toMatch(/^Conformance of target-tried, seed 7\n/u);
    expect(text).toMatch(/^ {2}C-NDIS-SND {6}failed {6}1 failed, 1 skipped {4}Send: accepted/mu);
    expect(text).toMatch(/^Rules that no case decides\n {2}needs a wire: .*\n {4}CHIM-SND-014\n/mu);
    expect(text).toMatch(/Undecidable\n {2}needs a wire: .*\n {4}C-TCP-SWS\n/u);
    expect(text).toContain("Skipped\n  needs peer (the far end of a connection is at the kit's command), control");
    expect(text).toContain('Advisory: what fails nobody\n\n  new  [C-NDIS-TRM, CHIM-SND-001]');
    expect(text).toContain(
      'Failures\n\n  bad  [C-NDIS-SND, CHIM-SND-011, CHIM-SND-010]\n    Does what bad asks for\n    the order: expected [0,1], found [1,0]\n\nFAILED: ',
    );
    expect(text.split('\n').at(-1)).toBe('FAILED: 1 failed, 1 passed, 1 skipped, 1 advisory failure, in 0.000 s');
  });

  test('an error of the subject comes with its origin', async () => {
    const text = textReport(await reportOf([caseOf('bad', { run: () => Promise.reject(new TypeError('no such thing')) })]));
    expect(text).toMatch(/threw TypeError: no such thing\n {4}TypeError: no such thing\n {4} +at .*reports\.test\.ts/u);
  });
});

describe('as JUnit XML', () => {
  test('it has a suite for each clause with cases, and adds up', async () => {
    const root = parseXml(junitXml(await reportOf(ofEachOutcome)));
    expect([root.name, root.attributes]).toEqual([
      'testsuites',
      { name: 'Conformance of target-tried', tests: '4', failures: '1', errors: '0', skipped: '2', time: '0.000' },
    ]);
    const suites = elements(root, 'testsuite');
    expect(suites.map(({ attributes }) => attributes['name']?.split(' ')[0])).toEqual(['C-NDIS-INI', 'C-NDIS-TRM', 'C-NDIS-SND']);
    for (const suite of suites) {
      const count = (name: string): string => String(elements(suite, name).length);
      expect(suite.attributes).toMatchObject({ tests: count('testcase'), failures: count('failure'), skipped: count('skipped') });
    }
    expect(elements(root, 'testcase').map(({ attributes }) => attributes['classname'])).toContain('target-tried.C-NDIS-SND');
    const [failure] = elements(root, 'failure');
    expect(failure?.attributes).toEqual({ message: 'the order: expected [0,1], found [1,0]', type: 'ConformanceFailure' });
    expect(failure?.text).toBe('breaks CHIM-SND-011, CHIM-SND-010\nthe order: expected [0,1], found [1,0]');
    expect(elements(root, 'skipped').map(({ attributes }) => attributes['message'])).toEqual(['advisory, fails nobody: something new', expect.stringMatching(/^needs peer/u)]);
  });

  test('whatever is thrown arrives, and breaks nothing', async () => {
    const root = parseXml(junitXml(await reportOf([failing('bad', HOSTILE, { title: HOSTILE })], HOSTILE)));
    expect(root.attributes['name']).toBe(`Conformance of ${READ}`);
    const [failure] = elements(root, 'failure');
    expect(failure?.attributes['message']).toBe(READ);
    expect(failure?.text).toBe(`breaks CHIM-SND-001\n${READ}`);
    expect(elements(root, 'testcase')[0]?.attributes['name']).toBe(`bad: ${READ}`);
  });
});

describe('as a page', () => {
  test('it has the verdict and the failures first, then clauses, then cases', async () => {
    const root = parseXml(htmlPage(await reportOf(ofEachOutcome)));
    expect(elements(root, 'h2').map(({ text }) => text)).toEqual(['Failures (1)', 'Advisory: what fails nobody (1)', 'Requirements', `Rules that no case decides (${UNDECIDED})`, 'Skipped (1)', 'Cases']);
    expect(elements(root, 'p')[0]?.text).toBe('FAILED: 1 failed, 1 passed, 1 skipped, 1 advisory failure, in 0.000 s');
    expect(elements(root, 'article').map(({ children }) => children[0]?.text)).toEqual(['bad', 'new']);
    const [clauses] = elements(root, 'tbody');
    expect(clauses?.children).toHaveLength(Object.keys(REQUIREMENTS).length);
  });

  test('it has no empty section for what there is none of', async () => {
    const root = parseXml(htmlPage(await reportOf([caseOf('good')])));
    expect(elements(root, 'h2').map(({ text }) => text)).toEqual(['Requirements', `Rules that no case decides (${UNDECIDED})`, 'Cases']);
  });

  test('it needs nothing else, runs nothing, and says so to the browser', async () => {
    const page = htmlPage(await reportOf(ofEachOutcome));
    const root = parseXml(page);
    for (const name of ['script', 'link', 'img', 'iframe', 'object', 'form']) expect(elements(root, name)).toEqual([]);
    expect(page).not.toMatch(/url\(|@import|src=|href=/u);
    expect(elements(root, 'meta').map(({ attributes }) => attributes['content'])).toContain("default-src 'none'; style-src 'unsafe-inline'");
  });

  test('it can be read aloud: a language, one first heading, headings for every column and row, names for every section', async () => {
    const root = parseXml(htmlPage(await reportOf(ofEachOutcome)));
    expect([root.attributes['lang'], elements(root, 'h1').length, elements(root, 'main').length]).toEqual(['en', 1, 1]);
    for (const heading of elements(root, 'th')) expect(heading.attributes['scope']).toMatch(/^(col|row)$/u);
    const ids = new Set(elements(root, 'h2').map(({ attributes }) => attributes['id']));
    for (const section of elements(root, 'section')) expect(ids).toContain(section.attributes['aria-labelledby']);
    expect(elements(root, 'title')[0]?.text).toBe('Conformance of target-tried: failed');
  });

  test('its colors can be told from their ground, light and dark', async () => {
    const [style] = elements(parseXml(htmlPage(await reportOf([]))), 'style');
    const schemes = [...(style?.text ?? '').matchAll(/:root \{[^}]*--text[^}]*\}/gu)].map(([scheme]) => {
      return new Map([...scheme.matchAll(/--(\w+): (#\w{6})/gu)].map(([, name = '', color = '']) => [name, color]));
    });
    expect(schemes).toHaveLength(3);
    for (const scheme of schemes) {
      for (const name of ['text', 'faint', 'good', 'bad', 'warn']) {
        const contrasts = ['ground', 'panel'].map((ground) => contrast(scheme.get(name) ?? '', scheme.get(ground) ?? ''));
        expect(Math.min(...contrasts), `${name} in scheme ${schemes.indexOf(scheme)}`).toBeGreaterThan(4.5);
      }
    }
  });

  test('whatever is thrown arrives, and breaks nothing', async () => {
    const root = parseXml(htmlPage(await reportOf([failing('bad', HOSTILE, { title: HOSTILE, rules: [HOSTILE] }), failing('new', HOSTILE, { isAdvisory: true })], HOSTILE)));
    expect(elements(root, 'script')).toEqual([]);
    expect(elements(root, 'h1')[0]?.text).toBe(`Conformance of ${READ}`);
    expect(elements(root, 'pre').map(({ text }) => text)).toEqual([READ, READ]);
  });
});

/** Contrast of two colors, WCAG 2 section 1.4.3. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
