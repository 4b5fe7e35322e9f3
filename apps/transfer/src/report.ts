import { relative } from 'node:path';

import Table from 'cli-table3';

import type { TransferArguments } from './arguments.ts';
import type { EdgeMeter, Meter } from './meter.ts';
import type { TransferOutcome } from './transfer.ts';

/** One run, as far as it is reported. */
export interface Run {
  readonly args: TransferArguments;
  readonly target: string;
  readonly outcome: TransferOutcome;
  readonly problems: readonly string[];
  readonly meter: Meter;
  readonly elapsedMs: number;
}

/** The object that `--json` prints. */
export function jsonOf({ args, target, outcome, problems, meter, elapsedMs }: Run): object {
  const completions = meter.atHost('up', 'TcpOffloadSend');
  return {
    bytes: outcome.bytesSent,
    bytesReceived: outcome.bytesReceived,
    sha256Sent: outcome.sha256Sent,
    sha256Received: outcome.sha256Received,
    target,
    intermediates: args.intermediates,
    chunkBytes: args.chunkBytes,
    sendCalls: meter.atHost('down', 'TcpOffloadSend').calls,
    sendCompletionCalls: completions.calls,
    nblsCompleted: completions.items,
    elapsedMs,
    problems,
  };
}

/** What a person gets to read. */
export function textOf(run: Run): string {
  const { args, target, outcome, problems, meter, elapsedMs } = run;
  const mibPerSecond = outcome.bytesSent / 1024 / 1024 / (elapsedMs / 1000);
  const sections = [
    `The first send, host to ${target} and back:\n\n${meter.firstSend.join('\n')}`,
    `What crossed each edge, from the host down (calls / NBLs or blocks):\n\n${edgeTable([...meter.edges.values()])}`,
    [
      `sent      ${outcome.bytesSent} bytes of ${shortPath(args.file)} in ${elapsedMs.toFixed(0)} ms, ${mibPerSecond.toFixed(1)} MiB/s each way`,
      `sha256    ${outcome.sha256Sent}`,
      `received  ${outcome.bytesReceived} bytes`,
      `sha256    ${outcome.sha256Received}`,
    ].join('\n'),
    problems.length === 0 ? 'Nothing was lost.' : `Something went wrong:\n${problems.map((problem) => `- ${problem}`).join('\n')}`,
  ];
  return sections.join('\n\n');
}

/** A path as one would type it here. */
function shortPath(path: string): string {
  const short = relative('.', path);
  return short.startsWith('..') ? path : short;
}

const COLUMNS = [
  ['send', 'TcpOffloadSend'],
  ['receive', 'TcpOffloadReceive'],
  ['indicate', 'TcpOffloadReceiveIndicate'],
  ['return', 'TcpOffloadReceiveReturn'],
  ['disconnect', 'TcpOffloadDisconnect'],
  ['event', 'TcpOffloadEvent'],
  ['initiate', 'InitiateOffload'],
  ['terminate', 'TerminateOffload'],
] as const;

function edgeTable(edges: readonly EdgeMeter[]): string {
  const table = new Table({ head: ['edge to', '', ...COLUMNS.map(([title]) => title)], style: { head: [], border: [], compact: true } });
  for (const { adapterName, tallies } of edges) {
    for (const direction of ['down', 'up'] as const) {
      const cells = COLUMNS.map(([, operation]) => {
        const tally = tallies.get(`${direction} ${operation}`);
        return tally === undefined ? '' : `${tally.calls} / ${tally.items}`;
      });
      table.push([direction === 'down' ? adapterName : '', direction, ...cells]);
    }
  }
  return table.toString();
}
