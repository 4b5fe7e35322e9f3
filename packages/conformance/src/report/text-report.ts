import type { CaseCounts, CaseResult } from '../run/case-result.ts';
import { resultsOf, verdictLine, type CertificationReport, type ClauseReport } from './certification.ts';

/** The report for a terminal: clauses, what was skipped and why, failures in full, the verdict last. */
export function textReport(report: CertificationReport): string {
  const { subject, seed, clauses, undecidedRules } = report;
  const sections = [seed === '' ? `Conformance of ${subject}` : `Conformance of ${subject}, seed ${seed}`];
  for (const [source, members] of bySource(clauses)) sections.push([source, ...clauseLines(members)].join('\n'));
  const undecidable = byReason(clauses.filter(({ state }) => state === 'undecidable'), (clause) => clause.undecidable);
  if (undecidable.length > 0) sections.push(['Undecidable', ...undecidable].join('\n'));
  if (undecidedRules.length > 0) sections.push(['Rules that no case decides', ...byReason(undecidedRules, ({ reason }) => reason)].join('\n'));
  const skipped = byReason(resultsOf(report, 'skipped'), (result) => result.problem);
  if (skipped.length > 0) sections.push(['Skipped', ...skipped].join('\n'));
  const advisory = resultsOf(report, 'advisory');
  if (advisory.length > 0) sections.push(['Advisory: what fails nobody', ...advisory.map(failureText)].join('\n\n'));
  const failures = resultsOf(report, 'failed');
  if (failures.length > 0) sections.push(['Failures', ...failures.map(failureText)].join('\n\n'));
  sections.push(verdictLine(report));
  return sections.join('\n\n');
}

function bySource(clauses: readonly ClauseReport[]): Map<string, ClauseReport[]> {
  const groups = new Map<string, ClauseReport[]>();
  for (const clause of clauses) groups.set(clause.source, [...(groups.get(clause.source) ?? []), clause]);
  return groups;
}

function clauseLines(clauses: readonly ClauseReport[]): string[] {
  return clauses.map(({ id, state, counts, clause }) => `  ${id.padEnd(15)} ${state.padEnd(11)} ${countsText(counts).padEnd(22)} ${clause}`);
}

function countsText(counts: CaseCounts): string {
  const parts: string[] = [];
  for (const outcome of ['failed', 'advisory', 'passed', 'skipped'] as const) if (counts[outcome] > 0) parts.push(`${counts[outcome]} ${outcome}`);
  return parts.join(', ');
}

/** What shares a reason under it. */
function byReason<T extends { readonly id: string }>(members: readonly T[], reasonOf: (member: T) => string): string[] {
  const groups = new Map<string, string[]>();
  for (const member of members) groups.set(reasonOf(member), [...(groups.get(reasonOf(member)) ?? []), member.id]);
  return [...groups].map(([reason, ids]) => `  ${reason}:\n${ids.map((id) => `    ${id}`).join('\n')}`);
}

function failureText({ id, title, requirement, rules, problem, stack }: CaseResult): string {
  const lines = [`  ${id}  [${[requirement, ...rules].join(', ')}]`, `    ${title}`, indent(problem)];
  if (stack !== '') lines.push(indent(stack));
  return lines.join('\n');
}

function indent(text: string): string {
  return text.split('\n').map((line) => `    ${line}`).join('\n');
}
