import type { CaseResult } from '../run/case-result.ts';
import { secondsOf, type CertificationReport, type ClauseReport } from './certification.ts';
import { escapeAttribute, escapeMarkup } from './markup.ts';

/**
 * The report as JUnit XML, which build servers read: a suite for each clause that has cases. A failed advisory case is
 * written as skipped, with what it says, because there is no other way for it to fail nobody.
 */
export function junitXml(report: CertificationReport): string {
  const suites = report.clauses.filter(({ results }) => results.length > 0);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${escapeAttribute(`Conformance of ${report.subject}`)}" ${tallies(report)} time="${secondsOf(report.durationMs)}">`,
    ...suites.map((clause) => suiteXml(clause, report)),
    '</testsuites>',
    '',
  ].join('\n');
}

function tallies({ counts }: Pick<ClauseReport, 'counts'>): string {
  const { passed, failed, advisory, skipped } = counts;
  return `tests="${passed + failed + advisory + skipped}" failures="${failed}" errors="0" skipped="${skipped + advisory}"`;
}

function suiteXml(clause: ClauseReport, { subject, seed }: CertificationReport): string {
  const { id, results } = clause;
  let durationMs = 0;
  for (const result of results) durationMs += result.durationMs;
  return [
    `  <testsuite name="${escapeAttribute(`${id} ${clause.clause}`)}" ${tallies(clause)} time="${secondsOf(durationMs)}">`,
    '    <properties>',
    `      <property name="requirement" value="${escapeAttribute(clause.source)}"/>`,
    `      <property name="seed" value="${escapeAttribute(String(seed))}"/>`,
    '    </properties>',
    ...results.map((result) => caseXml(result, `${subject}.${id}`)),
    '  </testsuite>',
  ].join('\n');
}

function caseXml(result: CaseResult, className: string): string {
  const { id, title, rules, durationMs, outcome } = result;
  const head = `    <testcase name="${escapeAttribute(`${id}: ${title}`)}" classname="${escapeAttribute(className)}" time="${secondsOf(durationMs)}">`;
  const properties = rules.map((rule) => `        <property name="rule" value="${escapeAttribute(rule)}"/>`);
  const lines = [head];
  if (properties.length > 0) lines.push('      <properties>', ...properties, '      </properties>');
  if (outcome !== 'passed') lines.push(`      ${outcomeXml(result)}`);
  lines.push('    </testcase>');
  return lines.join('\n');
}

function outcomeXml({ outcome, problem, stack, rules }: CaseResult): string {
  const message = escapeAttribute(problem);
  if (outcome === 'skipped') return `<skipped message="${message}"/>`;
  if (outcome === 'advisory') return `<skipped message="${escapeAttribute('advisory, fails nobody: ')}${message}"/>`;
  const detail = [`breaks ${rules.join(', ')}`, problem, stack].filter((part) => part !== '').join('\n');
  return `<failure message="${message}" type="ConformanceFailure">${escapeMarkup(detail)}</failure>`;
}
