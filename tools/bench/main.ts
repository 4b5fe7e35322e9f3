// npm run bench -- [suite] [--json] [--quick]
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import Table from 'cli-table3';

import { dispatchSuite } from './dispatch.ts';
import { FULL, QUICK, measure, sampleInTurn, type Effort } from './harness.ts';
import { stateSuite } from './state.ts';
import type { Report, Suite } from './suite.ts';
import { verifierSuite } from './verifier.ts';

const suites: readonly Suite[] = [dispatchSuite, stateSuite, verifierSuite];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    // The two below are how this script calls itself.
    case: { type: 'string' },
    effort: { type: 'string' },
  },
});

if (values.case !== undefined) {
  await runCase(values.case, values.effort === 'quick');
} else {
  runSuites(positionals);
}

async function runCase(name: string, isQuick: boolean): Promise<void> {
  for (const suite of suites) {
    const make = suite.cases.get(name);
    if (make === undefined) continue;
    console.log(JSON.stringify(await measure(make, effortOf(suite, isQuick))));
    return;
  }
  throw new Error(`there is no case ${name}`);
}

function effortOf({ efforts = { full: FULL, quick: QUICK } }: Suite, isQuick: boolean): Effort {
  return isQuick ? efforts.quick : efforts.full;
}

function runSuites(names: readonly string[]): void {
  const unknown = names.filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    console.error(`no benchmark named ${unknown.join(', ')}; there are: ${suites.map((suite) => suite.name).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const chosen = suites.filter((suite) => names.length === 0 || names.includes(suite.name));
  const script = fileURLToPath(import.meta.url);
  const figures: Record<string, object> = {};
  for (const suite of chosen) {
    const effort = effortOf(suite, values.quick);
    console.error(`${suite.name}: ${suite.cases.size} cases, ${effort.rounds} rounds ...`);
    const report = suite.report(sampleInTurn(script, [...suite.cases.keys()], effort, values.quick ? 'quick' : 'full', suite.flagsOf));
    printTable(report);
    figures[suite.name] = report.figures;
  }
  if (values.json) console.log(JSON.stringify(figures));
}

function printTable({ header, rows }: Report): void {
  const table = new Table({ head: [...header], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push([...row]);
  console.log(table.toString());
}
