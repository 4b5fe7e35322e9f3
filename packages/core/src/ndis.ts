import {
  BlockWalk,
  IRQL,
  NDIS_HALT_ACTION,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
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
import type { Binding } from './binding.ts';
import { advanceDataStart, retreatDataStart } from './data-start.ts';
import { DeferredFailures } from './deferred-failures.ts';
import { MINIPORT_HANDLERS, PROTOCOL_HANDLERS, requireDriver } from './driver-entries.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import { ObserverList, type ObserverRank } from './observer-list.ts';
import { OperationRecordPool, type OperationRecord } from './operation-record.ts';
import { PassiveWork } from './passive-work.ts';
import { ContextUsage, NdisContextPool } from './pools/context-pool.ts';
import { NdisNetBufferListPool } from './pools/net-buffer-list-pool.ts';
import { MiniportRegistration, ProtocolRegistration } from './registration.ts';
import { MicrotaskDpcQueue, SeededRandom, SystemClock } from './runtime/index.ts';
import { describeValue } from './source-tags.ts';
import { UndoLog } from './undo-log.ts';
import { ViolationReporter } from './violation-reporter.ts';

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

/** Answer of `addAdapter`. */
export interface AddAdapterResult {
  readonly status: NDIS_STATUS;
  readonly ndisMiniportHandle: NdisMiniport | null;
}

/**
 * NDIS: the library between drivers. All state hangs on one object of this class; two hosts in one process are two of
 * them. What belongs to one adapter is on its handle, what belongs to one binding on its binding.
 */
export class Ndis extends ViolationReporter implements NdisLibrary {
  readonly clock: Clock;
  readonly random: Random;
  readonly dpcQueue: DpcQueue;
  /** @internal */
  readonly pendLifeCycle: boolean;
  /** Adapters by name. @internal */
  readonly adapters: Map<string, MiniportAdapter> = new Map<string, MiniportAdapter>();
  /** Null while nobody observes: then a crossing costs one null test. @internal */
  observers: ObserverList | null = null;
  /** @internal */
  readonly operations: OperationRecordPool = new OperationRecordPool();
  /** @internal */
  readonly walk: BlockWalk<OffloadBlockList> = new BlockWalk<OffloadBlockList>();
  /** @internal */
  readonly undoLog: UndoLog = new UndoLog();
  /** @internal */
  readonly passive: PassiveWork;
  private readonly deferredFailures: DeferredFailures;
  private readonly miniportDrivers = new Set<MiniportRegistration>();
  private readonly protocolDrivers = new Set<ProtocolRegistration>();
  private readonly pools = new Set<NetBufferListPool>();
  /** Every adapter and every binding there ever was: what a handle is checked against. @internal */
  readonly adapterHandles: WeakSet<NdisMiniport> = new WeakSet<NdisMiniport>();
  /** @internal */
  readonly bindingHandles: WeakSet<NdisBinding> = new WeakSet<NdisBinding>();
  private contextPools: NdisContextPool[] = [];
  private readonly contextUsage = new Map<object, ContextUsage>();
  private readonly adapterWaiters = new Map<string, readonly ((ndisMiniportHandle: NdisMiniport) => void)[]>();
  private readonly pendingInstances = new Set<string>();

  constructor(options: NdisOptions = {}) {
    super(options.onViolation ?? 'report');
    this.clock = options.clock ?? new SystemClock();
    this.random = options.random ?? new SeededRandom(0);
    this.dpcQueue = options.dpcQueue ?? new MicrotaskDpcQueue();
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
    if (!this.bindingHandles.has(binding)) throw new TypeError(`unbindAdapter: binding is ${describeValue(binding)}, not a binding of this NDIS`);
    unbind(binding as Binding, onUnbound ?? null);
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
    this.contextPools.push(pool);
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

  /** Does what needs PASSIVE_LEVEL: now, or when the DPC that causes it is over. @internal */
  atPassive(work: () => void): void {
    if (this.dpcQueue.irql === IRQL.PASSIVE_LEVEL) work();
    else this.passive.add(work);
  }

  /** Completes an operation with failure, from a DPC. @internal */
  failLater(record: OperationRecord): void {
    this.deferredFailures.addOperation(record);
  }

  /** Completes one NBL in place of the driver below `binding`, from a DPC. @internal */
  completeLater(binding: Binding, netBufferList: NetBufferList, crossing: DdiCrossing): void {
    this.deferredFailures.addList(binding, netBufferList, crossing);
  }

  /**
   * Returns one indicated NBL in place of the driver above `binding`, from a DPC.
   * @internal
   */
  returnLater(binding: Binding, netBufferList: NetBufferList): void {
    this.deferredFailures.addReturn(binding, netBufferList);
  }

  /** The contexts a driver has pushed by itself; shared by its pools and adapters. @internal */
  contextUsageOf(driver: object): ContextUsage {
    let usage = this.contextUsage.get(driver);
    if (usage === undefined) {
      usage = new ContextUsage();
      this.contextUsage.set(driver, usage);
    }
    return usage;
  }

  /** True for a pool of contexts that this NDIS has made. @internal */
  hasContextPool(pool: unknown): boolean {
    return this.contextPools.some((one) => one === pool);
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

  /** Some functions wait, or allocate as they like: they are for PASSIVE_LEVEL. @internal */
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
    if (this.adapterHandles.has(handle)) return handle as MiniportAdapter;
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
