import { Ndis } from '@ndis-chimney/core';
import {
  DEFAULT_PUSH_TIMEOUT_MS,
  NDIS_ENCAPSULATION_IEEE_802_3,
  NDIS_OFFLOAD_SET_ON,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisTcpConnectionOffloadParameters,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  OffloadHandle,
  formatNdisStatus,
  type ChimneyViolation,
  type NDIS_OID,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NeighborOffloadState,
  type NetBufferList,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import type { Verifier } from '@ndis-chimney/verifier';

import { ConformanceFailure, check } from '../check.ts';
import { link } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { blocksOf, neighborBlock, pathBlock, siblings, tcpBlock, under } from '../probes/trees.ts';
import type { ConformancePeer, ConformanceRuntime, IntermediateUnderTest, OffloadTargetConformanceOptions, TargetUnderTest, TargetWishes } from '../subject.ts';
import { watchBringUp, type BringUp } from './bring-up.ts';
import { CaseHost } from './case-host.ts';
import type { JournalEntry, StateOperationName } from './journal.ts';
import { openOwning, type Owned } from './owned.ts';
import { patternBefore } from './pattern.ts';
import { createSeededRuntime } from './seeded-runtime.ts';
import { pendingText, watch } from './watched.ts';
import { WorldConnection, concat, type Uploaded } from './world-connection.ts';

/** How long something may take before it is called missing, in milliseconds of the world's clock. */
const PATIENCE_MS = 60_000;
/** Longest step of that wait: it begins with a millisecond, so that not much more time passes than it takes. */
const LONGEST_STEP_MS = 50;
const ADAPTER = 'nic0';
/** Longer than any case takes. */
const NEVER_TICKS = 0x7FFF_FFFF;

/** What is different about a connection that a case offers. */
export interface ConnectionWishes {
  /** Default: one that no other connection of the world has. */
  readonly hostPort?: number;
  readonly isIPv6?: boolean;
  /** Send data that comes along. */
  readonly chain?: NetBufferList;
  /** Last changes of its state before it is offered. */
  readonly change?: (state: TcpOffloadState, block: ProtocolOffloadBlockList) => void;
  readonly changePath?: (state: PathOffloadState) => void;
  readonly changeNeighbor?: (state: NeighborOffloadState) => void;
  /** Sizes of NBLs in BufferedData: {@link patternBefore} the first byte of what the peer sends. */
  readonly buffered?: readonly number[];
}

/**
 * The world of one case: NDIS, one adapter of the target under test, intermediate drivers if asked for, and a host in
 * the hands of the case.
 */
export class TargetWorld {
  readonly runtime: ConformanceRuntime;
  readonly ndis: Ndis;
  readonly host: CaseHost;
  readonly options: OffloadTargetConformanceOptions;
  /** What the target's maker gave. */
  readonly subject: TargetUnderTest;
  /** What the target did when it was registered and its adapters came up. */
  readonly seen: BringUp;
  /** Violations so far that no {@link expectViolation} has taken. */
  readonly violations: ChimneyViolation[] = [];
  private readonly intermediates: IntermediateUnderTest[] = [];
  private verifier: Verifier | null = null;
  private readonly owned: Owned;
  private driver: NdisMiniportDriverHandle | null = null;
  private miniport: NdisMiniport | null = null;
  private nextPort = 49_152;
  private nextNumber = 1;

  private constructor(options: OffloadTargetConformanceOptions, runtime: ConformanceRuntime, ndis: Ndis, subject: TargetUnderTest, owned: Owned) {
    this.owned = owned;
    this.options = options;
    this.runtime = runtime;
    this.ndis = ndis;
    this.subject = subject;
    this.seen = watchBringUp(subject.target);
    this.host = new CaseHost(ndis);
    ndis.onViolationReported((violation) => {
      this.violations.push(violation);
    });
  }

  /** Makes and starts a world. @throws ConformanceFailure when the target does not come up. */
  static async open(options: OffloadTargetConformanceOptions, wishes: TargetWishes = {}): Promise<TargetWorld> {
    return openOwning(async (owned) => {
      const runtime = owned.add(await (options.createRuntime?.() ?? createSeededRuntime(options.seed ?? 1)));
      const { clock, dpcQueue, random } = runtime;
      const ndis = new Ndis({ clock, dpcQueue, random });
      const subject = owned.add(await options.create({ clock, dpcQueue, random: random.fork('target'), pools: ndis }, wishes));
      const world = new TargetWorld(options, runtime, ndis, subject, owned);
      await world.start();
      return world;
    });
  }

  private async start(): Promise<void> {
    const { ndis, subject } = this;
    const registered = ndis.registerMiniportDriver(subject.target);
    check(registered.ndisDriverHandle !== null, `the target was not registered: ${formatNdisStatus(registered.status)}`);
    this.driver = registered.ndisDriverHandle;
    for (const make of this.options.intermediates ?? []) this.intermediates.push(this.owned.add(await make(ndis)));
    this.verifier = watch(ndis, this.options.verify, [subject.target.name, ...this.intermediates.map(({ name }) => name)], this.owned);
    for (const driver of this.intermediates) driver.register();
    this.host.register();
    await this.bringUp();
  }

  /**
   * Adds the target's adapter and binds to it, at the start and after {@link removeAdapter}: intermediate drivers from
   * the bottom up, then the host, which enables the chimney.
   */
  async bringUp(): Promise<void> {
    const { ndis, host } = this;
    await this.addAdapter();
    let lower = ADAPTER;
    for (const driver of [...this.intermediates].reverse()) {
      ndis.bindAdapter(driver.ndisProtocolHandle, present(ndis.findAdapter(lower)));
      await this.settle();
      lower = driver.virtualNameOf(lower);
    }
    const before = host.bindings.length;
    host.bindTo(lower);
    await this.until(() => host.bindings[before]?.binding != null, 'the binding of the host');
    await this.setParameters();
  }

  /**
   * Sets how TCP is to run, which enables the chimney. What a case leaves alone: a tick of a millisecond, the usual timers,
   * neighbors that do not get stale.
   * @throws ConformanceFailure when the target does not accept the parameters.
   */
  async setParameters(change: (parameters: NdisTcpConnectionOffloadParameters) => void = () => undefined): Promise<void> {
    const parameters = new NdisTcpConnectionOffloadParameters();
    parameters.tcpAckFrequency = 2;
    parameters.tcpDelayedAckTicks = 200;
    parameters.tcpMaximumRetransmissions = 5;
    parameters.tcpDoubtReachabilityRetransmissions = 3;
    parameters.tcpSwsPreventionTicks = 200;
    parameters.tcpDuplicateAckThreshold = 3;
    parameters.tcpPushTicks = DEFAULT_PUSH_TIMEOUT_MS;
    parameters.nceStaleTicks = NEVER_TICKS;
    for (const version of [parameters.encapsulation.ipv4, parameters.encapsulation.ipv6]) {
      version.enabled = NDIS_OFFLOAD_SET_ON;
      version.encapsulationType = NDIS_ENCAPSULATION_IEEE_802_3;
    }
    change(parameters);
    const { status } = await this.request('set', OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, parameters);
    check(status === NDIS_STATUS_SUCCESS, `OID_TCP_CONNECTION_OFFLOAD_PARAMETERS was not accepted: ${formatNdisStatus(status)}`);
  }

  /** Makes an OID request and waits until it is over. @returns what it was answered with. */
  async request(kind: 'query' | 'set', oid: NDIS_OID, informationBuffer: unknown = null): Promise<{ status: NDIS_STATUS; informationBuffer: unknown }> {
    const { host } = this;
    const before = host.entries('oidComplete').length;
    const requestType = kind === 'set' ? NDIS_REQUEST_TYPE.NdisRequestSetInformation : NDIS_REQUEST_TYPE.NdisRequestQueryInformation;
    const { request, status } = host.request(requestType, oid, informationBuffer, this.binding);
    if (status !== NDIS_STATUS_PENDING) return { status, informationBuffer: request.informationBuffer };
    await this.until(() => host.entries('oidComplete').length > before, 'the completion of an OID request');
    return { status: present(host.entries('oidComplete').at(-1)).status, informationBuffer: request.informationBuffer };
  }

  /** Adds the target's adapter, and nothing above it. */
  private async addAdapter(): Promise<void> {
    const { status, ndisMiniportHandle } = this.addAnother(ADAPTER);
    check(ndisMiniportHandle !== null, `the target's adapter did not initialize: ${formatNdisStatus(status)}`);
    this.miniport = ndisMiniportHandle;
    await this.settle();
  }

  /** Adds one more adapter of the target's, which nobody binds to; whoever does that takes it away again. */
  addAnother(name: string): ReturnType<Ndis['addAdapter']> {
    return this.ndis.addAdapter(present(this.driver), name);
  }

  /** The target's adapter. */
  get adapter(): NdisMiniport {
    return present(this.miniport);
  }

  /** Where the host's calls go. */
  get binding(): NdisBinding {
    return this.host.binding;
  }

  /** True when the host's calls reach the target directly. */
  get isDirect(): boolean {
    return this.intermediates.length === 0;
  }

  /** Everything that is due now happens. */
  settle(): Promise<void> {
    return this.runtime.settle();
  }

  /** So much time passes. */
  advance(ms: number): Promise<void> {
    return this.runtime.advance(ms);
  }

  /** Waits, letting time pass. @throws ConformanceFailure when it never comes. */
  async until(isThere: () => boolean, what: string, patienceMs: number = PATIENCE_MS): Promise<void> {
    await this.settle();
    let waitedMs = 0;
    for (let stepMs = 1; !isThere(); stepMs = Math.min(2 * stepMs, LONGEST_STEP_MS)) {
      if (waitedMs >= patienceMs) throw new ConformanceFailure(`${what} did not come within ${patienceMs} ms${pendingText(this.verifier)}`);
      await this.advance(stepMs);
      waitedMs += stepMs;
    }
  }

  /** Waits for a promise, letting time pass. @throws ConformanceFailure when it stays open; whatever it rejects with. */
  async wait<T>(promise: Promise<T>, what: string): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    await this.until(() => isSettled, what);
    return promise;
  }

  /** Makes one state operation and waits for its completion. @returns the root. */
  async operate(operation: StateOperationName, root: ProtocolOffloadBlockList): Promise<ProtocolOffloadBlockList> {
    this.begin(operation, root);
    await this.completed(operation, root);
    return root;
  }

  /** Makes one state operation. */
  begin(operation: StateOperationName, root: ProtocolOffloadBlockList): void {
    const { binding } = this;
    if (operation === 'initiate') this.host.initiate(root, binding);
    else if (operation === 'query') binding.queryOffloadState(root);
    else if (operation === 'update') binding.updateOffload(root);
    else if (operation === 'invalidate') binding.invalidateOffload(root);
    else binding.terminateOffload(root);
  }

  /** Waits for the completion of a state operation. */
  async completed(operation: StateOperationName, root: ProtocolOffloadBlockList): Promise<void> {
    await this.until(() => this.hasCompleted(operation, root), `the completion of ${operation}`);
  }

  /** True when the completion of a state operation has come. */
  hasCompleted(operation: StateOperationName, root: ProtocolOffloadBlockList): boolean {
    return this.host.journal.some((entry: JournalEntry) => entry.kind === 'stateComplete' && entry.operation === operation && entry.root === root);
  }

  /** A number that nobody else in this world has got. */
  takeNumber(): number {
    return this.nextNumber++;
  }

  /** A new handle of the host's. @param name begins with its layer: `neighbor`, `path`, `connection`. */
  handle(name: string): OffloadHandle {
    return new OffloadHandle(this.binding, name);
  }

  /** A TCP block for a new connection. */
  tcp(wishes: ConnectionWishes = {}): ProtocolOffloadBlockList {
    const block = tcpBlock(this.handle(`connection ${this.nextPort}`));
    const state = block.state as TcpOffloadState;
    present(state.const).localPort = wishes.hostPort ?? this.nextPort++;
    if (wishes.chain !== undefined) block.netBufferListChain = wishes.chain;
    if (wishes.buffered !== undefined) present(state.delegated).bufferedData = this.bufferedList(wishes.buffered);
    wishes.change?.(state, block);
    return block;
  }

  private bufferedList(sizes: readonly number[]): NetBufferList {
    const bytes = patternBefore(sizes.reduce((sum, size) => sum + size, 0));
    let at = 0;
    const take = (size: number): Uint8Array<ArrayBuffer> => bytes.slice(at, (at += size));
    // On three MDLs each, the second without a byte.
    return link(sizes.map((size) => this.host.inPieces([take(size >> 2), take(0), take(size - (size >> 2))])));
  }

  /** A path block with these connections, for a new path. */
  path(connections: readonly ProtocolOffloadBlockList[], wishes: ConnectionWishes = {}): ProtocolOffloadBlockList {
    const block = pathBlock(this.handle(`path ${this.takeNumber()}`), wishes.isIPv6 === true);
    wishes.changePath?.(block.state as PathOffloadState);
    return under(block, ...connections);
  }

  /** A neighbor block with these paths, for a new neighbor. */
  neighbor(...paths: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
    return under(neighborBlock(this.handle(`neighbor ${this.takeNumber()}`)), ...paths);
  }

  /** Offers one connection with a path and a neighbor of its own. @throws ConformanceFailure unless all of it succeeds. */
  async connect(wishes: ConnectionWishes = {}): Promise<WorldConnection> {
    const [connection] = await this.connectAll(1, wishes);
    return present(connection);
  }

  /** Offers connections that share a path and a neighbor. @throws ConformanceFailure unless all of it succeeds. */
  async connectAll(count: number, wishes: ConnectionWishes = {}): Promise<WorldConnection[]> {
    const connections = Array.from({ length: count }, () => new WorldConnection(this, this.tcp(wishes)));
    const root = this.neighbor(this.path(connections.map(({ block }) => block), wishes));
    wishes.changeNeighbor?.(root.state as NeighborOffloadState);
    await this.operate('initiate', root);
    for (const { status } of blocksOf(root)) check(status === NDIS_STATUS_SUCCESS, `an initiate that nothing speaks against ended with ${formatNdisStatus(status)}`);
    return connections;
  }

  /**
   * Offers a connection again with what it came back with; its far end goes on. Send data is all that was not acknowledged,
   * whether it came back in the chain or was completed with UPLOAD_IN_PROGRESS.
   * @throws ConformanceFailure unless it succeeds.
   */
  reconnect({ hostPort, unsent }: WorldConnection, { delegated, chain, buffered }: Uploaded): Promise<WorldConnection> {
    const back = [...unsent, ...chain];
    return this.connect({
      hostPort,
      ...(back.length > 0 && { chain: link(back) }),
      change: (state) => {
        const again = present(state.delegated).copyFrom(delegated);
        again.sendDataHead = back[0] ?? null;
        again.sendDataTail = back.at(-1) ?? null;
        again.bufferedData = buffered.length > 0 ? this.host.list(buffered) : null;
      },
    });
  }

  /** Reads so many bytes at the far end, and what has arrived with the last of them. @throws ConformanceFailure when they do not come. */
  async read(peer: ConformancePeer, count: number): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    for (let left = count; left > 0; left -= parts.at(-1)?.length ?? 0) {
      const part = await this.readPart(peer, `${count} bytes at the far end, of which ${left} are missing,`);
      check(part !== null, `the far end got a FIN when ${left} bytes of ${count} were missing`);
      parts.push(part);
    }
    return concat(parts);
  }

  /** Reads at the far end to the host's FIN. @throws ConformanceFailure when it does not come. */
  async readToEnd(peer: ConformancePeer): Promise<Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = [];
    for (;;) {
      const part = await this.readPart(peer, 'the FIN at the far end');
      if (part === null) return concat(parts);
      parts.push(part);
    }
  }

  private readPart(peer: ConformancePeer, what: string): Promise<Uint8Array | null> {
    const reset = (reason: unknown): never => {
      throw new ConformanceFailure(`the far end was reset: ${String(reason)}`);
    };
    return this.wait(peer.read().catch(reset), what);
  }

  /** Takes the oldest violation. @throws ConformanceFailure unless it is of this rule. */
  expectViolation(rule: string): ChimneyViolation {
    const violation = this.violations.shift();
    if (violation?.rule !== rule) throw new ConformanceFailure(`expected a violation of ${rule}, found ${violation?.message ?? 'none'}`);
    return violation;
  }

  /** Terminates whatever is offloaded, layer by layer from the top. */
  async terminateAll(): Promise<void> {
    for (const layer of ['connection', 'path', 'neighbor']) {
      const blocks: ProtocolOffloadBlockList[] = [];
      for (const [handle, block] of this.host.handles) {
        if (!String(handle.owner).startsWith(layer) || (handle.state !== 'offloaded' && handle.state !== 'lost') || handle.binding !== this.binding) continue;
        block.dependentBlockList = null;
        block.netBufferListChain = null;
        blocks.push(layer === 'connection' ? new WorldConnection(this, block).terminateBlock() : block);
      }
      const root = siblings(...blocks);
      if (root === null) continue;
      await this.operate('terminate', root);
      if (layer === 'connection') for (const block of blocks) new WorldConnection(this, present(this.host.handles.get(present(block.offloadHandle)))).uploaded(block);
    }
  }

  /** Takes the target's adapter away, as an operating system does; the host gives up its binding. */
  async removeAdapter(): Promise<void> {
    await this.terminateAll();
    this.host.returnKept();
    let isGone = false;
    this.ndis.removeAdapter(this.adapter, () => {
      isGone = true;
    });
    await this.until(() => isGone, 'the halt of the adapter');
  }

  /**
   * Takes everything down.
   * @throws ConformanceFailure when something is left behind, or a rule was broken.
   */
  async close(): Promise<void> {
    await this.settle();
    await this.removeAdapter();
    this.host.free();
    const pending = pendingText(this.verifier);
    this.verifier?.finish();
    const problems = this.violations.map(({ message }) => message);
    for (const [what, count] of Object.entries(this.ndis.outstanding)) if (count !== 0) problems.push(`${count} ${what} are left${pending}`);
    this.ndis.deregisterProtocolDriver(this.host.protocolHandle);
    for (const driver of this.intermediates) {
      this.ndis.deregisterProtocolDriver(driver.ndisProtocolHandle);
      this.ndis.deregisterMiniportDriver(driver.ndisDriverHandle);
    }
    this.ndis.deregisterMiniportDriver(present(this.driver));
    if (problems.length > 0) throw new ConformanceFailure(problems.join('; '));
  }

  /** Disposes of what makers of subjects have made for it, in whatever state it is. */
  dispose(): Promise<void> {
    return this.owned.dispose();
  }
}
