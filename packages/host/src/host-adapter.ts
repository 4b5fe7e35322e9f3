import {
  NDIS_OFFLOAD_SUPPORTED,
  NDIS_STATUS_CLOSING,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_SUCCESS,
  CachedStates,
  convertTicks,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBinding,
  type NdisTcpConnectionOffload,
  type NdisTcpConnectionOffloadParameters,
  type NeighborOffloadState,
  type OffloadBlockState,
} from '@ndis-chimney/types';

import type { AdapterRequests } from './adapter-requests.ts';
import { ChimneyConnection } from './connection.ts';
import type { ConnectionState } from './connection-description.ts';
import type { HostDriver } from './host-driver.ts';
import type { HostNeighbor } from './host-neighbor.ts';
import type { HostPath } from './host-path.ts';
import { InitiateOperation } from './initiate-operation.ts';
import type { StateClass } from './layer-blocks.ts';
import { ObjectTable } from './object-table.ts';
import { isAway, type UploadReason } from './offload-state.ts';
import type { OffloadedObject } from './offloaded-object.ts';
import type { NeighborOffloadResult, OffloadResult, QueryResult, StateResult, UploadResult } from './results.ts';
import { OperationQueue } from './state-operation.ts';
import { InvalidateRequest, QueryRequest, RelinkRequest, UpdateRequest, type CachedUpdate, type RequestOutcome } from './state-requests.ts';
import { TerminateOperation, takeReady } from './terminate-operation.ts';
import { tickCount } from './ticks.ts';

/** Where an offload finds a neighbor and path that are not to be looked up by their addresses. */
export interface Placement {
  readonly neighbor?: HostNeighbor;
  readonly path?: HostPath;
}

/**
 * What a host keeps per binding, its protocol binding context: the objects of that binding, what is to become of them,
 * and what the adapter says. Not of the public API: `ChimneyHost` and the objects are its face.
 */
export class HostAdapter {
  readonly name: string;
  readonly driver: HostDriver;
  readonly bindContext: NdisBindContext;
  /** The binding. Set once it is open. */
  binding!: NdisBinding;
  /** OID requests. Set once the binding is open. */
  requests!: AdapterRequests;
  /** What the adapter can offload; null when it cannot, or when a driver in between blocks the chimney. */
  capabilities: NdisTcpConnectionOffload | null;
  /** What was set when the chimney was enabled, or is going to be. */
  parameters: NdisTcpConnectionOffloadParameters;
  /** True once the chimney was enabled by OID_TCP_CONNECTION_OFFLOAD_PARAMETERS. */
  isEnabled = false;
  /** True between restart and pause. */
  isRunning = false;
  /** True between NDIS_STATUS_OFFLOAD_PAUSE or UPLOAD_ALL and NDIS_STATUS_OFFLOAD_RESUME. */
  isOffloadPaused = false;
  /** False below D0 and on the way there. */
  isAwake = true;
  /** True once the binding is to be closed. */
  isClosing = false;
  /** Objects the target would not give back. */
  givenUp = 0;
  /** Called when a close that had to wait is over. */
  whenClosed: (() => void) | null = null;
  readonly cachedStates: CachedStates = new CachedStates();
  readonly table: ObjectTable = new ObjectTable(this);
  /** Objects that are not the host's. */
  readonly away: Set<OffloadedObject> = new Set<OffloadedObject>();
  /** Objects to be taken back as soon as that may be. */
  readonly wanted: Set<OffloadedObject> = new Set<OffloadedObject>();
  private readonly queue = new OperationQueue();
  private whenEmpty: (() => void)[] = [];
  /** How many act, or wait to act, while nothing is offloaded. */
  private emptyings = 0;
  private isPumping = false;
  private isPumpDue = false;

  constructor(driver: HostDriver, name: string, bindContext: NdisBindContext, capabilities: NdisTcpConnectionOffload | null, parameters: NdisTcpConnectionOffloadParameters) {
    this.driver = driver;
    this.name = name;
    this.bindContext = bindContext;
    this.capabilities = capabilities;
    this.parameters = parameters;
  }

  // --- time ---

  get nowMs(): number {
    return this.driver.ndis.clock.now();
  }

  get ticksPerSecond(): number {
    return this.parameters.ticksPerSecond;
  }

  /** The host's clock in ticks: what timestamps are made of, before StackDelta. */
  get nowTicks(): number {
    return tickCount(this.nowMs, this.ticksPerSecond);
  }

  msOf(ticks: number): number {
    return (ticks * 1000) / this.ticksPerSecond;
  }

  ticksOf(ms: number): number {
    return convertTicks(ms, 1000, this.ticksPerSecond);
  }

  // --- offload ---

  /** True while everything is taken back, whatever it takes, and nothing new is offered. */
  get isEmptying(): boolean {
    return this.isClosing || !this.isRunning || this.emptyings > 0;
  }

  /** Why nothing may be offered now; NDIS_STATUS_SUCCESS when it may. */
  get offloadStatus(): NDIS_STATUS {
    if (this.isClosing) return NDIS_STATUS_CLOSING;
    if (this.isOffloadPaused || !this.isAwake || this.isEmptying) return NDIS_STATUS_PAUSED;
    return this.capabilities !== null && this.isEnabled ? NDIS_STATUS_SUCCESS : NDIS_STATUS_NOT_SUPPORTED;
  }

  /** True for an IP version that the adapter says it cannot offload; one that says nothing at all may be tried. */
  lacks(isIPv6: boolean): boolean {
    const { capabilities } = this;
    if (capabilities === null) return true;
    const [own, other] = isIPv6 ? [capabilities.supportIPv6, capabilities.supportIPv4] : [capabilities.supportIPv4, capabilities.supportIPv6];
    return own !== NDIS_OFFLOAD_SUPPORTED && other === NDIS_OFFLOAD_SUPPORTED;
  }

  /** Offers connections as one tree. @returns how it ended for each. */
  offload(states: readonly ConnectionState[], placement: Placement): Promise<OffloadResult>[] {
    const status = this.offloadStatus;
    const leaves: ChimneyConnection[] = [];
    const results = states.map((state): Promise<OffloadResult> => {
      const refusal = status === NDIS_STATUS_SUCCESS && this.lacks(state.path.const?.sourceAddress.length === 16) ? NDIS_STATUS_NOT_SUPPORTED : status;
      if (refusal !== NDIS_STATUS_SUCCESS) return Promise.resolve({ status: refusal, connection: null });
      const connection = new ChimneyConnection(this, state);
      connection.attach(this.table.pathFor(state, placement));
      leaves.push(connection);
      return this.offer(connection).then((ended) => ({ status: ended, connection: ended === NDIS_STATUS_SUCCESS ? connection : null }));
    });
    if (leaves.length > 0) this.add(new InitiateOperation(this, leaves));
    return results;
  }

  /** Offers a neighbor by itself, and keeps it until it is terminated. */
  async offloadNeighbor(state: NeighborOffloadState): Promise<NeighborOffloadResult> {
    const neighbor = this.table.neighborFor(state);
    neighbor.pins++;
    const status = await this.ensure(neighbor);
    if (status !== NDIS_STATUS_SUCCESS) this.unpin(neighbor);
    return { status, neighbor: status === NDIS_STATUS_SUCCESS ? neighbor : null };
  }

  private offer(object: OffloadedObject): Promise<NDIS_STATUS> {
    return new Promise((resolve, reject) => {
      object.offering = { resolve, reject };
    });
  }

  /** Sees to it that a neighbor is offloaded; several may ask at the same time. */
  private ensure(neighbor: HostNeighbor): Promise<NDIS_STATUS> {
    if (neighbor.offloadState === 'Offloaded' && neighbor.wanted === null) return Promise.resolve(NDIS_STATUS_SUCCESS);
    if (neighbor.ensuring !== null) return neighbor.ensuring;
    const status = this.offloadStatus;
    if (status !== NDIS_STATUS_SUCCESS) return Promise.resolve(status);
    const ensuring = this.offer(neighbor).finally(() => {
      neighbor.ensuring = null;
    });
    neighbor.ensuring = ensuring;
    this.add(new InitiateOperation(this, [neighbor]));
    return ensuring;
  }

  private unpin(neighbor: HostNeighbor): void {
    neighbor.pins = Math.max(0, neighbor.pins - 1);
    this.dropIfUnused(neighbor);
    this.pump();
  }

  // --- state requests ---

  query(objects: readonly OffloadedObject[], kind: StateClass): Promise<QueryResult<OffloadBlockState>[]> {
    return new Promise((resolve, reject) => {
      const outcome: RequestOutcome = {
        resolve: (statuses, states) => {
          resolve(statuses.map((status, at) => ({ status, state: states[at] ?? null })));
        },
        reject,
      };
      this.add(new QueryRequest(this, objects, kind, outcome));
    });
  }

  update(updates: readonly CachedUpdate[]): Promise<StateResult[]> {
    return new Promise((resolve, reject) => {
      this.add(new UpdateRequest(this, updates, statusOutcome(resolve, reject)));
    });
  }

  invalidate(objects: readonly OffloadedObject[]): Promise<StateResult[]> {
    return new Promise((resolve, reject) => {
      this.add(new InvalidateRequest(this, objects, statusOutcome(resolve, reject)));
    });
  }

  async relink(paths: readonly HostPath[], to: HostNeighbor | NeighborOffloadState): Promise<StateResult[]> {
    if (!paths.some(({ offloadState }) => isAway(offloadState))) return paths.map(() => ({ status: NDIS_STATUS_INVALID_STATE }));
    const neighbor = 'layer' in to ? to : this.table.neighborFor(to);
    neighbor.pins++;
    try {
      const status = await this.ensure(neighbor);
      if (status !== NDIS_STATUS_SUCCESS) return paths.map(() => ({ status }));
      const results = await new Promise<StateResult[]>((resolve, reject) => {
        this.add(new RelinkRequest(this, neighbor, paths, statusOutcome(resolve, reject)));
      });
      // The first one is the neighbor's own.
      return results.slice(1);
    } finally {
      this.unpin(neighbor);
    }
  }

  /** An update moved a path. */
  relinked(path: HostPath, neighbor: HostNeighbor): void {
    const before = path.parent as HostNeighbor | null;
    if (before === neighbor) return;
    this.table.forgetPath(path);
    path.detach();
    path.attach(neighbor);
    this.table.addPath(neighbor, path);
    if (before !== null) this.dropIfUnused(before);
    // The neighbor may have been asked for meanwhile: what was moved to it goes back with it.
    if (neighbor.wanted !== null) this.want(path, neighbor.wanted);
  }

  /** An invalidate succeeded: nothing new is offloaded on the object. */
  invalidated(object: OffloadedObject): void {
    if (object.offloadState === 'Offloaded') object.moveTo('Invalid', 'invalidated');
    this.table.forget(object);
  }

  private add(operation: InitiateOperation | QueryRequest | UpdateRequest | InvalidateRequest | RelinkRequest): void {
    this.queue.add(operation);
    this.pump();
  }

  // --- terminate ---

  /** Takes objects back with all that depends on them. @returns what came back of each connection among them. */
  async terminate(objects: readonly OffloadedObject[], reason: UploadReason): Promise<UploadResult[]> {
    const uploads = new Map<OffloadedObject, Promise<UploadResult>>();
    const others: Promise<void>[] = [];
    const take = (object: OffloadedObject): void => {
      if (object.layer === 'tcp') uploads.set(object, (object as ChimneyConnection).transfer.terminating());
      else if (isAway(object.offloadState)) others.push(untilGone(object));
      for (const dependent of object.dependents) if (isAway(dependent.offloadState)) take(dependent);
    };
    for (const object of objects) take(object);
    for (const object of objects) this.want(object, reason);
    this.pump();
    // Together, so that what NDIS refuses is heard of whatever else is waited for.
    const [results] = await Promise.all([Promise.all(uploads.values()), Promise.all(others)]);
    return results;
  }

  /** An object, and what depends on it, is to be taken back; {@link pump} does it. */
  want(object: OffloadedObject, reason: UploadReason): void {
    const { offloadState } = object;
    if (offloadState === 'InHost' || offloadState === 'Uploading') return;
    if (object.wanted === null || object.wanted === 'lastDependentGone') object.wanted = reason;
    if (offloadState === 'Lost') object.isRecoveryDue = true;
    this.wanted.add(object);
    for (const dependent of object.dependents) this.want(dependent, reason);
  }

  /** As {@link want}, from a DPC: not from inside the call that is the reason for it. */
  wantLater(object: OffloadedObject, reason: UploadReason): void {
    this.driver.wantLater(object, reason);
  }

  /** A path or neighbor gets something to depend on it after all. */
  unwant(object: OffloadedObject): void {
    object.wanted = null;
    this.wanted.delete(object);
    object.sayGone();
  }

  /** An object that the target lost is terminated once more, from a DPC. */
  recoverLater(object: OffloadedObject): void {
    this.driver.wantLater(object, null);
  }

  /** A lost object is to be terminated once more; what depends on it has its own time. */
  recover(object: OffloadedObject): void {
    if (object.offloadState !== 'Lost') return;
    object.isRecoveryDue = true;
    this.wanted.add(object);
  }

  /** Takes everything back; `onEmpty` runs at PASSIVE_LEVEL when nothing is left, at once when nothing is there. */
  empty(reason: UploadReason, onEmpty: () => void): void {
    for (const object of this.away) this.want(object, reason);
    this.pump();
    if (this.isEmpty) onEmpty();
    else this.whenEmpty.push(onEmpty);
  }

  /** Does something while nothing is offloaded and nothing may be; everything is taken back before. */
  async whileEmpty<Result>(reason: UploadReason, act: () => Promise<Result>): Promise<Result> {
    // Several may do so at once, and a pause or unbind come meanwhile: nothing is offered before the last is over.
    this.emptyings++;
    try {
      await new Promise<void>((resolve) => {
        this.empty(reason, resolve);
      });
      return await act();
    } finally {
      this.emptyings--;
    }
  }

  private get isEmpty(): boolean {
    return this.away.size === 0 && this.queue.isEmpty && (!this.isClosing || this.requests.isIdle);
  }

  /** Goes on with whatever waits for the last thing to be over. */
  checkEmpty(): void {
    if (this.whenEmpty.length === 0 || !this.isEmpty) return;
    const whenEmpty = this.whenEmpty.splice(0);
    // The last completion runs in a DPC; a promise's continuation does not.
    void Promise.resolve().then(() => {
      for (const then of whenEmpty) then();
    });
  }

  /** An object that is the host's, or was never anything else, leaves; what it depended on may have to follow. */
  drop(object: OffloadedObject): void {
    if (object.dependents.size > 0 || isAway(object.offloadState)) return;
    object.pins = 0;
    this.table.forget(object);
    const parent = object.detach();
    if (parent !== null) this.dropIfUnused(parent);
  }

  private dropIfUnused(object: OffloadedObject): void {
    if (object.dependents.size > 0 || object.pins > 0) return;
    if (isAway(object.offloadState)) this.want(object, 'lastDependentGone');
    else this.drop(object);
  }

  /** An object was offloaded, or is the host's again. */
  countAway(object: OffloadedObject, by: number): void {
    if (by > 0) this.away.add(object);
    else this.away.delete(object);
  }

  /** Does whatever has waited and may be done now. */
  pump(): void {
    this.isPumpDue = true;
    if (this.isPumping) return;
    this.isPumping = true;
    try {
      while (this.isPumpDue) {
        this.isPumpDue = false;
        if (this.queue.run()) this.isPumpDue = true;
        const ready = takeReady(this);
        if (ready.length === 0) continue;
        this.isPumpDue = true;
        new TerminateOperation(this, ready).begin();
      }
    } finally {
      this.isPumping = false;
    }
    this.checkEmpty();
  }

  /** Reports a rule that the driver below broke. */
  report(rule: string, detail: string, objects: readonly unknown[], page: string): void {
    this.driver.ndis.reportViolation({ rule, actor: this.name, detail, objects, page });
  }
}

/** Resolves when an object is the host's; rejects when NDIS refuses the terminate. */
function untilGone(object: OffloadedObject): Promise<void> {
  return new Promise((resolve, reject) => {
    object.whenGone((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

function statusOutcome(resolve: (results: StateResult[]) => void, reject: (error: unknown) => void): RequestOutcome {
  return {
    resolve: (statuses) => {
      resolve(statuses.map((status) => ({ status })));
    },
    reject,
  };
}

