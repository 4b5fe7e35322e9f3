import {
  BlockWalk,
  ChimneyViolation,
  IRQL,
  NDIS_HALT_ACTION,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  isChimneyViolation,
  type ChimneyViolationDetails,
  type Clock,
  type ContextOwner,
  type DdiCrossing,
  type DpcQueue,
  type MiniportDriver,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBinding,
  type NdisLibrary,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisObserver,
  type NdisProtocolHandle,
  type NetBuffer,
  type NetBufferList,
  type NetBufferListContextPool,
  type NetBufferListContextPoolParameters,
  type NetBufferListPool,
  type NetBufferListPoolParameters,
  type OffloadBlockList,
  type OpenAdapterResult,
  type ProtocolDriver,
  type Random,
  type RegisterMiniportDriverResult,
  type RegisterProtocolDriverResult,
} from '@ndis-chimney/types';

import { haltAdapter, initializeAdapter, pauseAdapter, restartAdapter } from './adapter-life-cycle.ts';
import { bind, openAdapter, unbind } from './binding-life-cycle.ts';
import { Binding } from './binding.ts';
import { advanceDataStart, retreatDataStart } from './data-start.ts';
import { DeferredFailures } from './deferred-failures.ts';
import { MiniportAdapter } from './miniport-adapter.ts';
import { ObserverList, type ObserverRank } from './observer-list.ts';
import { OperationRecordPool, type OperationRecord } from './operation-record.ts';
import { PassiveWork } from './passive-work.ts';
import { ContextUsage, NdisContextPool } from './pools/context-pool.ts';
import { NdisNetBufferListPool } from './pools/net-buffer-list-pool.ts';
import { MiniportRegistration, ProtocolRegistration } from './registration.ts';
import { RULES, type CoreRule } from './rules.ts';
import { MicrotaskDpcQueue, SeededRandom, SystemClock } from './runtime/index.ts';
import { throwLater } from './runtime/throw-later.ts';
import { describeValue } from './source-tags.ts';
import { UndoLog } from './undo-log.ts';

/** What an {@link Ndis} is made from; everything has a production default. */
export interface NdisOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly dpcQueue?: DpcQueue;
  /**
   * What happens to a violation that no caller is there to be told of. `report`: it is counted and observed. `throw`:
   * it becomes an uncaught error as well, which ends a process. Default `report`.
   */
  readonly onViolation?: 'report' | 'throw';
  /**
   * Whether opens, closes and virtual miniports take their time (NDIS_STATUS_PENDING and a completion) or are done on
   * return. A driver has to cope with both; tests try both. Default false.
   */
  readonly pendLifeCycle?: boolean;
}

/** Told of every violation. */
export type ViolationListener = (violation: ChimneyViolation) => void;

/** Answer of `addAdapter`. */
export interface AddAdapterResult {
  readonly status: NDIS_STATUS;
  readonly ndisMiniportHandle: NdisMiniport | null;
}

/**
 * NDIS: the library between drivers. All state hangs on one object of this class; two hosts in one process are two of
 * them. What belongs to one adapter is on its handle, what belongs to one binding on its binding.
 */
export class Ndis implements NdisLibrary {
  readonly clock: Clock;
  readonly random: Random;
  readonly dpcQueue: DpcQueue;
  readonly pendLifeCycle: boolean;
  /** Adapters by name. */
  readonly adapters: Map<string, MiniportAdapter> = new Map<string, MiniportAdapter>();
  /** Null while nobody observes: then a crossing costs one null test. */
  observers: ObserverList | null = null;
  readonly operations: OperationRecordPool = new OperationRecordPool();
  readonly walk: BlockWalk<OffloadBlockList> = new BlockWalk<OffloadBlockList>();
  readonly undoLog: UndoLog = new UndoLog();
  readonly passive: PassiveWork;
  /** Violations so far. */
  violationCount = 0;
  private readonly onViolation: 'report' | 'throw';
  private readonly deferredFailures: DeferredFailures;
  private readonly violationListeners = new Set<ViolationListener>();
  private readonly reported = new WeakSet<object>();
  private readonly miniportDrivers = new Set<MiniportRegistration>();
  private readonly protocolDrivers = new Set<ProtocolRegistration>();
  private readonly pools = new Set<NetBufferListPool>();
  private contextPools: NdisContextPool[] = [];
  private readonly contextUsage = new Map<object, ContextUsage>();
  private readonly adapterWaiters = new Map<string, readonly ((ndisMiniportHandle: NdisMiniport) => void)[]>();
  private readonly pendingInstances = new Set<string>();
  /** Violations that are not told yet, see {@link holdReports}; null while all are told at once. */
  private held: ChimneyViolation[] | null = null;

  constructor(options: NdisOptions = {}) {
    this.clock = options.clock ?? new SystemClock();
    this.random = options.random ?? new SeededRandom(0);
    this.dpcQueue = options.dpcQueue ?? new MicrotaskDpcQueue();
    this.onViolation = options.onViolation ?? 'report';
    this.pendLifeCycle = options.pendLifeCycle ?? false;
    this.deferredFailures = new DeferredFailures(this.dpcQueue);
    this.passive = new PassiveWork(this.clock, (error) => {
      this.reportEscaped('NDIS', 'work item', error, []);
    });
    this.dpcQueue.onError((error) => {
      this.reportEscaped('a DPC', 'DeferredRoutine', error, []);
    });
  }

  get currentIrql(): IRQL {
    return this.dpcQueue.irql;
  }

  get observer(): NdisObserver | null {
    return this.observers;
  }

  registerMiniportDriver(driver: MiniportDriver<never>, isIntermediate = false): RegisterMiniportDriverResult {
    const call = 'NdisMRegisterMiniportDriver';
    requireDriver(driver, call, MINIPORT_HANDLERS);
    this.requirePassive(call, driver.name);
    const registration = new MiniportRegistration(this, driver, isIntermediate);
    registration.isInSetOptions = true;
    const status = this.setOptions(driver.name, 'MiniportSetOptions', () => driver.miniportSetOptions?.(registration));
    registration.isInSetOptions = false;
    if (status !== NDIS_STATUS_SUCCESS) return { status, ndisDriverHandle: null };
    this.miniportDrivers.add(registration);
    return { status, ndisDriverHandle: registration };
  }

  registerProtocolDriver(driver: ProtocolDriver<never>): RegisterProtocolDriverResult {
    const call = 'NdisRegisterProtocolDriver';
    requireDriver(driver, call, PROTOCOL_HANDLERS);
    this.requirePassive(call, driver.name);
    const registration = new ProtocolRegistration(this, driver);
    registration.isInSetOptions = true;
    const status = this.setOptions(driver.name, 'ProtocolSetOptions', () => driver.protocolSetOptions?.(registration));
    registration.isInSetOptions = false;
    if (status !== NDIS_STATUS_SUCCESS) return { status, ndisProtocolHandle: null };
    this.protocolDrivers.add(registration);
    return { status, ndisProtocolHandle: registration };
  }

  private setOptions(name: string, entry: string, run: () => NDIS_STATUS | undefined): NDIS_STATUS {
    try {
      return run() ?? NDIS_STATUS_SUCCESS;
    } catch (error) {
      this.reportEscaped(name, entry, error, []);
      return NDIS_STATUS_FAILURE;
    }
  }

  deregisterMiniportDriver(ndisDriverHandle: NdisMiniportDriverHandle): void {
    const registration = this.miniportOf(ndisDriverHandle, 'NdisMDeregisterMiniportDriver');
    if (registration.adapters.length > 0) {
      throw this.violation('CHIM-LIF-006', registration.name, `NdisMDeregisterMiniportDriver: ${registration.adapters.length} adapters of the driver are not halted`, [registration]);
    }
    this.miniportDrivers.delete(registration);
    this.forgetContextsOf(registration.driver);
    try {
      registration.driver.miniportDriverUnload?.();
    } catch (error) {
      this.reportEscaped(registration.name, 'MiniportDriverUnload', error, [registration]);
    }
  }

  deregisterProtocolDriver(ndisProtocolHandle: NdisProtocolHandle): void {
    const registration = this.protocolOf(ndisProtocolHandle, 'NdisDeregisterProtocolDriver');
    if (registration.bindings.length > 0) {
      throw this.violation('CHIM-LIF-006', registration.name, `NdisDeregisterProtocolDriver: ${registration.bindings.length} bindings of the driver are open`, [registration]);
    }
    this.protocolDrivers.delete(registration);
    this.forgetContextsOf(registration.driver);
  }

  /** A driver that is gone pushes no more contexts; pools that it left contexts of behind stay, for leak checks. */
  private forgetContextsOf(driver: object): void {
    for (const registration of [...this.miniportDrivers, ...this.protocolDrivers]) {
      if (registration.driver === driver) return;
    }
    this.contextUsage.delete(driver);
    this.contextPools = this.contextPools.filter((pool) => pool.owner !== driver || pool.outstanding > 0);
  }

  imAssociateMiniport(ndisDriverHandle: NdisMiniportDriverHandle, ndisProtocolHandle: NdisProtocolHandle): void {
    const call = 'NdisIMAssociateMiniport';
    const miniport = this.miniportOf(ndisDriverHandle, call);
    const protocol = this.protocolOf(ndisProtocolHandle, call);
    if (!miniport.isIntermediate) {
      throw this.violation('CHIM-LIF-006', miniport.name, `${call}: the driver was not registered as an intermediate driver`, [miniport]);
    }
    miniport.associated = protocol;
    protocol.associated = miniport;
  }

  /**
   * What plug and play does: start an adapter of a driver under a name, up to Running.
   * @param onRestarted called when it runs, before the call returns unless the driver takes its time.
   */
  addAdapter(ndisDriverHandle: NdisMiniportDriverHandle, name: string, onRestarted?: (status: NDIS_STATUS) => void): AddAdapterResult {
    const registration = this.miniportOf(ndisDriverHandle, 'addAdapter');
    this.requirePassive('addAdapter', registration.name);
    if (this.pendingInstances.has(name)) throw new TypeError(`addAdapter: a virtual miniport named ${name} is coming up`);
    return this.startAdapter(registration, name, null, onRestarted);
  }

  private startAdapter(registration: MiniportRegistration, name: string, deviceContext: unknown, onRestarted?: (status: NDIS_STATUS) => void): AddAdapterResult {
    if (this.adapters.has(name)) throw new TypeError(`addAdapter: there is an adapter named ${name} already`);
    const adapter = initializeAdapter(registration, name, deviceContext);
    if (typeof adapter === 'number') return { status: adapter, ndisMiniportHandle: null };
    restartAdapter(adapter, onRestarted ?? null);
    const waiters = this.adapterWaiters.get(name) ?? [];
    this.adapterWaiters.delete(name);
    for (const onUp of waiters) {
      this.callBack(() => {
        onUp(adapter);
      });
    }
    return { status: NDIS_STATUS_SUCCESS, ndisMiniportHandle: adapter };
  }

  imInitializeDeviceInstanceEx(ndisDriverHandle: NdisMiniportDriverHandle, driverInstance: string, deviceContext: unknown): NDIS_STATUS {
    const call = 'NdisIMInitializeDeviceInstanceEx';
    const registration = this.miniportOf(ndisDriverHandle, call);
    this.requirePassive(call, registration.name);
    if (!registration.isIntermediate || this.adapters.has(driverInstance) || this.pendingInstances.has(driverInstance)) {
      return NDIS_STATUS_NOT_ACCEPTED;
    }
    if (!this.pendLifeCycle) return this.startAdapter(registration, driverInstance, deviceContext).status;
    this.pendingInstances.add(driverInstance);
    this.passive.add(() => {
      if (this.pendingInstances.delete(driverInstance)) this.startAdapter(registration, driverInstance, deviceContext);
    });
    return NDIS_STATUS_SUCCESS;
  }

  imCancelInitializeDeviceInstance(ndisDriverHandle: NdisMiniportDriverHandle, driverInstance: string): NDIS_STATUS {
    this.miniportOf(ndisDriverHandle, 'NdisIMCancelInitializeDeviceInstance');
    return this.pendingInstances.delete(driverInstance) ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
  }

  imDeInitializeDeviceInstance(ndisMiniportHandle: NdisMiniport, onHalted?: () => void): void {
    const adapter = this.adapterOf(ndisMiniportHandle, 'NdisIMDeInitializeDeviceInstance');
    haltAdapter(adapter, NDIS_HALT_ACTION.NdisHaltDeviceInstanceDeInitialized, onHalted ?? null);
  }

  /** What plug and play does when a device goes: unbind everything above, pause, halt. */
  removeAdapter(ndisMiniportHandle: NdisMiniport, onHalted?: () => void): void {
    const adapter = this.adapterOf(ndisMiniportHandle, 'removeAdapter');
    haltAdapter(adapter, NDIS_HALT_ACTION.NdisHaltDeviceDisabled, onHalted ?? null);
  }

  /**
   * Calls `onUp` with the adapter of that name as soon as it is initialized; before this returns when it is already.
   * A virtual miniport may come up some time after the bind that started it.
   */
  whenAdapter(name: string, onUp: (ndisMiniportHandle: NdisMiniport) => void): void {
    const adapter = this.adapters.get(name);
    if (adapter !== undefined && adapter.state !== 'initializing') onUp(adapter);
    else this.adapterWaiters.set(name, [...(this.adapterWaiters.get(name) ?? []), onUp]);
  }

  /** The adapter of that name, virtual miniports included, or null. */
  findAdapter(name: string): NdisMiniport | null {
    return this.adapters.get(name) ?? null;
  }

  /**
   * What the network configuration does: let a protocol bind to an adapter.
   * @param onBound called when the bind is over, before the call returns unless the driver takes its time.
   * @returns what `protocolBindAdapterEx` returned.
   */
  bindAdapter(
    ndisProtocolHandle: NdisProtocolHandle,
    ndisMiniportHandle: NdisMiniport,
    onBound?: (status: NDIS_STATUS, binding: NdisBinding | null) => void,
  ): NDIS_STATUS {
    const protocol = this.protocolOf(ndisProtocolHandle, 'bindAdapter');
    const adapter = this.adapterOf(ndisMiniportHandle, 'bindAdapter');
    return bind(protocol, adapter, onBound ?? null);
  }

  /** The opposite: the protocol lets the adapter go. @param onUnbound called when it has. */
  unbindAdapter(binding: NdisBinding, onUnbound?: () => void): void {
    if (!(binding instanceof Binding) || binding.ndis !== this) throw new TypeError(`unbindAdapter: binding is ${describeValue(binding)}, not a binding of this NDIS`);
    unbind(binding, onUnbound ?? null);
  }

  openAdapterEx(ndisProtocolHandle: NdisProtocolHandle, protocolBindingContext: unknown, bindContext: NdisBindContext): OpenAdapterResult {
    return openAdapter(this.protocolOf(ndisProtocolHandle, 'NdisOpenAdapterEx'), protocolBindingContext, bindContext);
  }

  pauseAdapter(ndisMiniportHandle: NdisMiniport, onPaused?: () => void): void {
    pauseAdapter(this.adapterOf(ndisMiniportHandle, 'pauseAdapter'), onPaused ?? null);
  }

  restartAdapter(ndisMiniportHandle: NdisMiniport, onRestarted?: (status: NDIS_STATUS) => void): void {
    restartAdapter(this.adapterOf(ndisMiniportHandle, 'restartAdapter'), onRestarted ?? null);
  }

  allocateNetBufferListPool(owner: string, parameters: NetBufferListPoolParameters = {}): NetBufferListPool {
    const pool = new NdisNetBufferListPool(this, owner, parameters);
    this.pools.add(pool);
    return pool;
  }

  allocateNetBufferListContextPool<ContextData>(
    owner: ContextOwner,
    parameters: NetBufferListContextPoolParameters = {},
  ): NetBufferListContextPool<ContextData> {
    const pool = new NdisContextPool<ContextData>(this, owner, parameters);
    this.contextPools.push(pool as NdisContextPool);
    return pool;
  }

  advanceNetBufferDataStart(netBuffer: NetBuffer, dataOffsetDelta: number, freeMdl: boolean): void {
    advanceDataStart(this, netBuffer, dataOffsetDelta, freeMdl);
  }

  retreatNetBufferDataStart(netBuffer: NetBuffer, dataOffsetDelta: number, dataBackFill: number): NDIS_STATUS {
    return retreatDataStart(this, netBuffer, dataOffsetDelta, dataBackFill);
  }

  /**
   * Lets an observer see every crossing from now on.
   * @param rank who sees things first: verifiers, then traces, then streams.
   * @returns a function that detaches it; with the last one gone, crossings cost what they cost before.
   */
  attachObserver(observer: NdisObserver, rank: ObserverRank = 'trace'): () => void {
    const list =
      this.observers ??
      new ObserverList((error) => {
        this.reportEscaped('an observer', 'NdisObserver', error, [observer]);
      });
    const remove = list.add(observer, rank);
    this.setObservers(list);
    return () => {
      remove();
      if (list.isEmpty && this.observers === list) this.setObservers(null);
    };
  }

  private setObservers(list: ObserverList | null): void {
    this.observers = list;
    for (const adapter of this.adapters.values()) {
      for (const binding of adapter.bindings) binding.observe(list);
    }
  }

  /** Adds a listener for violations. @returns a function that removes it. */
  onViolationReported(listener: ViolationListener): () => void {
    this.violationListeners.add(listener);
    return () => {
      this.violationListeners.delete(listener);
    };
  }

  reportViolation(details: ChimneyViolationDetails): ChimneyViolation {
    const violation = new ChimneyViolation(details);
    this.reported.add(violation);
    this.violationCount++;
    if (this.held === null) this.tell(violation);
    else this.held.push(violation);
    return violation;
  }

  private tell(violation: ChimneyViolation): void {
    for (const listener of [...this.violationListeners]) {
      try {
        listener(violation);
      } catch (error) {
        // Whoever broke the rule is not to blame for its observer.
        throwLater(error);
      }
    }
  }

  /**
   * Violations are told when {@link releaseReports} is called. For work on a tree: a listener may call NDIS, and must
   * find every block either taken or not.
   */
  holdReports(): void {
    this.held ??= [];
  }

  /** Tells what was held back. */
  releaseReports(): void {
    const { held } = this;
    this.held = null;
    if (held !== null) for (const violation of held) this.tell(violation);
  }

  /** Reports a violation of one of the rules NDIS checks itself. */
  violation(rule: CoreRule, actor: string, detail: string, objects: readonly unknown[]): ChimneyViolation {
    return this.reportViolation({ rule, actor, detail, objects, page: RULES[rule] });
  }

  /** Reports a violation that is found when its author has returned: there is no caller to throw to. */
  accuse(rule: CoreRule, actor: string, detail: string, objects: readonly unknown[]): void {
    const violation = this.violation(rule, actor, detail, objects);
    if (this.onViolation === 'throw') throwLater(violation);
  }

  /** Calls back whoever asked for a change of the configuration; what he throws is not NDIS's to die of. */
  callBack(callback: (() => void) | null): void {
    try {
      callback?.();
    } catch (error) {
      this.reportEscaped('the operating system', 'callback', error, []);
    }
  }

  /** Does what needs PASSIVE_LEVEL: now, or when the DPC that causes it is over. */
  atPassive(work: () => void): void {
    if (this.dpcQueue.irql === IRQL.PASSIVE_LEVEL) work();
    else this.passive.add(work);
  }

  /**
   * Deals with what escaped from a driver's handler, at the place where the driver is left: its caller did nothing wrong
   * and goes on. A violation that was reported when it was thrown is not reported again.
   */
  reportEscaped(actor: string, entry: string, error: unknown, objects: readonly unknown[]): void {
    let violation: unknown = error;
    if (!isChimneyViolation(error) || !this.reported.has(error)) {
      const text = error instanceof Error ? error.message : String(error);
      violation = this.reportViolation({
        rule: 'CHIM-LIF-005',
        actor,
        detail: `${entry} threw: ${text}`,
        objects,
        page: RULES['CHIM-LIF-005'],
        cause: error,
      });
    }
    if (this.onViolation === 'throw') throwLater(violation);
  }

  /** Completes an operation with failure, from a DPC. */
  failLater(record: OperationRecord): void {
    this.deferredFailures.addOperation(record);
  }

  /** Completes one NBL in place of the driver below `binding`, from a DPC. */
  completeLater(binding: Binding, netBufferList: NetBufferList, crossing: DdiCrossing): void {
    this.deferredFailures.addList(binding, netBufferList, crossing);
  }

  /** The contexts a driver has pushed by itself; shared by its pools and adapters. */
  contextUsageOf(driver: object): ContextUsage {
    let usage = this.contextUsage.get(driver);
    if (usage === undefined) {
      usage = new ContextUsage();
      this.contextUsage.set(driver, usage);
    }
    return usage;
  }

  /** @internal */
  forgetPool(pool: NetBufferListPool): void {
    this.pools.delete(pool);
  }

  /** What every pool of this NDIS has out, for leak checks: zero everywhere when nothing is under way. */
  get outstanding(): PoolUsage {
    let netBufferLists = 0;
    let netBuffers = 0;
    let contexts = 0;
    for (const pool of this.pools) {
      netBufferLists += pool.outstanding;
      netBuffers += pool.outstandingNetBuffers;
    }
    for (const pool of this.contextPools) contexts += pool.outstanding;
    return { netBufferLists, netBuffers, contexts, operations: this.operations.outstanding };
  }

  /** Some functions wait, or allocate as they like: they are for PASSIVE_LEVEL. */
  requirePassive(call: string, actor: string): void {
    if (this.dpcQueue.irql !== IRQL.PASSIVE_LEVEL) {
      throw this.violation('CHIM-LIF-001', actor, `${call} is called at PASSIVE_LEVEL, not from a DPC`, []);
    }
  }

  private miniportOf(handle: NdisMiniportDriverHandle, call: string): MiniportRegistration {
    const registration = handle as MiniportRegistration;
    if (!this.miniportDrivers.has(registration)) {
      throw new TypeError(`${call}: ndisDriverHandle is ${describeValue(handle)}, not the handle of a driver that is registered with this NDIS`);
    }
    return registration;
  }

  private protocolOf(handle: NdisProtocolHandle, call: string): ProtocolRegistration {
    const registration = handle as ProtocolRegistration;
    if (!this.protocolDrivers.has(registration)) {
      throw new TypeError(`${call}: ndisProtocolHandle is ${describeValue(handle)}, not the handle of a protocol that is registered with this NDIS`);
    }
    return registration;
  }

  private adapterOf(handle: NdisMiniport, call: string): MiniportAdapter {
    if (handle instanceof MiniportAdapter && handle.ndis === this) return handle;
    throw new TypeError(`${call}: ndisMiniportHandle is ${describeValue(handle)}, not an adapter of this NDIS`);
  }
}

/** Objects that pools have out. */
export interface PoolUsage {
  readonly netBufferLists: number;
  readonly netBuffers: number;
  readonly contexts: number;
  /** State operations under way. */
  readonly operations: number;
}

const MINIPORT_HANDLERS: readonly string[] = [
  'miniportInitializeEx',
  'miniportRestart',
  'miniportPause',
  'miniportHaltEx',
  'miniportOidRequest',
  'miniportSendNetBufferLists',
  'miniportReturnNetBufferLists',
];
const PROTOCOL_HANDLERS: readonly string[] = [
  'protocolBindAdapterEx',
  'protocolOpenAdapterCompleteEx',
  'protocolUnbindAdapterEx',
  'protocolCloseAdapterCompleteEx',
  'protocolNetPnPEvent',
  'protocolStatusEx',
  'protocolSendNetBufferListsComplete',
  'protocolReceiveNetBufferLists',
  'protocolOidRequestComplete',
];

function requireDriver(driver: { readonly name: string }, call: string, handlers: readonly string[]): void {
  if (typeof driver !== 'object' || driver === null || typeof driver.name !== 'string' || driver.name === '') {
    throw new TypeError(`${call}: the driver is not an object with a name`);
  }
  const missing = handlers.filter((handler) => typeof (driver as unknown as Record<string, unknown>)[handler] !== 'function');
  if (missing.length > 0) throw new TypeError(`${call}: driver ${driver.name} lacks ${missing.join(', ')}`);
}
