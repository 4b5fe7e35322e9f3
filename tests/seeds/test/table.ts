import type { Group } from './group.ts';
import type { Mutant } from './mutant.ts';

/** How many sentences each seed page has. */
const SENTENCES = { S1: 20, S2: 18, S3: 15, S4: 16 };

/** Every row id there must be, in order. */
export const SEED_IDS: readonly string[] = Object.entries(SENTENCES).flatMap(([page, count]) =>
  Array.from({ length: count }, (_, at) => `${page}.${at + 1}`),
);

interface Row {
  readonly id: string;
  readonly says: string;
  readonly bound: string;
  readonly testedBy: string;
}

/** Reads a file by its path from the table. @returns null when there is none. */
type ReadFile = (path: string) => string | null;

/** What is wrong with the table of seeds; nothing when it says of every sentence who tests it, or why nobody does. */
export function problemsOf(markdown: string, groups: readonly Group[], mutants: readonly Mutant[], readFile: ReadFile): string[] {
  const lines = markdown.split('\n');
  const rows = lines.flatMap(rowOf);
  const byGroup = new Map<string, string[]>(groups.map(({ id }) => [id, []]));
  return [
    ...idProblems(rows),
    ...rows.flatMap((row) => rowProblems(row, byGroup, readFile)),
    ...groups.flatMap((group) => groupProblems(group, byGroup.get(group.id) ?? [])),
    ...groups.flatMap((group) => (lines.includes(groupLine(group, mutants)) ? [] : [`${group.id}: the line of the group should be: ${groupLine(group, mutants)}`])),
  ];
}

function rowOf(line: string): Row[] {
  const [, id = '', says = '', bound = '', testedBy = ''] = line.split('|').map((cell) => cell.trim());
  return /^S\d+\.\d+$/.test(id) ? [{ id, says, bound, testedBy }] : [];
}

function idProblems(rows: readonly Row[]): string[] {
  const ids = rows.map(({ id }) => id);
  const missing = SEED_IDS.filter((id) => !ids.includes(id)).map((id) => `${id}: there is no row`);
  const wrong = ids.filter((id, at) => !SEED_IDS.includes(id) || ids.indexOf(id) !== at).map((id) => `${id}: there is no such sentence, or two rows of it`);
  return [...missing, ...wrong];
}

function rowProblems({ id, says, bound, testedBy }: Row, byGroup: ReadonlyMap<string, string[]>, readFile: ReadFile): string[] {
  const problems = says === '' || bound === '' ? [`${id}: a cell is empty`] : [];
  const link = /^\[([A-Z-]+)\]\((\S+)\)$/.exec(testedBy);
  if (link === null) return /^No test: .+/.test(testedBy) ? problems : [...problems, `${id}: neither a group nor a reason`];
  const [, group = '', path = ''] = link;
  const rows = byGroup.get(group);
  if (rows === undefined) return [...problems, `${id}: there is no group ${group}`];
  rows.push(id);
  return readFile(path)?.includes(`id: '${group}'`) === true ? problems : [...problems, `${id}: ${group} is not in ${path}`];
}

function groupProblems({ id, seeds }: Group, rows: readonly string[]): string[] {
  if (rows.length === 0) return [`${id}: no row names the group`];
  return rows.join() === seeds.join() ? [] : [`${id}: it tests ${seeds.join(', ')}, the table says ${rows.join(', ')}`];
}

/** The line of a group in the second table. */
function groupLine({ id, rules, says }: Group, mutants: readonly Mutant[]): string {
  const noticed = mutants.filter(({ group }) => group === id).map(({ party, does }) => `${party} that ${does}`);
  return `| ${id} | ${rules.join(', ')} | ${says} | ${noticed.join('; ')} |`;
}
