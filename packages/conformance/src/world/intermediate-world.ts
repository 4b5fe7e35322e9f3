import { Ndis } from '@ndis-chimney/core';
import {
  Dpc,
  NDIS_STATUS_SUCCESS,
  formatNdisStatus,
  type ChimneyViolation,
  type NdisBinding,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import type { Verifier } from '@ndis-chimney/verifier';

import { ConformanceFailure, check } from '../check.ts';
import { present } from '../probes/present.ts';
import type { CompleteTreeOptions, ProbeContext, ProbeOperation } from '../probes/probe-target.ts';
import { blocksOf, newTree, siblings, type ProbeTree, type TreeShape } from '../probes/trees.ts';
import type { ConformanceRuntime, IntermediateConformanceOptions, IntermediateUnderTest, IntermediateWishes } from '../subject.ts';
import { CaseHost } from './case-host.ts';
import { CaseTarget, giveIdentity, identityOf } from './case-target.ts';
import { openOwning, type Owned } from './owned.ts';
import { RegistrationLog } from './registration-log.ts';
import { createSeededRuntime } from './seeded-runtime.ts';
import { pendingText, watch } from './watched.ts';

/** How long something may take before it is called missing, in milliseconds of the world's clock. */
const PATIENCE_MS = 60_000;
/** Steps of that wait. */
const STEP_MS = 50;
/** Rounds in which everything that is below is completed, before a stack is said never to come to rest. */
const MOST_ROUNDS = 200;

/** What a case about an intermediate driver asks its world to be like. */
export interface IntermediateWorldWishes extends Omit<IntermediateWishes, 'name'> {
  /** Drivers one above the other, at least. */
  readonly drivers?: number;
  /** Adapters that the lowest driver is bound to, whatever the options say. */
  readonly adapters?: number;
  /** Whether opens, closes and virtual miniports take their time. Default false. */
  readonly isSlow?: boolean;
}

/** Where an object of a host is at the lower edge of the lowest driver. */
export interface ObjectBelow {
  readonly target: CaseTarget;
  /** The driver's own handle for it. */
  readonly handle: OffloadHandle;
}

/**
 * The world of a case about an intermediate driver: targets that do what the case says, the driver under test above
 * them, perhaps several of it, and a host in the hands of the case above each virtual miniport.
 */
export class IntermediateWorld {
  readonly runtime: ConformanceRuntime;
  readonly ndis: Ndis;
  readonly registrations: RegistrationLog;
  readonly options: IntermediateConformanceOptions;
  readonly wishes: IntermediateWorldWishes;
  readonly targets: CaseTarget[] = [];
  /** From the lowest up. */
  readonly drivers: IntermediateUnderTest[] = [];
  /** One per virtual miniport of the highest driver. */
  readonly hosts: CaseHost[] = [];
  readonly violations: ChimneyViolation[] = [];
  private verifier: Verifier | null = null;
  private readonly identities = new Map<OffloadHandle, string>();
  private readonly owned: Owned;
  private objects = 0;

  private constructor(options: IntermediateConformanceOptions, wishes: IntermediateWorldWishes, runtime: ConformanceRuntime, owned: Owned) {
    this.options = options;
    this.wishes = wishes;
    this.runtime = runtime;
    this.owned = owned;
    const { clock, dpcQueue, random } = runtime;
    this.ndis = new Ndis({ clock, dpcQueue, random, pendLifeCycle: wishes.isSlow ?? false });
    this.registrations = new RegistrationLog(this.ndis);
    this.ndis.onViolationReported((violation) => {
      this.violations.push(violation);
    });
  }

  /** Makes a world and binds everything in it. @throws ConformanceFailure when a virtual miniport does not come up. */
  static async open(options: IntermediateConformanceOptions, wishes: IntermediateWorldWishes = {}): Promise<IntermediateWorld> {
    return openOwning(async (owned) => {
      const runtime = owned.add(await (options.createRuntime?.() ?? createSeededRuntime(options.seed ?? 1)));
      const world = new IntermediateWorld(options, wishes, runtime, owned);
      await world.start();
      return world;
    });
  }

  private async start(): Promise<void> {
    const { options, wishes, ndis } = this;
    const adapters = wishes.adapters ?? options.adapters ?? 1;
    for (let at = 0; at < adapters; at++) {
      const target = new CaseTarget(ndis, `target ${at}`);
      target.start(`nic${at}`);
      this.targets.push(target);
    }
    const { upperEdges, netBufferLists, operations, objects } = wishes;
    const drivers = Math.max(options.drivers ?? 1, wishes.drivers ?? 1);
    for (let at = 0; at < drivers; at++) {
      const isHighest = at === drivers - 1;
      this.drivers.push(this.owned.add(await options.create(ndis, {
        name: `driver${at}`,
        // Memory is short in the lowest driver, whose lower edge the targets see; there are hosts above the highest.
        ...(isHighest && upperEdges !== undefined && { upperEdges }),
        ...(at === 0 && netBufferLists !== undefined && { netBufferLists }),
        ...(at === 0 && operations !== undefined && { operations }),
        ...(at === 0 && objects !== undefined && { objects }),
      })));
    }
    this.verifier = watch(ndis, options.verify, this.drivers.map(({ name }) => name), this.owned);
    for (const driver of this.drivers) driver.register();
    await this.bindAll();
  }

  /** Binds drivers to what is below them, from the lowest up, and a host to each virtual miniport of the highest. */
  async bindAll(): Promise<void> {
    let below = this.targets.map(({ miniport }) => miniport.name);
    for (const driver of this.drivers) {
      for (const name of below) await this.bind(driver, name);
      const isHighest = driver === this.drivers.at(-1);
      below = [...new Set((isHighest ? driver.upperNames?.() : undefined) ?? below.map((name) => driver.virtualNameOf(name)))];
    }
    for (const [at, name] of below.entries()) {
      await this.until(() => this.ndis.findAdapter(name) !== null, `the virtual miniport ${name}`);
      const host = this.hosts[at] ?? new CaseHost(this.ndis, `host ${at}`).register();
      this.hosts[at] = host;
      host.bindTo(name);
      await this.until(() => host.bindings.at(-1)?.binding != null, `the binding of a host to ${name}`);
    }
    await this.settle();
  }

  /** Binds a driver to an adapter. */
  async bind(driver: IntermediateUnderTest, adapterName: string): Promise<void> {
    await this.until(() => this.ndis.findAdapter(adapterName) !== null, `the adapter ${adapterName}`);
    let status: number | null = null;
    this.ndis.bindAdapter(driver.ndisProtocolHandle, present(this.ndis.findAdapter(adapterName)), (result) => {
      status = result;
    });
    await this.until(() => status !== null, `the end of the bind of ${driver.name} to ${adapterName}`);
    check(status === NDIS_STATUS_SUCCESS, `${driver.name} does not bind to ${adapterName}: ${formatNdisStatus(status ?? 0)}`);
    await this.settle();
  }

  /** The first host. */
  get host(): CaseHost {
    return present(this.hosts[0]);
  }

  /** The first target. */
  get target(): CaseTarget {
    return present(this.targets[0]);
  }

  /** The latest binding of the first host. */
  get binding(): NdisBinding {
    return this.bindingOf(this.host);
  }

  /** The latest binding of a host. */
  bindingOf(host: CaseHost): NdisBinding {
    return present(host.bindings.at(-1)?.binding);
  }

  /** True when the driver passes everything on as it is. */
  get isTransparent(): boolean {
    return this.options.abilities?.includes('transparent') ?? false;
  }

  /** @throws ConformanceFailure with this sentence when NDIS has found this rule broken. */
  checkKept(rule: string, sentence: string): void {
    check(!this.violations.some((violation) => violation.rule === rule), sentence);
  }

  /** Everything that is due now happens. */
  settle(): Promise<void> {
    return this.runtime.settle();
  }

  /** Waits, letting time pass. @throws ConformanceFailure when it never comes. */
  async until(isThere: () => boolean, what: string): Promise<void> {
    await this.settle();
    for (let waitedMs = 0; !isThere(); waitedMs += STEP_MS) {
      if (waitedMs >= PATIENCE_MS) throw new ConformanceFailure(`${what} did not come within ${PATIENCE_MS} ms${pendingText(this.verifier)}`);
      await this.runtime.advance(STEP_MS);
    }
  }

  /** Runs something from a DPC, as targets do, and lets happen what comes of it. */
  async atDispatch<Result>(work: () => Result): Promise<Result> {
    const outcomes: (() => Result)[] = [];
    this.ndis.dpcQueue.insert(
      new Dpc({
        runDpc: () => {
          try {
            const result = work();
            outcomes.push(() => result);
          } catch (error) {
            outcomes.push(() => {
              throw error;
            });
          }
        },
      }),
    );
    await this.until(() => outcomes.length > 0, 'a DPC');
    await this.settle();
    return present(outcomes[0])();
  }

  /** A tree of new objects of a host, each unlike all others. */
  tree(shape: TreeShape = {}, host: CaseHost = this.host): ProbeTree {
    const tree = newTree(this.bindingOf(host), shape);
    this.know(tree.root);
    return tree;
  }

  /** Gives the new objects of a tree identities, by which {@link below} finds them. */
  know(root: ProtocolOffloadBlockList): void {
    for (const block of blocksOf(root)) {
      if (block.state === null || block.offloadHandle === null) continue;
      giveIdentity(block, ++this.objects);
      this.identities.set(block.offloadHandle, identityOf(block));
    }
  }

  /** Offers objects and has all of them taken. @throws ConformanceFailure when one is not. */
  async offload(shape: TreeShape = {}, host: CaseHost = this.host): Promise<ProbeTree> {
    const tree = this.tree(shape, host);
    host.initiate(tree.root, this.bindingOf(host));
    await this.completeTrees();
    for (const block of blocksOf(tree.root)) {
      check(block.status === NDIS_STATUS_SUCCESS, `an object that the target has taken was reported to the host with ${formatNdisStatus(block.status)}`);
      check(present(block.offloadHandle).state === 'offloaded', `the host heard that ${String(block.offloadHandle?.owner)} was taken, and it is ${String(block.offloadHandle?.state)}`);
    }
    return tree;
  }

  /** Where an object of a host is, at the lower edge. @throws ConformanceFailure when no target was offered it. */
  below(handle: OffloadHandle): ObjectBelow {
    const identity = this.identities.get(handle) ?? '';
    for (const target of this.targets) {
      const offered = target.offered.get(identity);
      if (offered !== undefined) return { target, handle: offered };
    }
    throw new ConformanceFailure(`no target was offered the ${identity}, which the host has offloaded`);
  }

  /** What the target keeps for an object of a host, as the driver's cell has it. */
  contextBelow(handle: OffloadHandle): ProbeContext {
    return this.below(handle).handle.miniportOffloadContext as ProbeContext;
  }

  /** Completes the trees that are at targets, the oldest first, and those that come down because of that. */
  async completeTrees(options: CompleteTreeOptions = {}): Promise<ProbeOperation[]> {
    const completed: ProbeOperation[] = [];
    await this.settle();
    for (let round = 0; this.targets.some(({ trees }) => trees.length > 0); round++) {
      check(round < MOST_ROUNDS, 'the driver goes on passing trees down');
      for (const target of this.targets) {
        const [first] = target.trees;
        if (first === undefined) continue;
        completed.push(first.operation);
        await this.atDispatch(() => target.completeTree(first.operation, options));
      }
    }
    return completed;
  }

  /** Completes everything that is at targets, with success, until nothing is. */
  async completeAll(): Promise<void> {
    await this.settle();
    const isBusy = ({ sends, receives, forwards, disconnects, ordinarySends, trees }: CaseTarget): boolean =>
      [sends, receives, forwards, disconnects, ordinarySends, trees].some((pending) => pending.length > 0);
    for (let round = 0; this.targets.some(isBusy); round++) {
      check(round < MOST_ROUNDS, 'the driver goes on passing requests down');
      for (const target of this.targets.filter(isBusy)) await this.atDispatch(() => {
        target.runDpc();
      });
    }
  }

  /** Makes one state operation of a host. */
  begin(operation: ProbeOperation, root: ProtocolOffloadBlockList, host: CaseHost = this.host): void {
    const binding = this.bindingOf(host);
    if (operation === 'initiate') host.initiate(root, binding);
    else if (operation === 'query') binding.queryOffloadState(root);
    else if (operation === 'update') binding.updateOffload(root);
    else if (operation === 'invalidate') binding.invalidateOffload(root);
    else binding.terminateOffload(root);
  }

  /** Terminates whatever hosts have offloaded, layer by layer from the top. */
  async terminateAll(hosts: readonly CaseHost[] = this.hosts): Promise<void> {
    for (const host of hosts) {
      for (const layer of ['connection', 'path', 'neighbor']) {
        const blocks = [...host.handles].filter(([{ owner, state }]) => String(owner).startsWith(layer) && (state === 'offloaded' || state === 'lost')).map(([, block]) => block);
        for (const block of blocks) {
          block.dependentBlockList = null;
          block.netBufferListChain = null;
        }
        const root = siblings(...blocks);
        if (root === null) continue;
        present(root.offloadHandle).binding.terminateOffload(root);
        await this.completeAll();
      }
    }
  }

  /** Takes an adapter away, as an operating system does. Hosts give up their bindings above it. */
  async remove(target: CaseTarget): Promise<void> {
    let isGone = false;
    this.ndis.removeAdapter(target.miniport, () => {
      isGone = true;
    });
    await this.until(() => isGone, `the halt of ${target.miniport.name}`);
  }

  /**
   * Takes everything down.
   * @throws ConformanceFailure when something is left behind, or a rule was broken.
   */
  async close(): Promise<void> {
    for (const host of this.hosts) host.whenCalled = null;
    await this.completeAll();
    await this.terminateAll();
    for (const host of this.hosts) {
      host.returnKept();
      host.returnPackets();
    }
    for (const target of this.targets) if (this.ndis.findAdapter(target.miniport.name) !== null) await this.remove(target);
    const pending = pendingText(this.verifier);
    this.verifier?.finish();
    const problems = this.violations.map(({ message }) => message);
    for (const owner of [...this.hosts, ...this.targets]) {
      const lost = [...owner.nbls].filter(isOut);
      if (lost.length > 0) problems.push(`${lost.length} NET_BUFFER_LISTs of ${owner.name} did not come back as they were`);
      else owner.free();
    }
    for (const [what, count] of Object.entries(this.ndis.outstanding)) if (count !== 0) problems.push(`${count} ${what} are left${pending}`);
    if (this.ndis.adapters.size > 0) problems.push(`adapters are left: ${[...this.ndis.adapters.keys()].join(', ')}`);
    if (problems.length > 0) throw new ConformanceFailure(problems.join('; '));
    for (const host of this.hosts) this.ndis.deregisterProtocolDriver(host.protocolHandle);
    for (const driver of this.drivers) {
      this.ndis.deregisterProtocolDriver(driver.ndisProtocolHandle);
      this.ndis.deregisterMiniportDriver(driver.ndisDriverHandle);
    }
    for (const target of this.targets) this.ndis.deregisterMiniportDriver(target.driverHandle);
  }

  /** Disposes of what makers of subjects have made for it, in whatever state it is. */
  dispose(): Promise<void> {
    return this.owned.dispose();
  }
}

function isOut({ sourceHandle, context }: NetBufferList): boolean {
  return sourceHandle !== null || context !== null;
}
