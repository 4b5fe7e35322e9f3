import type { Outstanding } from './outstanding.ts';

/** Hops of one thing that are printed, the newest. */
const PRINTED_HOPS = 8;

/**
 * A report in the manner of `!ndiskd.pendingnbls`: what is outstanding, whose it is, who has it and for how long, the
 * oldest first; with the history of each at the levels that keep it.
 * @returns an empty text when nothing is outstanding.
 */
export function formatOutstanding(outstanding: readonly Outstanding[]): string {
  if (outstanding.length === 0) return '';
  const rows = outstanding.map(({ what, about, owner, holder, ageMs, lastHop }) => [what, about, owner, holder, `${ageMs.toFixed(3)} ms`, lastHop]);
  const header = ['pending', 'about', 'belongs to', 'is with', 'for', 'last hop'];
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd();
  const lines = [line(header)];
  outstanding.forEach(({ hops }, at) => {
    lines.push(line(rows[at] ?? []));
    for (const { atMs, edge, crossing, stack } of hops.slice(-PRINTED_HOPS)) {
      lines.push(`    ${atMs.toFixed(3)} ms  ${crossing.call} -> ${crossing.entry}  (${edge.name})`);
      if (stack !== null) lines.push(...stack.split('\n').map((frame) => `      ${frame.trim()}`));
    }
  });
  return lines.join('\n');
}
