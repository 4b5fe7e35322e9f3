import { relative } from 'node:path';

import Table from 'cli-table3';

import type { Run } from './run.ts';

/** The object that `--json` prints. */
export function jsonOf({ outcome, moves, journal, problems, elapsedMs }: Run): object {
  return {
    bytes: outcome.bytesSent,
    bytesReceived: outcome.bytesReceived,
    sha256Sent: outcome.sha256Sent,
    sha256Received: outcome.sha256Received,
    moves,
    adapters: Object.fromEntries(journal.adapters),
    timeline: journal.entries,
    elapsedMs,
    problems,
  };
}

/** What a person gets to read. */
export function textOf({ args, outcome, moves, journal, problems, elapsedMs }: Run): string {
  const path = relative('.', args.file);
  const timeline = journal.entries.map(({ atMs, what }) => `${atMs.toFixed(1).padStart(9)} ms  ${what}`);
  return [
    `Timeline:\n\n${timeline.join('\n')}`,
    `What went through each adapter:\n\n${adapterTable(journal)}`,
    [
      `sent      ${outcome.bytesSent} bytes of ${path.startsWith('..') ? args.file : path} in ${elapsedMs.toFixed(0)} ms, through ${moves + 1} adapters`,
      `sha256    ${outcome.sha256Sent}`,
      `received  ${outcome.bytesReceived} bytes`,
      `sha256    ${outcome.sha256Received}`,
    ].join('\n'),
    problems.length === 0 ? 'Nothing was lost.' : `Something went wrong:\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
  ].join('\n\n');
}

function adapterTable({ adapters }: Run['journal']): string {
  const table = new Table({ head: ['adapter', 'initiates', 'terminates', 'sends', 'bytes sent', 'bytes inherited', 'receives'], style: { head: [], border: [], compact: true } });
  for (const [name, { initiates, terminates, sendCalls, bytesSent, bytesInherited, receivesCompleted }] of adapters) {
    table.push([name, initiates, terminates, sendCalls, bytesSent, bytesInherited, receivesCompleted]);
  }
  return table.toString();
}
