import { readFileSync, writeFileSync } from 'node:fs';

import { SystemClock } from '@ndis-chimney/core/runtime';

import type { ConformanceCase } from '../case.ts';
import { casesOfModule, type ModuleSubject } from '../module/module-cases.ts';
import { certify } from '../report/certification.ts';
import { htmlPage } from '../report/html-page.ts';
import { junitXml } from '../report/junit-xml.ts';
import { textReport } from '../report/text-report.ts';
import { skipReason } from '../run/case-result.ts';
import { nameOf } from '../run/define-conformance.ts';
import { runCases } from '../run/run-cases.ts';
import { ModuleError, USAGE, parseArguments, type ConformanceArguments } from './arguments.ts';
import { intermediateFactories } from './intermediates.ts';
import { loadModule } from './load-module.ts';
import { watchProcess } from './uncaught.ts';

/** Where the command writes. */
export interface CommandOutput {
  /** To standard output, a line or several. */
  readonly print: (text: string) => void;
  /** To standard error. */
  readonly complain: (text: string) => void;
}

/** Does what a command line asks for. @returns the exit code. */
export async function runCommand(argv: readonly string[], output: CommandOutput): Promise<number> {
  const { print, complain } = output;
  try {
    const args = parseArguments(argv);
    if (typeof args === 'string') {
      print(args === 'help' ? USAGE : versionOfKit());
      return 0;
    }
    const subject = await load(args);
    if (subject.cases.length === 0) throw new ModuleError(`${args.module} brings no case`);
    const cases = subject.cases.filter((found) => isAskedFor(found, args.filters));
    if (cases.length === 0) throw new ModuleError(`${args.module}: none of its ${subject.cases.length} cases is asked for by ${args.filters.map((text) => `--filter ${JSON.stringify(text)}`).join(' ')}`);
    if (args.isList) {
      print(args.isJson ? JSON.stringify(cases) : cases.map(listLine).join('\n'));
      return 0;
    }
    return await prove(subject.name, cases, args, output);
  } catch (error) {
    complain(describeError(error));
    return 2;
  }
}

async function load({ module: name, options, seed, behind, drivers }: ConformanceArguments): Promise<ModuleSubject> {
  const module = await loadModule(name);
  const intermediates = await intermediateFactories(behind);
  try {
    return await casesOfModule(module, name, {
      ...(options !== undefined && { options }),
      ...(seed !== undefined && { seed }),
      ...(drivers !== undefined && { drivers }),
      ...(intermediates.length > 0 && { intermediates }),
    });
  } catch (error) {
    // What does not fit is said in one sentence; anything else is thrown by the module's own functions.
    throw error instanceof TypeError ? new ModuleError(error.message) : error;
  }
}

async function prove(name: string, cases: readonly ConformanceCase[], { seed, isJson, junitFile, htmlFile, patienceMs }: ConformanceArguments, { print }: CommandOutput): Promise<number> {
  const run = await runCases(cases, { clock: new SystemClock(), watchUncaught: watchProcess, ...(patienceMs !== undefined && { patienceMs }) });
  const report = certify(name, run, seed ?? 1);
  print(isJson ? JSON.stringify(report) : textReport(report));
  if (junitFile !== undefined) writeFileSync(junitFile, junitXml(report));
  if (htmlFile !== undefined) writeFileSync(htmlFile, htmlPage(report));
  return report.verdict === 'passed' ? 0 : 1;
}

function isAskedFor({ id, title, rules, requirement }: ConformanceCase, filters: readonly string[]): boolean {
  return filters.length === 0 || filters.some((text) => [id, title, requirement, ...rules].some((part) => part.toLowerCase().includes(text.toLowerCase())));
}

function listLine(found: ConformanceCase): string {
  const notes = [...(found.isAdvisory ? ['advisory'] : []), ...(found.missing.length > 0 ? [`skipped: ${skipReason(found.missing)}`] : [])];
  const name = `${found.requirement}  ${nameOf(found)}`;
  return notes.length === 0 ? name : `${name} [${notes.join('; ')}]`;
}

function versionOfKit(): string {
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { readonly version: string }).version;
}

/** An error of the command line with the usage, one of a module as a sentence, any other with its origin. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'UsageError') return `${error.message}\n\n${USAGE}`;
  return error.name === 'ModuleError' ? error.message : (error.stack ?? error.message);
}
