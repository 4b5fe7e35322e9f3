import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime, SeededRandom } from '@ndis-chimney/core/runtime';
import { ChimneyHost } from '@ndis-chimney/host';
import { PassThroughDriver, type PassThroughOptions } from '@ndis-chimney/intermediate';
import { present } from '@ndis-chimney/kit';
import { createMemoryTarget, type MemoryTarget, type MemoryTargetOptions } from '@ndis-chimney/target-memory';
import { isChimneyViolation, type MiniportDriver, type NdisMiniport, type NdisMiniportDriverHandle } from '@ndis-chimney/types';
import { attachVerifier, formatOutstanding, type Verifier } from '@ndis-chimney/verifier';

import { ObjectLedger, type TransitionCounts } from './object-ledger.ts';
import { WatchedTarget, type RefusalRates, type WatchedTargetSettings } from './watched-target.ts';

/** What a walk is done on. */
export interface WorldOptions {
  readonly seed: number;
  readonly intermediates: number;
  readonly adapters: number;
  /** Limits of every intermediate driver. */
  readonly limits: Pick<PassThroughOptions, 'callEntries' | 'netBufferListContexts' | 'offloadEntries'>;
  readonly target: MemoryTargetOptions;
  readonly refusals: RefusalRates;
  /** Optional upload requests are obeyed. */
  readonly obeys: boolean;
}

/** What the target keeps per adapter. */
type AdapterContext = Parameters<MemoryTarget['miniportRestart']>[0];

/** What a world is made of that is not as it should be. */
export interface Mutant {
  /** An intermediate driver in place of the first. */
  readonly intermediate?: (ndis: Ndis, options: PassThroughOptions) => PassThroughDriver;
  readonly target?: (inner: MiniportDriver<AdapterContext>, settings: WatchedTargetSettings) => WatchedTarget<AdapterContext>;
  /** Changes the host. */
  readonly host?: (host: ChimneyHost) => void;
}

/** Where an adapter stands. */
type AdapterPhase = 'running' | 'pausing' | 'paused' | 'removing' | 'gone';

/** One adapter of the target, with what is bound on it. */
export interface WorldAdapter {
  readonly name: string;
  /** The adapter that the host is bound to. */
  readonly topName: string;
  phase: AdapterPhase;
  miniport: NdisMiniport | null;
}

/** Turns after which what awaits a promise of a promise has gone on. */
const TURNS = 12;

const MOST_PASSES = 5000;

const MOST_FAULTS = 100;

/** What follows when hardware fails is only indicated here: the target below goes on, and completes as if nothing were. */
const FEIGNED = ['CHIM-EVT-009', 'CHIM-QRY-004', 'CHIM-INV-005', 'CHIM-TRM-015'];

/** Host, intermediate drivers and target on a runtime that stands still until it is told to go on. */
export class WalkWorld {
  readonly runtime: DeterministicRuntime;
  readonly random: SeededRandom;
  readonly ndis: Ndis;
  readonly ledger: ObjectLedger;
  readonly memory: MemoryTarget;
  readonly target: WatchedTarget<AdapterContext>;
  readonly host: ChimneyHost;
  readonly adapters: readonly WorldAdapter[];
  /** Whatever was seen that should not be. */
  readonly faults: string[] = [];
  /** Called after each pass of DPCs, when what awaited their outcome has run. */
  onPass: () => void = () => undefined;
  /** What pools have given out, when somebody observes. */
  private readonly pooled = new Map<string, number>();
  private readonly verifier: Verifier | null = null;
  private readonly drivers: readonly PassThroughDriver[];
  private readonly targetHandle: NdisMiniportDriverHandle;

  constructor(options: WorldOptions, counts: TransitionCounts, mutant: Mutant = {}) {
    const { seed, limits } = options;
    this.runtime = new DeterministicRuntime(seed);
    this.random = new SeededRandom(seed);
    const { clock, dpcQueue, random } = this.runtime;
    this.ndis = new Ndis({ clock, dpcQueue, random });
    this.ndis.onViolationReported(({ message }) => this.faults.push(message));
    dpcQueue.onError((error) => {
      if (!isChimneyViolation(error)) this.faults.push(String(error));
    });
    // Every other world is observed and verified: the two ways through the code are to come to the same.
    if (seed % 2 === 1) {
      this.verifier = attachVerifier(this.ndis, { except: FEIGNED });
      this.ndis.attachObserver({
        allocated: (kind) => this.pooled.set(kind, (this.pooled.get(kind) ?? 0) + 1),
        freed: (kind) => this.pooled.set(kind, (this.pooled.get(kind) ?? 0) - 1),
      });
    }
    this.ledger = new ObjectLedger(counts);
    this.memory = createMemoryTarget({ clock, dpcQueue, random: random.fork('target'), pools: this.ndis }, options.target);
    const settings = { random: this.random.fork('refusals'), dpcQueue, ledger: this.ledger, refusals: options.refusals };
    this.target = mutant.target?.(this.memory, settings) ?? new WatchedTarget(this.memory, settings);
    this.targetHandle = present(this.ndis.registerMiniportDriver(this.target).ndisDriverHandle);
    this.drivers = Array.from({ length: options.intermediates }, (_, at) => {
      const driverOptions = { ...limits, name: `im${at + 1}` };
      const make = at === 0 ? mutant.intermediate : undefined;
      return (make?.(this.ndis, driverOptions) ?? new PassThroughDriver(this.ndis, driverOptions)).register();
    });
    this.host = new ChimneyHost(this.ndis, { uploadPolicy: () => options.obeys }).register();
    mutant.host?.(this.host);
    this.adapters = Array.from({ length: options.adapters }, (_, at) => {
      const name = `nic${at}`;
      return { name, topName: this.drivers.reduce((lower, driver) => driver.virtualNameOf(lower), name), phase: 'gone', miniport: null };
    });
  }

  // --- adapters ---

  async start(adapter: WorldAdapter): Promise<void> {
    const { ndisMiniportHandle } = this.ndis.addAdapter(this.targetHandle, adapter.name);
    adapter.miniport = present(ndisMiniportHandle);
    adapter.phase = 'running';
    await this.settle();
    let lower = adapter.name;
    for (const driver of [...this.drivers, this.host]) {
      this.ndis.bindAdapter(driver.ndisProtocolHandle, present(this.ndis.findAdapter(lower)));
      await this.settle();
      if (driver instanceof PassThroughDriver) lower = driver.virtualNameOf(lower);
    }
  }

  pause(adapter: WorldAdapter): void {
    if (adapter.phase !== 'running') return;
    adapter.phase = 'pausing';
    this.ndis.pauseAdapter(present(adapter.miniport), () => {
      if (adapter.phase === 'pausing') adapter.phase = 'paused';
    });
  }

  restart(adapter: WorldAdapter): void {
    if (adapter.phase !== 'paused') return;
    adapter.phase = 'running';
    this.ndis.restartAdapter(present(adapter.miniport));
  }

  remove(adapter: WorldAdapter): void {
    if (adapter.phase !== 'running' && adapter.phase !== 'paused') return;
    adapter.phase = 'removing';
    this.ndis.removeAdapter(present(adapter.miniport), () => {
      adapter.phase = 'gone';
    });
  }

  // --- time ---

  /** One pass of DPCs, and what awaits its outcome. @returns false when there was nothing to do. */
  async pass(): Promise<boolean> {
    const { dpcQueue } = this.runtime;
    const hasRun = dpcQueue.runPass();
    for (let turn = 0; turn < TURNS && (turn < 2 || dpcQueue.isIdle); turn++) await Promise.resolve();
    this.onPass();
    // Whoever breaks rules in a loop is stopped.
    if (this.faults.length > MOST_FAULTS) throw new Error(this.faults.slice(0, 3).join('; '));
    return hasRun || !dpcQueue.isIdle;
  }

  /** Runs until nothing is to be done without time passing. */
  async settle(): Promise<void> {
    for (let passes = 0; await this.pass(); passes++) {
      if (passes > MOST_PASSES) throw new Error('the stack does not come to rest');
    }
  }

  async advance(ms: number): Promise<void> {
    const { clock } = this.runtime;
    const untilMs = clock.now() + ms;
    await this.settle();
    while (clock.fireNext(untilMs)) await this.settle();
    clock.advance(untilMs - clock.now());
    await this.settle();
  }

  // --- the end ---

  /** Takes all of it down. What is left then is a fault. */
  async close(): Promise<void> {
    for (const adapter of this.adapters) {
      for (let round = 0; round < 50 && adapter.phase !== 'gone'; round++) {
        this.remove(adapter);
        await this.advance(100);
      }
      if (adapter.phase !== 'gone') {
        this.faults.push(`adapter ${adapter.name} cannot be closed: it is ${adapter.phase}`);
        return;
      }
    }
    this.host.dispose();
    for (const [what, count] of Object.entries(this.ndis.outstanding)) if (count !== 0) this.faults.push(`${count} ${what} are left`);
    for (const [what, count] of this.pooled) if (count !== 0) this.faults.push(`${count} of ${what} are left`);
    if (this.verifier !== null) {
      const pending = formatOutstanding(this.verifier.outstanding);
      if (pending !== '') this.faults.push(`something is outstanding:\n${pending}`);
      this.verifier.finish();
    }
    const { pendingTimers } = this.runtime.clock;
    if (pendingTimers > 0) this.faults.push(`${pendingTimers} timers are left`);
    this.ndis.deregisterProtocolDriver(this.host.ndisProtocolHandle);
    for (const driver of this.drivers) {
      this.ndis.deregisterProtocolDriver(driver.ndisProtocolHandle);
      this.ndis.deregisterMiniportDriver(driver.ndisDriverHandle);
    }
    this.ndis.deregisterMiniportDriver(this.targetHandle);
  }
}
