import {
  NDIS_DEVICE_POWER_STATE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_SUCCESS,
  NdisTcpConnectionOffloadParameters,
  OID_PNP_SET_POWER,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  formatNdisStatus,
  isOffloadableState,
  type NDIS_STATUS,
  type NdisLibrary,
  type NdisProtocolHandle,
  type NdisTcpConnectionOffload,
  type NeighborOffloadState,
  type OffloadBlockState,
} from '@ndis-chimney/types';
import type { Observable } from 'rxjs';

import type { ChimneyConnection } from './connection.ts';
import type { ConnectionState } from './connection-description.ts';
import { requireConnectionState } from './data-in-flight.ts';
import type { HostAdapter } from './host-adapter.ts';
import { HostDriver } from './host-driver.ts';
import type { HostNeighbor } from './host-neighbor.ts';
import type { AdapterEvent, ChimneyHostOptions, OffloadOptions } from './host-options.ts';
import type { HostPath } from './host-path.ts';
import type { StateClass } from './layer-blocks.ts';
import type { OffloadStateChange, UserUploadReason } from './offload-state.ts';
import type { OffloadedObject } from './offloaded-object.ts';
import { confirmNeighbor } from './reachability.ts';
import type { ChimneyStatistics, NeighborOffloadResult, OffloadResult, QueryResult, StateResult, UploadResult } from './results.ts';

/**
 * The host's side of the chimney: it offers TCP connections to the adapters it is bound to, uses them, and takes them
 * back.
 *
 * It keeps the rules that bind a host, so that its user cannot break them: nothing is offered before the chimney is
 * enabled or while offloading is paused; what is asked of an object waits for what must be over before it; a neighbor or
 * path is taken back with the last that depends on it; whatever a target must have back (mandatory uploads, pauses,
 * unbinds) is given back. Every promise settles, whatever ends.
 */
export class ChimneyHost {
  private readonly driver: HostDriver;

  constructor(ndis: NdisLibrary, options: ChimneyHostOptions = {}) {
    this.driver = new HostDriver(ndis, {
      name: options.name ?? 'chimney-host',
      parameters: options.parameters ?? new NdisTcpConnectionOffloadParameters(),
      reachability: options.reachability ?? confirmNeighbor,
      uploadPolicy: options.uploadPolicy ?? ignoreOptional,
    });
  }

  get name(): string {
    return this.driver.name;
  }

  /** The NDIS it is made for. */
  get ndis(): NdisLibrary {
    return this.driver.ndis;
  }

  /** The registration; valid after {@link register}. */
  get ndisProtocolHandle(): NdisProtocolHandle {
    return this.driver.ndisProtocolHandle;
  }

  /** Every change in the life of every neighbor, path and connection. Completes with {@link dispose}. */
  get stateChanges$(): Observable<OffloadStateChange> {
    return this.driver.changes.asObservable();
  }

  /** Everything that comes back, whoever had it taken back. Completes with {@link dispose}. */
  get uploads$(): Observable<UploadResult> {
    return this.driver.uploads.asObservable();
  }

  /** What happens to the adapters. Completes with {@link dispose}. */
  get adapterEvents$(): Observable<AdapterEvent> {
    return this.driver.adapterEvents.asObservable();
  }

  /** Registers the driver with NDIS; from then on it can bind. @throws Error when NDIS refuses it. */
  register(): this {
    const { driver } = this;
    const { status, ndisProtocolHandle } = driver.ndis.registerProtocolDriver(driver);
    if (ndisProtocolHandle === null) throw new Error(`driver ${driver.name}: NdisRegisterProtocolDriver: ${formatNdisStatus(status)}`);
    driver.ndisProtocolHandle = ndisProtocolHandle;
    return this;
  }

  /** Gives the pool back and ends the streams. Nothing is bound any more. */
  dispose(): void {
    const { pool, changes, uploads, adapterEvents } = this.driver;
    pool.freeNetBufferListPool();
    changes.complete();
    uploads.complete();
    adapterEvents.complete();
  }

  /** Names of the adapters the host is bound to. */
  get adapterNames(): readonly string[] {
    return this.adapters.map(({ name }) => name);
  }

  private get adapters(): readonly HostAdapter[] {
    return [...this.driver.adapters.values()];
  }

  /** Neighbors, paths and connections that are not the host's. */
  get offloadedObjects(): readonly OffloadedObject[] {
    return this.adapters.flatMap(({ away }) => [...away]);
  }

  /** Connections that are not the host's. */
  get connections(): readonly ChimneyConnection[] {
    return this.offloadedObjects.filter(({ layer }) => layer === 'tcp') as ChimneyConnection[];
  }

  /** What an adapter can offload; null when it cannot, or is not bound. */
  capabilitiesOf(adapterName: string): NdisTcpConnectionOffload | null {
    return this.find(adapterName)?.capabilities ?? null;
  }

  /** What TCP runs with on an adapter; null when it is not bound, or refused it. */
  parametersOf(adapterName: string): NdisTcpConnectionOffloadParameters | null {
    const adapter = this.find(adapterName);
    return adapter?.isEnabled === true ? adapter.parameters : null;
  }

  // --- offload ---

  /**
   * Offers a connection to an adapter, with a neighbor and a path that it shares with others of the same addresses. What
   * came back of an earlier offload is as good as a description. The state is copied; its send data is lent.
   * @returns how it ended: a refusal is not an error.
   * @throws TypeError when the host is not bound to such an adapter, or the state contradicts itself.
   */
  async offload(state: ConnectionState, options: OffloadOptions = {}): Promise<OffloadResult> {
    const adapter = this.placeFor('offload', options);
    requireConnectionState(state, 'ChimneyHost.offload');
    const [result] = this.offer(adapter, [state], options);
    return result!;
  }

  /**
   * Offers many connections as one tree. Each ends for itself: that some are refused does not concern the others.
   * @returns how each ended, in order. @throws as {@link offload}; nothing is offered then.
   */
  async offloadAll(states: readonly ConnectionState[], options: OffloadOptions = {}): Promise<OffloadResult[]> {
    const adapter = this.placeFor('offloadAll', options);
    states.forEach((state, at) => {
      requireConnectionState(state, `ChimneyHost.offloadAll: connection ${at}`);
    });
    return Promise.all(this.offer(adapter, states, options));
  }

  private offer(adapter: HostAdapter, states: readonly ConnectionState[], options: OffloadOptions): Promise<OffloadResult>[] {
    // A connection that is closed or not open yet is no mistake of the caller's: it cannot be offloaded, and stays.
    const isOffloadable = states.map(({ tcp }) => isOffloadableState(tcp.delegated!.state));
    const offered = adapter.offload(states.filter((_, at) => isOffloadable[at]), options)[Symbol.iterator]();
    return isOffloadable.map((is) => (is ? (offered.next().value as Promise<OffloadResult>) : Promise.resolve({ status: NDIS_STATUS_INVALID_STATE, connection: null })));
  }

  /** Offers a neighbor by itself. It stays with the target until it is terminated, whatever depends on it. */
  async offloadNeighbor(state: NeighborOffloadState, options: Pick<OffloadOptions, 'adapterName'> = {}): Promise<NeighborOffloadResult> {
    const adapter = this.placeFor('offloadNeighbor', options);
    if (state.const === null || state.cached === null) throw new TypeError('ChimneyHost.offloadNeighbor: the state is not complete: const and cached are needed');
    return adapter.offloadNeighbor(state);
  }

  private placeFor(call: string, { adapterName, neighbor, path }: OffloadOptions): HostAdapter {
    const shared = path ?? neighbor;
    const adapter = shared === undefined ? this.find(adapterName) : shared.adapter;
    if (adapter === null || !this.driver.adapters.has(adapter.binding)) throw new TypeError(`ChimneyHost.${call}: not bound to ${adapterName ?? 'any adapter'}`);
    if (path !== undefined && neighbor !== undefined && path.parent !== null && path.parent !== neighbor) throw new TypeError(`ChimneyHost.${call}: the path is linked to another neighbor`);
    if (neighbor !== undefined && neighbor.adapter !== adapter) throw new TypeError(`ChimneyHost.${call}: path and neighbor are of different adapters`);
    return adapter;
  }

  private find(adapterName: string | undefined): HostAdapter | null {
    return this.adapters.find(({ name }) => adapterName === undefined || name === adapterName) ?? null;
  }

  // --- what is offloaded ---

  /**
   * Links paths to another neighbor (`NdisUpdateOffload`), which is offloaded first when it is not. The one they were
   * linked to is taken back when nothing depends on it any more. @returns how it ended for each path.
   */
  relink(paths: readonly HostPath[], neighbor: HostNeighbor | NeighborOffloadState): Promise<StateResult[]> {
    const [first] = paths;
    if (first === undefined) return Promise.resolve([]);
    if (paths.some(({ adapter }) => adapter !== first.adapter) || ('layer' in neighbor && neighbor.adapter !== first.adapter)) {
      return Promise.reject(new TypeError('ChimneyHost.relink: paths and neighbor are of different adapters'));
    }
    return first.adapter.relink(paths, neighbor);
  }

  /** Reads state of objects back, in one tree per adapter (`NdisQueryOffloadState`). @returns how it ended for each, in order. */
  query(objects: readonly OffloadedObject[], kind: StateClass = 'all'): Promise<QueryResult<OffloadBlockState>[]> {
    return forEachAdapter(objects, (adapter, own) => adapter.query(own, kind));
  }

  /** Invalidates objects, in one tree per adapter (`NdisInvalidateOffload`). @returns how it ended for each, in order. */
  invalidate(objects: readonly OffloadedObject[]): Promise<StateResult[]> {
    return forEachAdapter(objects, (adapter, own) => adapter.invalidate(own));
  }

  /**
   * Takes objects back, with everything that depends on them; all that is offloaded when none are named. What can go
   * together goes in one tree. @returns what came back of each connection among them.
   */
  async terminate(objects: readonly OffloadedObject[] = this.offloadedObjects, reason: UserUploadReason = 'requested'): Promise<UploadResult[]> {
    const results = await Promise.all([...byAdapter(objects)].map(([adapter, own]) => adapter.terminate(own, reason)));
    return results.flat();
  }

  // --- adapters ---

  /** Counters of an adapter, offloaded traffic only: to be added to the host's own. @throws as {@link offload}. */
  async statistics(adapterName?: string): Promise<ChimneyStatistics> {
    return this.require('statistics', adapterName).requests.statistics();
  }

  /** Sets the counters of one IP version to zero. @throws as {@link offload}. */
  async resetStatistics(ipVersion: 4 | 6, adapterName?: string): Promise<NDIS_STATUS> {
    return this.require('resetStatistics', adapterName).requests.resetStatistics(ipVersion === 6);
  }

  /**
   * Sets other parameters on an adapter. When the clock rate changes everything is taken back first, for all times are in
   * its ticks. @returns the target's answer; the old parameters hold unless it is NDIS_STATUS_SUCCESS.
   */
  async setParameters(parameters: NdisTcpConnectionOffloadParameters, adapterName?: string): Promise<NDIS_STATUS> {
    const adapter = this.require('setParameters', adapterName);
    const next = new NdisTcpConnectionOffloadParameters().copyFrom(parameters);
    const set = async (): Promise<NDIS_STATUS> => {
      const { status } = await adapter.requests.request(OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, true, next);
      if (status !== NDIS_STATUS_SUCCESS) return status;
      adapter.parameters = next;
      adapter.isEnabled = true;
      return status;
    };
    return next.ticksPerSecond === adapter.ticksPerSecond ? set() : adapter.whileEmpty('parametersChanged', set);
  }

  /**
   * OID_PNP_SET_POWER. Everything is taken back before a state below D0, and nothing offered until D0 is set again.
   * @returns the target's answer. Source: `power-management-for-offload-targets.md`.
   */
  async setPower(powerState: NDIS_DEVICE_POWER_STATE, adapterName?: string): Promise<NDIS_STATUS> {
    const adapter = this.require('setPower', adapterName);
    const set = async (): Promise<NDIS_STATUS> => {
      const { status } = await adapter.requests.request(OID_PNP_SET_POWER, true, powerState);
      if (status === NDIS_STATUS_SUCCESS) adapter.isAwake = powerState === NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0;
      return status;
    };
    return powerState === NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0 ? set() : adapter.whileEmpty('power', set);
  }

  private require(call: string, adapterName: string | undefined): HostAdapter {
    const adapter = this.find(adapterName);
    if (adapter === null) throw new TypeError(`ChimneyHost.${call}: not bound to ${adapterName ?? 'any adapter'}`);
    return adapter;
  }
}

function byAdapter(objects: readonly OffloadedObject[]): Map<HostAdapter, OffloadedObject[]> {
  const groups = new Map<HostAdapter, OffloadedObject[]>();
  for (const object of new Set(objects)) {
    const own = groups.get(object.adapter);
    if (own === undefined) groups.set(object.adapter, [object]);
    else own.push(object);
  }
  return groups;
}

/** Asks each adapter about its own objects. @returns the answers in the order of the objects. */
async function forEachAdapter<Result>(objects: readonly OffloadedObject[], ask: (adapter: HostAdapter, own: OffloadedObject[]) => Promise<Result[]>): Promise<Result[]> {
  const results = new Map<OffloadedObject, Result>();
  await Promise.all(
    [...byAdapter(objects)].map(async ([adapter, own]) => {
      const ended = await ask(adapter, own);
      own.forEach((object, at) => results.set(object, ended[at]!));
    }),
  );
  return objects.map((object) => results.get(object)!);
}

function ignoreOptional(): boolean {
  return false;
}
