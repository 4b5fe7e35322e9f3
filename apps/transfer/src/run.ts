import { stat } from 'node:fs/promises';

import { registerIntermediates, registerStack, registerTarget, STACK } from '@ndis-chimney/stack/di';
import { describeConnection } from '@ndis-chimney/host';
import { formatNdisStatus } from '@ndis-chimney/types';
import { container } from 'tsyringe';

import { UsageError, type TransferArguments } from './arguments.ts';
import { echoOptions, loadTarget } from './load-target.ts';
import { Meter } from './meter.ts';
import type { Run } from './report.ts';
import { transferFile, type ProgressListener, type TransferOutcome } from './transfer.ts';

/** Builds the stack, moves the file, takes the stack down, and says how it went. */
export async function run(args: TransferArguments, fileBytes: number, onProgress: ProgressListener): Promise<Run> {
  const plugin = await loadTarget(args.target);
  const services = container.createChildContainer();
  registerTarget(services, plugin, echoOptions(plugin));
  registerIntermediates(services, args.intermediates);
  registerStack(services);
  const stack = await services.resolve(STACK);
  const violations: string[] = [];
  stack.ndis.violations$.subscribe((violation) => violations.push(violation.message));
  const meter = new Meter(stack.ndis, stack.host.adapterNames[0] ?? '');

  let outcome: TransferOutcome;
  let elapsedMs: number;
  try {
    const state = describeConnection({ local: { address: '10.0.0.1', port: 49152 }, remote: { address: '10.0.0.2', port: 7 } });
    const { status, connection } = await stack.offload(state);
    if (connection === null) throw new Error(`target ${plugin.name} refused the connection: ${formatNdisStatus(status)}`);
    const startMs = performance.now();
    outcome = await transferFile(connection, args.file, args.chunkBytes, onProgress);
    elapsedMs = performance.now() - startMs;
  } finally {
    await stack.close();
    meter.stop();
  }

  const problems = [...outcome.problems, ...violations];
  if (outcome.bytesSent !== fileBytes) problems.push(`${outcome.bytesSent} of ${fileBytes} bytes were sent`);
  if (outcome.sha256Sent !== outcome.sha256Received) problems.push('what came back is not what was sent');
  const left = Object.entries(stack.ndis.outstanding).filter(([, count]) => count !== 0);
  for (const [what, count] of left) problems.push(`${count} ${what} were never given back`);
  return { args, target: plugin.name, outcome, problems, meter, elapsedMs };
}

/** Bytes in a file. @throws UsageError when there is no such file. */
export async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile() !== true) throw new UsageError(`${file} is not a file`);
  return found.size;
}
