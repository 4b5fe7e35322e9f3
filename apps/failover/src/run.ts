import { stat } from 'node:fs/promises';

import type { Dispatcher } from '@ndis-chimney/core';
import { describeConnection } from '@ndis-chimney/host';
import { MuxDriver } from '@ndis-chimney/intermediate';
import { HOST, NDIS, TARGET, registerStack, registerTarget } from '@ndis-chimney/stack/di';
import memoryTarget from '@ndis-chimney/target-memory';
import { NDIS_STATUS_SUCCESS, formatNdisStatus, type NdisMiniport } from '@ndis-chimney/types';
import { container } from 'tsyringe';

import { UsageError, type FailoverArguments } from './arguments.ts';
import { copyFile, type CopyOutcome } from './copy-file.ts';
import { Journal } from './journal.ts';
import { MovingConnection } from './moving-connection.ts';

/** One run, as far as it is reported. */
export interface Run {
  readonly args: FailoverArguments;
  readonly outcome: CopyOutcome;
  readonly moves: number;
  readonly journal: Journal;
  readonly problems: readonly string[];
  readonly elapsedMs: number;
}

/** Builds host, mux and adapters, moves the file, pulls adapters out on the way, and says how it went. */
export async function run(args: FailoverArguments, fileBytes: number): Promise<Run> {
  const services = container.createChildContainer();
  registerTarget(services, memoryTarget, { peer: 'echo', latencyMs: args.latencyMs });
  registerStack(services);
  const ndis = services.resolve(NDIS);
  const host = services.resolve(HOST).register();
  const violations: string[] = [];
  ndis.violations$.subscribe((violation) => violations.push(violation.message));
  const names = Array.from({ length: args.adapters }, (_, index) => `nic${index}`);
  const nics = startAdapters(ndis, services.resolve(TARGET), names);
  const mux = new MuxDriver(ndis, { uppers: [{ name: 'team' }], placement: 'active-backup' }).register();
  for (const nic of nics) await bound(ndis, mux, nic);
  const team = ndis.findAdapter('team');
  if (team === null) throw new Error('the mux did not come up');
  await bound(ndis, host, team);
  const journal = new Journal(ndis, host, names);

  const connection = new MovingConnection(host, describeConnection({ local: { address: '10.0.0.1', port: 49152 }, remote: { address: '10.0.0.2', port: 7 } }));
  const failures = new Failures(ndis, journal, nics, args.failAt.map((percent) => Math.floor((fileBytes * percent) / 100)));
  const startMs = performance.now();
  const outcome = await copyFile(connection, args.file, args.chunkBytes, (acknowledged) => { failures.progress(acknowledged); });
  const elapsedMs = performance.now() - startMs;
  await failures.ended();
  await shutDown(ndis, host, nics.slice(failures.count));
  journal.stop();

  const problems = [...violations];
  if (failures.count !== args.failAt.length) problems.push(`${failures.count} of ${args.failAt.length} adapters failed`);
  if (outcome.bytesSent !== fileBytes) problems.push(`${outcome.bytesSent} of ${fileBytes} bytes were sent`);
  if (outcome.sha256Sent !== outcome.sha256Received) problems.push('what came back is not what was sent');
  for (const [what, count] of Object.entries(ndis.outstanding)) if (count !== 0) problems.push(`${count} ${what} were never given back`);
  return { args, outcome, moves: connection.moves, journal, problems, elapsedMs };
}

function startAdapters(ndis: Dispatcher, target: Parameters<Dispatcher['registerMiniportDriver']>[0], names: readonly string[]): NdisMiniport[] {
  const { status, ndisDriverHandle } = ndis.registerMiniportDriver(target);
  if (ndisDriverHandle === null) throw new Error(`driver ${target.name}: ${formatNdisStatus(status)}`);
  return names.map((name) => {
    const started = ndis.addAdapter(ndisDriverHandle, name);
    if (started.ndisMiniportHandle === null) throw new Error(`adapter ${name}: ${formatNdisStatus(started.status)}`);
    return started.ndisMiniportHandle;
  });
}

/** Binds a protocol to an adapter, and waits until that is over. */
function bound(ndis: Dispatcher, { ndisProtocolHandle }: Pick<MuxDriver, 'ndisProtocolHandle'>, adapter: NdisMiniport): Promise<void> {
  return new Promise((resolve, reject) => {
    ndis.bindAdapter(ndisProtocolHandle, adapter, (status) => {
      if (status === NDIS_STATUS_SUCCESS) resolve();
      else reject(new Error(`a bind ended with ${formatNdisStatus(status)}`));
    });
  });
}

/** Pulls adapters out, the first first, as the transfer goes on. */
class Failures {
  /** Adapters pulled so far. */
  count = 0;
  private readonly ndis: Dispatcher;
  private readonly journal: Journal;
  private readonly nics: readonly NdisMiniport[];
  private readonly atBytes: readonly number[];
  private last: Promise<void> = Promise.resolve();

  constructor(ndis: Dispatcher, journal: Journal, nics: readonly NdisMiniport[], atBytes: readonly number[]) {
    this.ndis = ndis;
    this.journal = journal;
    this.nics = nics;
    this.atBytes = atBytes;
  }

  progress(acknowledged: number): void {
    const at = this.atBytes[this.count];
    const nic = this.nics[this.count];
    if (at === undefined || nic === undefined || acknowledged < at) return;
    this.count++;
    const { name } = nic as NdisMiniport & { readonly name: string };
    this.last = this.last.then(
      () =>
        new Promise((resolve) => {
          this.journal.note(`${name} is pulled out, ${acknowledged} bytes acknowledged`);
          // Not from inside a DPC: the device is gone for the operating system, which acts at PASSIVE_LEVEL.
          setImmediate(() => {
            this.ndis.removeAdapter(nic, () => {
              this.journal.note(`${name} is gone`);
              resolve();
            });
          });
        }),
    );
  }

  /** Resolves when every adapter that was pulled is gone. */
  ended(): Promise<void> {
    return this.last;
  }
}

async function shutDown(ndis: Dispatcher, host: { dispose(): void }, nics: readonly NdisMiniport[]): Promise<void> {
  for (const nic of nics) {
    await new Promise<void>((resolve) => {
      ndis.removeAdapter(nic, resolve);
    });
  }
  host.dispose();
}

/** Bytes in a file. @throws UsageError when there is no such file. */
export async function sizeOf(file: string): Promise<number> {
  const found = await stat(file).catch(() => null);
  if (found?.isFile() !== true) throw new UsageError(`${file} is not a file`);
  return found.size;
}
