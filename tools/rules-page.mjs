// Makes docs/reference/rules.md from the registry of the verifier: node tools/rules-page.mjs, after a build.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isMain, repositoryRoot } from './workspace.mjs';

/**
 * @typedef {object} Rule what the page says of a rule; see `Rule` of the verifier
 * @property {string} id
 * @property {readonly string[]} actors
 * @property {string} severity
 * @property {string} page
 * @property {string} holds
 * @property {string} why
 * @property {string} cause
 * @property {string} example
 * @property {readonly string[]} observed
 * @property {string} decidedBy
 * @property {string} [missing]
 */

/** What the groups are about, in the order of the page. @type {Readonly<Record<string, string>>} */
const GROUPS = {
  LIF: 'Life cycle of drivers, adapters and bindings',
  CAP: 'Registration, capabilities, statistics',
  INI: 'Initiate',
  QRY: 'Query',
  UPD: 'Update',
  INV: 'Invalidate',
  TRM: 'Terminate, upload-all, pause, resume',
  SND: 'Send',
  RCV: 'Receive requests',
  RXI: 'Receive indications',
  RET: 'Receive return',
  FWD: 'Forward',
  DSC: 'Disconnect',
  EVT: 'Events and unusual input',
  IM: 'Intermediate drivers',
  NBL: 'NET_BUFFER_LISTs and who owns them',
  BLK: 'Block lists',
  ST: 'Life of objects, and the stream as a whole',
  TMR: 'Timers',
  TS: 'Timestamps',
  VLAN: 'VLAN and priority',
  PWR: 'Power',
};

/** @type {Readonly<Record<string, string>>} */
const DECIDED_BY = { ndis: 'NDIS', verifier: 'verifier', nobody: 'nobody yet' };

/** The group in a rule's id. @param {string} id */
const groupOf = (id) => id.split('-')[1] ?? '';

/**
 * The whole page.
 * @param {readonly Rule[]} rules
 * @returns {string}
 * @throws {Error} for a rule of no known group
 */
export function rulesPage(rules) {
  const strange = rules.find(({ id }) => GROUPS[groupOf(id)] === undefined);
  if (strange !== undefined) throw new Error(`${strange.id} is of no group that tools/rules-page.mjs knows`);
  const count = (/** @type {string} */ who) => rules.filter(({ decidedBy }) => decidedBy === who).length;
  const head = [
    '# Rules',
    '',
    'Every rule of the chimney contract: what holds, why, how to find the cause when it does not, and an example. Ids are',
    'stable; a violation carries one. This page is made by `node tools/rules-page.mjs` from the registry of',
    '`@ndis-chimney/verifier` (`RULES`).',
    '',
    `Of ${rules.length} rules NDIS itself decides ${count('ndis')}, always: each costs next to nothing, the call that breaks one throws, and nothing`,
    `has happened. The verifier decides ${count('verifier')}, while it is attached. ${count('nobody')} cannot be observed yet, each for the reason given.`,
    'Severity: an *error* violates an obligation, or loses, doubles or leaks something; a *warning* violates a',
    'recommendation; *advice* is a hint, and is no violation.',
    '',
  ];
  const groups = Object.entries(GROUPS).flatMap(([group, title]) => {
    const members = rules.filter(({ id }) => groupOf(id) === group);
    return members.length === 0 ? [] : groupText(group, title, members);
  });
  return `${[...head, ...groups].join('\n').trimEnd()}\n`;
}

/**
 * @param {string} group
 * @param {string} title
 * @param {readonly Rule[]} rules
 */
function groupText(group, title, rules) {
  const rows = rules.map(
    ({ id, actors, severity, holds, decidedBy }) => `| [\`${id}\`](#${id.toLowerCase()}) | ${actors.join(', ')} | ${severity} | ${cell(holds)} | ${DECIDED_BY[decidedBy]} |`,
  );
  return [
    `## ${group}: ${title}`,
    '',
    '| rule | whose | severity | what holds | decided by |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    '',
    ...rules.flatMap(ruleText),
  ];
}

/** @param {Rule} rule */
function ruleText({ id, holds, why, cause, example, page, observed, decidedBy, missing }) {
  const decided = decidedBy === 'nobody' ? `Not observable yet: ${missing}` : `Decided by ${decidedBy === 'ndis' ? 'NDIS, always' : 'the verifier'}, from: ${observed.join(', ')}.`;
  return [`### ${id}`, '', `${holds} ${why}`, '', `*Cause.* ${cause}`, '', `*Example.* ${example}`, '', `${decided} Source: \`${page}\`.`, ''];
}

/** Text for a table's cell. @param {string} text */
const cell = (text) => text.replaceAll('|', String.raw`\|`);

if (isMain(import.meta.url)) {
  /** @type {{ RULES: readonly Rule[] }} */
  const { RULES } = await import(new URL('../packages/verifier/dist/index.js', import.meta.url).href);
  const file = join(repositoryRoot, 'docs/reference/rules.md');
  writeFileSync(file, rulesPage(RULES));
  console.log(`${RULES.length} rules written to docs/reference/rules.md`);
}
