import { Ndis, type NdisOptions } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import {
  Dpc,
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisMiniportAdapterRegistrationAttributes,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  type ChimneyViolation,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type MiniportDriver,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBinding,
  type NdisBindParameters,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisProtocolHandle,
  type NdisTcpOffloadEventHandlers,
  type ProtocolDriver,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

type TargetEntries = MiniportDriver<object> & ProviderChimneyOffloadGenericHandlers<object> & ProviderChimneyOffloadTcpHandlers<object, object>;
type HostEntries = ProtocolDriver<object> & ClientChimneyOffloadGenericHandlers<object> & ClientChimneyOffloadTcpHandlers<object, unknown>;

/** A call of a driver's entry: its name, then its arguments. */
type Call = readonly [entry: string, ...args: unknown[]];

/** What a test driver notes of itself. */
interface Notes {
  readonly calls: Call[];
  /** Names of the entries called so far. */
  entries: () => string[];
}

/** A target that notes what is called, keeps what it is given, and agrees to everything about its life. */
export interface TestTarget extends TargetEntries, Notes {
  miniport: NdisMiniport;
  handlers: NdisTcpOffloadEventHandlers;
  driverHandle: NdisMiniportDriverHandle;
}

/** A host that notes what is called, and binds and closes when it is asked to. */
export interface TestHost extends HostEntries, Notes {
  protocolHandle: NdisProtocolHandle;
  bindContext: NdisBindContext;
  parameters: NdisBindParameters;
  /** The binding opened last. */
  binding: NdisBinding;
}

/** Makes an object whose entries note that they were called and then do what `entries` says. */
function noting(name: string, entries: Record<string, unknown>): Record<string, unknown> & Notes {
  const calls: Call[] = [];
  const methods = Object.entries(entries).map(([entry, behavior]) => [
    entry,
    (...args: unknown[]): unknown => {
      calls.push([entry, ...args]);
      return typeof behavior === 'function' ? (behavior as (...args: unknown[]) => unknown)(...args) : behavior;
    },
  ]);
  return { ...(Object.fromEntries(methods) as Record<string, unknown>), name, calls, entries: () => calls.map(([entry]) => entry) };
}

/** See {@link TestTarget}. @param overrides what a test wants an entry to do, or just to answer. */
export function createTarget(name = 'target', overrides: { [Entry in keyof TargetEntries]?: TargetEntries[Entry] | NDIS_STATUS } = {}): TestTarget {
  const target = noting(name, {
    miniportSetOptions(handle: NdisMiniportDriverHandle) {
      handle.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(target));
      return handle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(target));
    },
    miniportInitializeEx(miniport: NdisMiniport) {
      setRegistrationAttributes(miniport, target);
      target.miniport = miniport;
      const { offloadHandlers } = miniport.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
      if (offloadHandlers !== null) target.handlers = offloadHandlers;
      return NDIS_STATUS_SUCCESS;
    },
    miniportRestart: NDIS_STATUS_SUCCESS,
    miniportPause: NDIS_STATUS_SUCCESS,
    miniportHaltEx: undefined,
    miniportDriverUnload: undefined,
    miniportOidRequest: NDIS_STATUS_NOT_SUPPORTED,
    miniportSendNetBufferLists: undefined,
    miniportReturnNetBufferLists: undefined,
    miniportInitiateOffload: undefined,
    miniportTerminateOffload: undefined,
    miniportUpdateOffload: undefined,
    miniportInvalidateOffload: undefined,
    miniportQueryOffload: undefined,
    miniportTcpOffloadSend: NDIS_STATUS_PENDING,
    miniportTcpOffloadReceive: NDIS_STATUS_PENDING,
    miniportTcpOffloadDisconnect: NDIS_STATUS_PENDING,
    miniportTcpOffloadForward: NDIS_STATUS_PENDING,
    miniportTcpOffloadReceiveReturn: NDIS_STATUS_SUCCESS,
    ...overrides,
  }) as unknown as TestTarget;
  return target;
}

/** Sets the attributes without which an adapter does not come up. */
export function setRegistrationAttributes(miniport: NdisMiniport, adapterContext: object): void {
  const attributes = new NdisMiniportAdapterRegistrationAttributes();
  attributes.miniportAdapterContext = adapterContext;
  miniport.setMiniportAttributes(attributes);
}

/** See {@link TestHost}. @param overrides what a test wants an entry to do, or just to answer. */
export function createHost(ndis: Ndis, name = 'host', overrides: { [Entry in keyof HostEntries]?: HostEntries[Entry] | NDIS_STATUS } = {}): TestHost {
  const host = noting(name, {
    protocolSetOptions(handle: NdisProtocolHandle) {
      handle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(host));
      return handle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(host));
    },
    protocolBindAdapterEx(bindContext: NdisBindContext, parameters: NdisBindParameters) {
      host.bindContext = bindContext;
      host.parameters = parameters;
      const { status, ndisBindingHandle } = ndis.openAdapterEx(host.protocolHandle, host, bindContext);
      if (ndisBindingHandle !== null) host.binding = ndisBindingHandle;
      return status;
    },
    protocolOpenAdapterCompleteEx(_context: object, status: NDIS_STATUS) {
      host.bindContext.completeBindAdapterEx(status);
    },
    protocolUnbindAdapterEx: () => host.binding.closeAdapterEx(),
    protocolCloseAdapterCompleteEx() {
      host.binding.completeUnbindAdapterEx();
    },
    protocolNetPnPEvent: NDIS_STATUS_SUCCESS,
    protocolStatusEx: undefined,
    protocolSendNetBufferListsComplete: undefined,
    protocolReceiveNetBufferLists: undefined,
    protocolOidRequestComplete: undefined,
    protocolInitiateOffloadComplete: undefined,
    protocolTerminateOffloadComplete: undefined,
    protocolUpdateOffloadComplete: undefined,
    protocolInvalidateOffloadComplete: undefined,
    protocolQueryOffloadComplete: undefined,
    protocolIndicateOffloadEvent: undefined,
    protocolTcpOffloadSendComplete: undefined,
    protocolTcpOffloadReceiveComplete: undefined,
    protocolTcpOffloadDisconnectComplete: undefined,
    protocolTcpOffloadForwardComplete: undefined,
    protocolTcpOffloadEvent: undefined,
    protocolTcpOffloadReceiveIndicate: NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
    ...overrides,
  }) as unknown as TestHost;
  return host;
}

/** An NDIS that stands still, and the violations it reports. */
export interface TestNdis {
  readonly ndis: Ndis;
  readonly runtime: DeterministicRuntime;
  readonly violations: ChimneyViolation[];
  /** Ids of the violations so far. */
  readonly rules: () => string[];
  /** Lets everything happen that is due now. */
  readonly settle: () => void;
}

/** See {@link TestNdis}. */
export function createTestNdis(options: NdisOptions = {}): TestNdis {
  const runtime = new DeterministicRuntime();
  const ndis = new Ndis({ clock: runtime.clock, random: runtime.random, dpcQueue: runtime.dpcQueue, ...options });
  const violations: ChimneyViolation[] = [];
  ndis.onViolationReported((violation) => {
    violations.push(violation);
  });
  return {
    ndis,
    runtime,
    violations,
    rules: () => violations.map(({ rule }) => rule),
    settle: () => {
      runtime.advance(0);
    },
  };
}

/** Registers a target and starts its adapter. @returns the status of the start. */
export function start(ndis: Ndis, target: TestTarget, adapterName = 'nic'): NDIS_STATUS {
  const { ndisDriverHandle } = ndis.registerMiniportDriver(target);
  if (ndisDriverHandle === null) throw new Error(`${target.name} was not registered`);
  target.driverHandle = ndisDriverHandle;
  return ndis.addAdapter(ndisDriverHandle, adapterName).status;
}

/** Registers a host. */
export function register(ndis: Ndis, host: TestHost): TestHost {
  const { ndisProtocolHandle } = ndis.registerProtocolDriver(host);
  if (ndisProtocolHandle === null) throw new Error(`${host.name} was not registered`);
  host.protocolHandle = ndisProtocolHandle;
  return host;
}

/** Registers a host and binds it to an adapter. @returns what the bind was answered with. */
export function bind(ndis: Ndis, host: TestHost, adapterName = 'nic', onBound?: (status: NDIS_STATUS, binding: NdisBinding | null) => void): NDIS_STATUS {
  register(ndis, host);
  const adapter = ndis.findAdapter(adapterName);
  if (adapter === null) throw new Error(`there is no adapter ${adapterName}`);
  return ndis.bindAdapter(host.protocolHandle, adapter, onBound);
}

/** Runs something in a DPC, once DPCs run. */
export function deferred(ndis: Ndis, run: () => void): void {
  ndis.dpcQueue.insert(new Dpc({ runDpc: run }));
}
