import type { CaseResult } from '../run/case-result.ts';
import { resultsOf, secondsOf, verdictLine, type CertificationReport, type ClauseReport, type UndecidedRule } from './certification.ts';
import { STYLE } from './html-style.ts';
import { escapeMarkup } from './markup.ts';

/**
 * The report as one page that needs nothing else: no script, no image, no font. Failures come first. It is well-formed
 * XML as well, so that a strict parser can check it.
 */
export function htmlPage(report: CertificationReport): string {
  const { subject, seed, verdict } = report;
  const title = escapeMarkup(`Conformance of ${subject}`);
  const body = [
    `<header><h1>${title}</h1>`,
    `<p class="verdict ${verdict}">${escapeMarkup(verdictLine(report))}</p>`,
    seed === '' ? '' : `<p>Seed ${escapeMarkup(String(seed))}</p>`,
    '</header><main>',
    failureSection('failures', 'Failures', resultsOf(report, 'failed')),
    failureSection('advisory', 'Advisory: what fails nobody', resultsOf(report, 'advisory')),
    clauseTable(report.clauses),
    undecidedSection(report.undecidedRules),
    skippedSection(resultsOf(report, 'skipped')),
    casesSection(report.clauses),
    '</main>',
  ];
  return `<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="color-scheme" content="light dark"/>
<title>${title}: ${verdict}</title>
<style>${STYLE}</style>
</head>
<body>
${body.filter((part) => part !== '').join('\n')}
</body>
</html>
`;
}

function failureSection(id: string, heading: string, results: readonly CaseResult[]): string {
  if (results.length === 0) return '';
  return `<section aria-labelledby="${id}"><h2 id="${id}">${heading} (${results.length})</h2>\n${results.map(failure).join('\n')}</section>`;
}

function failure({ id, title, requirement, rules, problem, stack, outcome }: CaseResult): string {
  const where = stack === '' ? '' : `<details><summary>Where it was thrown</summary><pre>${escapeMarkup(stack)}</pre></details>`;
  return [
    `<article class="${outcome}"><h3>${escapeMarkup(id)}</h3>`,
    `<p>${escapeMarkup(title)}</p>`,
    `<pre>${escapeMarkup(problem)}</pre>`,
    `<p class="rules">${escapeMarkup([requirement, ...rules].join(', '))}</p>${where}</article>`,
  ].join('\n');
}

function clauseTable(clauses: readonly ClauseReport[]): string {
  return `<section aria-labelledby="clauses"><h2 id="clauses">Requirements</h2>
<table><thead><tr><th scope="col">Clause</th><th scope="col">Says</th><th scope="col">State</th>${COUNT_HEADS}</tr></thead>
<tbody>${clauses.map(clauseRow).join('\n')}</tbody></table></section>`;
}

const OUTCOMES = ['failed', 'advisory', 'passed', 'skipped'] as const;
const COUNT_HEADS = OUTCOMES.map((outcome) => `<th scope="col" class="count">${outcome}</th>`).join('');

function clauseRow({ id, source, clause, state, undecidable, counts }: ClauseReport): string {
  const why = undecidable === '' ? '' : `<br/><small>${escapeMarkup(undecidable)}</small>`;
  const cells = OUTCOMES.map((outcome) => `<td class="count">${counts[outcome] === 0 ? '' : counts[outcome]}</td>`).join('');
  return `<tr><th scope="row">${escapeMarkup(id)}<br/><small>${escapeMarkup(source)}</small></th><td>${escapeMarkup(clause)}${why}</td><td class="${state}">${state}</td>${cells}</tr>`;
}

function undecidedSection(rules: readonly UndecidedRule[]): string {
  if (rules.length === 0) return '';
  const items = rules.map(({ id, reason }) => `<li><code>${escapeMarkup(id)}</code> ${escapeMarkup(reason)}</li>`);
  return `<section aria-labelledby="undecided"><h2 id="undecided">Rules that no case decides (${rules.length})</h2><ul>\n${items.join('\n')}</ul></section>`;
}

function skippedSection(results: readonly CaseResult[]): string {
  if (results.length === 0) return '';
  const items = results.map(({ id, problem }) => `<li><code>${escapeMarkup(id)}</code> ${escapeMarkup(problem)}</li>`);
  return `<section aria-labelledby="skipped"><h2 id="skipped">Skipped (${results.length})</h2><ul>\n${items.join('\n')}</ul></section>`;
}

function casesSection(clauses: readonly ClauseReport[]): string {
  const groups = clauses.filter(({ results }) => results.length > 0).map(({ id, clause, results }) => {
    const rows = results.map(({ id: caseId, title, rules, outcome, durationMs }) => {
      return `<tr><th scope="row">${escapeMarkup(caseId)}</th><td>${escapeMarkup(title)}<br/><small>${escapeMarkup(rules.join(', '))}</small></td><td class="${outcome}">${outcome}</td><td class="count">${secondsOf(durationMs)}</td></tr>`;
    });
    return `<table><caption>${escapeMarkup(`${id} ${clause}`)}</caption><thead><tr><th scope="col">Case</th><th scope="col">Says</th><th scope="col">Outcome</th><th scope="col" class="count">s</th></tr></thead>
<tbody>${rows.join('\n')}</tbody></table>`;
  });
  return `<section aria-labelledby="cases"><h2 id="cases">Cases</h2>\n${groups.join('\n')}</section>`;
}
