import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import {
  ProbeTarget,
  blocksOf,
  neighborBlock,
  pathBlock,
  siblings,
  tcpBlock,
  under,
  type ProbeBinding,
  type ProbeTree,
} from '@ndis-chimney/kit';
import {
  Dpc,
  NDIS_STATUS_SUCCESS,
  type ChimneyViolation,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import type { Faults } from './faults.ts';
import type { Journal } from './journal.ts';
import { MuxDriver } from './mux-driver.ts';
import { OBSERVERS, type Observation } from './observers.ts';
import { SeedHost } from './seed-host.ts';
import { SeedNdis, type Opening } from './seed-ndis.ts';

/** What a test needs besides one connection over one adapter. */
export interface Shape {
  /** Adapters at the bottom, each with every intermediate driver above it. Default 1. */
  readonly nics?: number;
  /** Bindings of the host to each adapter at the top. Default 1. */
  readonly bindings?: number;
  /** Connections offloaded over each of those bindings. Default 1. */
  readonly connections?: number;
  /** Whether the topmost intermediate driver exports two virtual miniports. Default false. */
  readonly hasMux?: boolean;
}

/** What the runner varies. */
export interface Setting {
  /** Intermediate drivers between host and target. */
  readonly depth: number;
  readonly observation: Observation;
  readonly faults: Faults;
}

/**
 * Host, so many intermediate drivers, target, all in one NDIS that writes every call down, with connections offloaded.
 * Nothing moves unless the test says so.
 */
export class World {
  readonly runtime: DeterministicRuntime;
  readonly ndis: SeedNdis;
  /** One per adapter; all are the driver `target`. */
  readonly targets: readonly ProbeTarget[];
  /** `im1` and so on, from the bottom up. */
  readonly intermediates: readonly PassThroughDriver[];
  readonly host: SeedHost;
  /** What is offloaded, one tree per binding of the host. */
  readonly trees: ProbeTree[];
  /** Violations that nobody has expected yet. */
  private readonly violations: ChimneyViolation[] = [];
  private readonly names: readonly string[];

  constructor({ nics = 1, bindings = 1, connections = 1, hasMux = false }: Shape, { depth, observation, faults }: Setting) {
    this.runtime = faults.createRuntime?.() ?? new DeterministicRuntime('seeds');
    const { clock, random, dpcQueue } = this.runtime;
    this.ndis = new SeedNdis({ clock, random, dpcQueue }, faults);
    this.ndis.onViolationReported((violation) => {
      this.violations.push(violation);
    });
    const observer = OBSERVERS[observation];
    if (observer !== null) this.ndis.attachObserver(observer);
    const nicNames = Array.from({ length: nics }, (_, at) => `nic${at + 1}`);
    this.targets = nicNames.map((name) => {
      const target = new ProbeTarget(this.ndis, { name: 'target' });
      target.start(name);
      return target;
    });
    const intermediates: PassThroughDriver[] = [];
    let tops = nicNames;
    for (let level = 1; level <= depth; level++) {
      const isMux = hasMux && level === depth;
      const driver = isMux ? this.createMux(level, faults) : this.createIntermediate(level, faults);
      intermediates.push(driver.register());
      tops = tops.flatMap((name) => this.bind(driver, name));
    }
    this.intermediates = intermediates;
    this.host = (faults.createHost?.(this.ndis) ?? new SeedHost(this.ndis)).register();
    for (const top of tops) for (let count = 0; count < bindings; count++) this.host.bindTo(top);
    this.names = ['target', ...intermediates.map(({ name }) => name), 'host'];
    this.settle();
    this.trees = this.host.bindings.map((context) => this.offload(context, connections));
    this.journal.clear();
  }

  private createIntermediate(level: number, { createIntermediate }: Faults): PassThroughDriver {
    const options = { name: `im${level}` };
    return createIntermediate?.(this.ndis, options) ?? new PassThroughDriver(this.ndis, options);
  }

  private createMux(level: number, { createMux }: Faults): PassThroughDriver {
    const options = { name: `im${level}` };
    return createMux?.(this.ndis, options) ?? new MuxDriver(this.ndis, options);
  }

  /** @returns the names of the virtual miniports that come up above the adapter. */
  private bind(driver: PassThroughDriver, adapterName: string): string[] {
    const adapter = this.ndis.findAdapter(adapterName);
    if (adapter === null) throw new Error(`there is no adapter ${adapterName}`);
    this.ndis.bindAdapter(driver.ndisProtocolHandle, adapter);
    this.settle();
    return driver instanceof MuxDriver ? driver.virtualNamesOf(adapterName) : [driver.virtualNameOf(adapterName)];
  }

  private offload({ binding }: ProbeBinding, connectionsPerPath: number): ProbeTree {
    if (binding === null) throw new Error('the host is not bound');
    const tree = this.host.offload({ connectionsPerPath }, binding);
    this.finishAll();
    return tree;
  }

  get journal(): Journal {
    return this.ndis.journal;
  }

  // --- who is there ---

  /** The drivers that call down and are called back, from the bottom up: the intermediate drivers and the host. */
  get uppers(): readonly string[] {
    return this.names.slice(1);
  }

  /** The intermediate drivers, from the bottom up. */
  get relays(): readonly string[] {
    return this.names.slice(1, -1);
  }

  /** The driver below another. */
  below(driver: string): string {
    return this.names[this.names.indexOf(driver) - 1] ?? 'nobody';
  }

  /** The bindings a driver has opened. */
  openingsOf(driver: string): Opening[] {
    return this.ndis.openings.filter((opening) => opening.driver === driver);
  }

  /** The first target. */
  get target(): ProbeTarget {
    return firstOf(this.targets);
  }

  /** Every connection, binding by binding. */
  get connections(): readonly OffloadHandle[] {
    return this.trees.flatMap(({ connections }) => connections);
  }

  /** The first connection. */
  get connection(): OffloadHandle {
    return firstOf(this.connections);
  }

  // --- what a test lets happen ---

  /** Lets everything happen that is due. */
  settle(): void {
    this.runtime.advance(0);
  }

  /** Does something at DISPATCH_LEVEL, and lets happen what follows from it. */
  inOneDpc(run: () => void): void {
    this.ndis.dpcQueue.insert(new Dpc({ runDpc: run }));
    this.settle();
  }

  /** The first target completes its oldest sends as one list, from a DPC. */
  completeSends(count?: number, status?: NDIS_STATUS): void {
    this.inOneDpc(() => {
      this.target.completeSends(count, status);
    });
  }

  /** The target that has a disconnect completes it, from a DPC. */
  completeDisconnect(nbl: NetBufferList, status: NDIS_STATUS = NDIS_STATUS_SUCCESS): void {
    const target = this.targets.find(({ disconnects }) => disconnects.includes(nbl));
    if (target === undefined) throw new Error('no target has this disconnect');
    target.disconnects.splice(target.disconnects.indexOf(nbl), 1);
    nbl.status = status;
    this.inOneDpc(() => {
      target.handlers.tcpOffloadDisconnectComplete(nbl);
    });
  }

  /** The target that has a terminate completes it, from a DPC; the status of each block is NDIS_STATUS_SUCCESS or what is given. */
  completeTerminate(root: ProtocolOffloadBlockList, statuses: ReadonlyMap<object, NDIS_STATUS> = new Map()): void {
    const isIt = ({ tree }: { readonly tree: object }): boolean => tree === root;
    const target = this.targets.find(({ trees }) => trees.some(isIt));
    const [pending] = target?.trees.splice(target.trees.findIndex(isIt), 1) ?? [];
    if (target === undefined || pending === undefined) throw new Error('no target has this tree');
    for (const block of blocksOf(pending.tree)) block.status = statuses.get(block) ?? NDIS_STATUS_SUCCESS;
    this.inOneDpc(() => {
      target.passUp('terminate', pending.tree);
    });
  }

  /** A tree of blocks for what is still offloaded of one of the host's trees; null when nothing is. */
  remainsOf({ neighbors, paths, connections }: ProbeTree): ProtocolOffloadBlockList | null {
    let root = siblings(...connections.filter(isOffloaded).map(tcpBlock));
    for (const path of paths.filter(isOffloaded)) root = under(pathBlock(path), ...blocksIn(root));
    for (const neighbor of neighbors.filter(isOffloaded)) root = under(neighborBlock(neighbor), ...blocksIn(root));
    return root;
  }

  /** Takes the violations there were. They must be of this rule and this party, as many as said. */
  expectViolations(rule: string, actor: string, count: number): void {
    const found = this.violations.splice(0);
    const isExpected = found.length === count && found.every((violation) => violation.rule === rule && violation.actor === actor);
    if (!isExpected) throw new Error(`expected ${count} of ${rule} by ${actor}, found ${found.map(({ message }) => message).join('; ')}`);
  }

  // --- the end ---

  /** Completes everything the targets hold, with success. */
  private finishAll(): void {
    this.settle();
    for (const target of this.targets) target.runDpc();
    this.settle();
  }

  /** Takes everything down. @throws Error when something is left, or when a violation was reported that nobody expected. */
  close(): void {
    this.finishAll();
    for (const tree of this.trees) {
      const root = this.remainsOf(tree);
      if (root !== null) firstOf(tree.neighbors).binding.terminateOffload(root);
    }
    this.finishAll();
    for (const { miniport } of this.targets) this.ndis.removeAdapter(miniport);
    this.settle();
    this.host.free();
    const problems = [...this.violations.map(({ message }) => message), ...this.leftovers()];
    if (problems.length > 0) throw new Error(`the world does not come to an end: ${problems.join('; ')}`);
  }

  private leftovers(): string[] {
    const left: string[] = [];
    for (const [what, count] of Object.entries(this.ndis.outstanding)) if (count !== 0) left.push(`${count} ${what} are out`);
    if (this.ndis.adapters.size > 0) left.push(`${this.ndis.adapters.size} adapters are up`);
    if (this.runtime.clock.pendingTimers > 0) left.push(`${this.runtime.clock.pendingTimers} timers run`);
    for (const driver of this.intermediates) {
      const { callEntries, offloadEntries } = (driver as unknown as { readonly blocks: { callEntries: number; offloadEntries: number } }).blocks;
      if (callEntries + offloadEntries > 0) left.push(`${driver.name} has ${callEntries} call entries and ${offloadEntries} offload entries`);
    }
    return left;
  }
}

function isOffloaded({ state }: OffloadHandle): boolean {
  return state === 'offloaded' || state === 'lost';
}

/** The blocks of one layer. */
function blocksIn(first: ProtocolOffloadBlockList | null): ProtocolOffloadBlockList[] {
  const blocks: ProtocolOffloadBlockList[] = [];
  for (let block = first; block !== null; block = block.nextBlock) blocks.push(block);
  return blocks;
}

function firstOf<T>(list: readonly T[]): T {
  const [first] = list;
  if (first === undefined) throw new Error('there is none');
  return first;
}

