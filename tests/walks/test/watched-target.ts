import { present } from '@ndis-chimney/kit';
import {
  Dpc,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  NdisStatusIndication,
  OID_PNP_SET_POWER,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  offloadLayerOf,
  type DpcQueue,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_HALT_ACTION,
  type NDIS_STATUS,
  type NdisDriverOptionalHandlers,
  type NdisMiniport,
  type NdisMiniportAdapterRegistrationAttributes,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type OffloadHandle,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
  type Random,
} from '@ndis-chimney/types';

import { visit, type ObjectLedger, type StateOperationName } from './object-ledger.ts';
import { Refusals, refuseAll } from './refusals.ts';

/** How many of a hundred operations the target does not carry out. */
export interface RefusalRates {
  /** Objects of an initiate. */
  readonly initiate: number;
  readonly query: number;
  readonly update: number;
  readonly invalidate: number;
  /** Terminates; each object's next one succeeds. */
  readonly terminate: number;
}

/** Everything works. */
export const NO_REFUSALS: RefusalRates = { initiate: 0, query: 0, update: 0, invalidate: 0, terminate: 0 };

/** What a wrapped target may use, and what it tells. */
export interface WatchedTargetSettings {
  readonly random: Random;
  readonly dpcQueue: DpcQueue;
  readonly ledger: ObjectLedger;
  readonly refusals: RefusalRates;
}

/** One adapter of the target: the real handle, and the functions to indicate with. */
interface Adapter {
  readonly name: string;
  readonly miniport: NdisMiniport;
  handlers: NdisTcpOffloadEventHandlers | null;
}

const COMPLETIONS = {
  initiate: 'initiateOffloadComplete',
  query: 'queryOffloadStateComplete',
  update: 'updateOffloadComplete',
  invalidate: 'invalidateOffloadComplete',
  terminate: 'terminateOffloadComplete',
} as const satisfies Record<StateOperationName, keyof NdisMiniport>;

/**
 * A wrapper around an offload target: it interposes on the provider functions going down and the completion functions
 * going up, so to NDIS it is the target. It keeps the ledger of what is offloaded, and does not carry out some of what
 * it is asked to, as a target with too little memory or with broken hardware would not.
 */
export class WatchedTarget<Context>
  implements MiniportDriver<Context>, ProviderChimneyOffloadGenericHandlers<Context>, ProviderChimneyOffloadTcpHandlers<Context, unknown>
{
  readonly name: string;
  /** What is refused from now on. */
  refusals: RefusalRates;
  protected readonly settings: WatchedTargetSettings;
  private readonly inner: MiniportDriver<Context>;
  private generic!: ProviderChimneyOffloadGenericHandlers<Context>;
  private tcp!: ProviderChimneyOffloadTcpHandlers<Context, unknown>;
  private readonly adapters = new Map<Context, Adapter>();
  private readonly removals = new Map<MiniportOffloadBlockList, Refusals>();
  /** Objects of which a terminate failed: the next one does not. */
  private readonly lost = new WeakSet<OffloadHandle>();

  constructor(inner: MiniportDriver<Context>, settings: WatchedTargetSettings) {
    this.inner = inner;
    this.name = inner.name;
    this.settings = settings;
    this.refusals = settings.refusals;
  }

  /** Indicates a status to whoever is bound to an adapter. */
  indicate(adapterName: string, statusCode: NDIS_STATUS): void {
    const indication = new NdisStatusIndication();
    indication.statusCode = statusCode;
    for (const { name, miniport } of this.adapters.values()) {
      if (name !== adapterName) continue;
      indication.sourceHandle = miniport;
      miniport.indicateStatusEx(indication);
    }
  }

  // --- life cycle ---

  miniportSetOptions(ndisDriverHandle: NdisMiniportDriverHandle): NDIS_STATUS {
    const take = ({ handlers }: NdisDriverOptionalHandlers): NDIS_STATUS => {
      if ('miniportInitiateOffload' in handlers) this.generic = handlers;
      if ('miniportTcpOffloadSend' in handlers) this.tcp = handlers;
      return NDIS_STATUS_SUCCESS;
    };
    this.inner.miniportSetOptions?.(interpose(ndisDriverHandle, { setOptionalHandlers: take }));
    ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(this));
    return ndisDriverHandle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(this));
  }

  miniportInitializeEx(ndisMiniportHandle: NdisMiniport, initParameters: NdisMiniportInitParameters): NDIS_STATUS {
    const adapter: Adapter = { name: initParameters.adapterName, miniport: ndisMiniportHandle, handlers: null };
    const complete = (operation: StateOperationName) => (tree: MiniportOffloadBlockList) => {
      this.completed(operation, tree);
      ndisMiniportHandle[COMPLETIONS[operation]](tree);
    };
    const interposed = interpose(ndisMiniportHandle, {
      initiateOffloadComplete: complete('initiate'),
      queryOffloadStateComplete: complete('query'),
      updateOffloadComplete: complete('update'),
      invalidateOffloadComplete: complete('invalidate'),
      terminateOffloadComplete: complete('terminate'),
      setMiniportAttributes: (attributes) => {
        if ('miniportAdapterContext' in attributes) this.adapters.set((attributes as NdisMiniportAdapterRegistrationAttributes<Context>).miniportAdapterContext as Context, adapter);
        return ndisMiniportHandle.setMiniportAttributes(attributes);
      },
      getOffloadHandlers: (chimneyType) => {
        const result = ndisMiniportHandle.getOffloadHandlers(chimneyType);
        adapter.handlers = result.offloadHandlers;
        return result.offloadHandlers === null ? result : { ...result, offloadHandlers: this.handlersFor(result.offloadHandlers) };
      },
    });
    return this.inner.miniportInitializeEx(interposed, initParameters);
  }

  /** What the target indicates and completes with. */
  protected handlersFor(handlers: NdisTcpOffloadEventHandlers): NdisTcpOffloadEventHandlers {
    return handlers;
  }

  miniportRestart(context: Context): NDIS_STATUS {
    return this.inner.miniportRestart(context);
  }

  miniportPause(context: Context): NDIS_STATUS {
    return this.inner.miniportPause(context);
  }

  miniportHaltEx(context: Context, haltAction: NDIS_HALT_ACTION): void {
    this.adapters.delete(context);
    this.inner.miniportHaltEx(context, haltAction);
  }

  miniportDriverUnload(): void {
    this.inner.miniportDriverUnload?.();
  }

  miniportOidRequest(context: Context, oidRequest: NdisOidRequest): NDIS_STATUS {
    return oidRequest.oid === OID_PNP_SET_POWER ? NDIS_STATUS_SUCCESS : this.inner.miniportOidRequest(context, oidRequest);
  }

  miniportSendNetBufferLists(context: Context, netBufferList: NetBufferList, portNumber: number, sendFlags: number): void {
    this.inner.miniportSendNetBufferLists(context, netBufferList, portNumber, sendFlags);
  }

  miniportReturnNetBufferLists(context: Context, netBufferList: NetBufferList, returnFlags: number): void {
    this.inner.miniportReturnNetBufferLists(context, netBufferList, returnFlags);
  }

  // --- state operations ---

  miniportInitiateOffload(context: Context, tree: MiniportOffloadBlockList): void {
    this.settings.ledger.begin('initiate', tree);
    const { initiate } = this.refusals;
    const { random } = this.settings;
    if (initiate > 0 && random.nextInt(400) < initiate) {
      refuseAll(tree, random);
      this.completeLater(context, 'initiate', tree, false);
      return;
    }
    if (initiate > 0) {
      const removed = new Refusals();
      removed.takeOut(tree, initiate, random);
      this.removals.set(tree, removed);
    }
    this.generic.miniportInitiateOffload(context, tree);
  }

  miniportQueryOffload(context: Context, tree: MiniportOffloadBlockList): void {
    if (!this.fails(context, 'query', tree)) this.generic.miniportQueryOffload(context, tree);
  }

  miniportUpdateOffload(context: Context, tree: MiniportOffloadBlockList): void {
    if (!this.fails(context, 'update', tree)) this.generic.miniportUpdateOffload(context, tree);
  }

  miniportInvalidateOffload(context: Context, tree: MiniportOffloadBlockList): void {
    if (!this.fails(context, 'invalidate', tree)) this.generic.miniportInvalidateOffload(context, tree);
  }

  miniportTerminateOffload(context: Context, tree: MiniportOffloadBlockList): void {
    if (!this.fails(context, 'terminate', tree)) this.generic.miniportTerminateOffload(context, tree);
  }

  /** True when the operation is not carried out: then it is completed with a failure, from a DPC. */
  private fails(context: Context, operation: Exclude<StateOperationName, 'initiate'>, tree: MiniportOffloadBlockList): boolean {
    this.settings.ledger.begin(operation, tree);
    if (this.refusals[operation] === 0 || this.settings.random.nextInt(100) >= this.refusals[operation]) return false;
    const handles: OffloadHandle[] = [];
    visit(tree, ({ ndisOffloadHandle }) => {
      if (ndisOffloadHandle !== null) handles.push(ndisOffloadHandle);
    });
    if (operation === 'terminate') {
      if (handles.some((handle) => this.lost.has(handle))) return false;
      for (const handle of handles) this.lost.add(handle);
    }
    visit(tree, (block) => {
      block.status = NDIS_STATUS_FAILURE;
    });
    this.completeLater(context, operation, tree, operation !== 'update');
    return true;
  }

  /** Completes a tree that the target has not seen. @param isBroken the connections in it are asked for, then reset. */
  protected completeLater(context: Context, operation: StateOperationName, tree: MiniportOffloadBlockList, isBroken: boolean): void {
    const { miniport, handlers } = present(this.adapters.get(context));
    const runDpc = (): void => {
      const connections: OffloadHandle[] = [];
      if (isBroken) visit(tree, ({ header, ndisOffloadHandle }) => {
        if (ndisOffloadHandle !== null && offloadLayerOf(header.type) === 'tcp') connections.push(ndisOffloadHandle);
      });
      this.completed(operation, tree);
      miniport[COMPLETIONS[operation]](tree);
      for (const handle of connections) {
        handlers?.tcpOffloadEventHandler(handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure);
        handlers?.tcpOffloadEventHandler(handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort, 0);
      }
    };
    this.settings.dpcQueue.insert(new Dpc({ runDpc }));
  }

  /** A tree is about to go up. */
  protected completed(operation: StateOperationName, tree: MiniportOffloadBlockList): void {
    if (operation === 'initiate') {
      this.removals.get(tree)?.putBack();
      this.removals.delete(tree);
    }
    this.settings.ledger.end(operation, tree);
  }

  // --- data ---

  miniportTcpOffloadSend(context: Context, connection: unknown, netBufferList: NetBufferList): NDIS_STATUS {
    return this.tcp.miniportTcpOffloadSend(context, connection, netBufferList);
  }

  miniportTcpOffloadReceive(context: Context, connection: unknown, netBufferList: NetBufferList): NDIS_STATUS {
    return this.tcp.miniportTcpOffloadReceive(context, connection, netBufferList);
  }

  miniportTcpOffloadDisconnect(context: Context, connection: unknown, netBufferList: NetBufferList, flags: number): NDIS_STATUS {
    return this.tcp.miniportTcpOffloadDisconnect(context, connection, netBufferList, flags);
  }

  miniportTcpOffloadForward(context: Context, connection: unknown, netBufferList: NetBufferList): NDIS_STATUS {
    return this.tcp.miniportTcpOffloadForward(context, connection, netBufferList);
  }

  miniportTcpOffloadReceiveReturn(context: Context, netBufferList: NetBufferList): NDIS_STATUS {
    return this.tcp.miniportTcpOffloadReceiveReturn(context, netBufferList);
  }
}

/** An object that does everything as another one does, but for some functions. */
export function interpose<Face extends object>(real: Face, instead: Partial<Face>): Face {
  const functions = new Map<PropertyKey, unknown>(Object.entries(instead));
  return new Proxy(real, {
    get(target, key): unknown {
      const own = functions.get(key);
      if (own !== undefined) return own;
      const value = Reflect.get(target, key) as unknown;
      if (typeof value !== 'function') return value;
      const bound = (value as (...args: unknown[]) => unknown).bind(target);
      functions.set(key, bound);
      return bound;
    },
  });
}
