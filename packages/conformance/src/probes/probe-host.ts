import type { Ndis } from '@ndis-chimney/core';
import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisOidRequest,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  type BytesConsumed,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBinding,
  type NdisBindParameters,
  type NdisProtocolHandle,
  type NdisStatusIndication,
  type NetBufferList,
  type NetBufferListPool,
  type NetPnPEventNotification,
  type OffloadHandle,
  type ProtocolDriver,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { CallLog } from './call-log.ts';
import { createInPieces, createList, membersOf, type Content, type Pieces } from './lists.ts';
import { present } from './present.ts';
import { blocksOf, newTree, siblings, tcpBlock, type ProbeTree, type TreeShape } from './trees.ts';

/** Options of {@link ProbeHost}. */
export interface ProbeHostOptions {
  /** Default `probe host`. */
  readonly name?: string;
  /** Whether it registers chimney handlers. Default true. */
  readonly hasChimney?: boolean;
}

/** Where a {@link ProbeHost} keeps one binding: its ProtocolBindingContext. */
export class ProbeBinding {
  readonly bindContext: NdisBindContext;
  readonly parameters: NdisBindParameters;
  binding: NdisBinding | null = null;
  /** True when an unbind waits for the close. */
  isUnbindPending = false;

  constructor(bindContext: NdisBindContext, parameters: NdisBindParameters) {
    this.bindContext = bindContext;
    this.parameters = parameters;
  }
}

/**
 * A host that does what the test says and notes what happens to it. Every callback is in `calls`, with its exact
 * arguments; none of them does anything unless the test hooks it, except that bindings are opened and closed when asked
 * for and indicated data is not accepted.
 */
export class ProbeHost
  implements ProtocolDriver<ProbeBinding>, ClientChimneyOffloadGenericHandlers<ProbeBinding>, ClientChimneyOffloadTcpHandlers<ProbeBinding, unknown>
{
  readonly name: string;
  readonly ndis: Ndis;
  readonly calls: CallLog = new CallLog();
  /** NBLs of everything the host sends. */
  readonly pool: NetBufferListPool;
  /** Every binding there was, in order. */
  readonly bindings: ProbeBinding[] = [];
  /** NBLs the host has made and not freed. */
  readonly nbls: Set<NetBufferList> = new Set<NetBufferList>();
  /** Handles of every object the host has offered, each with its block. */
  readonly handles: Map<OffloadHandle, ProtocolOffloadBlockList> = new Map<OffloadHandle, ProtocolOffloadBlockList>();
  protocolHandle!: NdisProtocolHandle;
  private readonly hasChimney: boolean;

  constructor(ndis: Ndis, { name = 'probe host', hasChimney = true }: ProbeHostOptions = {}) {
    this.ndis = ndis;
    this.name = name;
    this.hasChimney = hasChimney;
    this.pool = ndis.allocateNetBufferListPool(name);
  }

  /** Registers with NDIS. */
  register(): this {
    const { ndisProtocolHandle } = this.ndis.registerProtocolDriver(this);
    if (ndisProtocolHandle === null) throw new Error(`${this.name} was not registered`);
    this.protocolHandle = ndisProtocolHandle;
    return this;
  }

  /** Binds to an adapter by its name. @returns what the bind was answered with. */
  bindTo(adapterName: string, onBound?: (status: NDIS_STATUS, binding: NdisBinding | null) => void): NDIS_STATUS {
    const adapter = this.ndis.findAdapter(adapterName);
    if (adapter === null) throw new Error(`there is no adapter ${adapterName}`);
    return this.ndis.bindAdapter(this.protocolHandle, adapter, onBound);
  }

  /** The context of the first binding. */
  get context(): ProbeBinding {
    return present(this.bindings[0]);
  }

  /** The first binding. */
  get binding(): NdisBinding {
    return present(this.context.binding);
  }

  // --- what a test makes it do ---

  /** Offers a tree of new objects, of this shape. */
  offload(shape: TreeShape = {}, binding: NdisBinding = this.binding): ProbeTree {
    const tree = newTree(binding, shape);
    this.initiate(tree.root, binding);
    return tree;
  }

  /** Offers whatever is in a tree. */
  initiate(root: ProtocolOffloadBlockList, binding: NdisBinding = this.binding): void {
    for (const block of blocksOf(root)) if (block.offloadHandle !== null) this.handles.set(block.offloadHandle, block);
    binding.initiateOffload(root);
  }

  /** Stand-alone blocks for connections, linked: the root for a query, an update, an invalidate, a terminate. */
  connections(...handles: OffloadHandle[]): ProtocolOffloadBlockList {
    const root = siblings(...handles.map((handle) => tcpBlock(handle)));
    if (root === null) throw new TypeError('connections: there is no handle');
    return root;
  }

  /** A list of NBLs with these contents, the host's own. */
  list(...contents: Content[]): NetBufferList {
    const list = createList(this.pool, ...contents);
    for (const nbl of membersOf(list)) this.nbls.add(nbl);
    return list;
  }

  /** One NBL of several NET_BUFFERs, or of several MDLs each, the host's own. */
  inPieces(...netBuffers: Pieces[]): NetBufferList {
    const nbl = createInPieces(this.pool, ...netBuffers);
    this.nbls.add(nbl);
    return nbl;
  }

  /** Sends one list of these contents. @returns the list. */
  send(connection: OffloadHandle, ...contents: Content[]): NetBufferList {
    const list = this.list(...contents);
    connection.binding.offloadTcpSend(connection, list);
    return list;
  }

  /** Posts receive buffers of these sizes. @returns the list. */
  receive(connection: OffloadHandle, ...sizes: number[]): NetBufferList {
    const list = this.list(...sizes);
    connection.binding.offloadTcpReceive(connection, list);
    return list;
  }

  /** Closes the send half. @returns the NBL. */
  disconnect(connection: OffloadHandle, flags: number = TCP_DISCONNECT_GRACEFUL_CLOSE): NetBufferList {
    const nbl = this.list(0);
    connection.binding.offloadTcpDisconnect(connection, nbl, flags);
    return nbl;
  }

  /** Hands down segments. @returns the list. */
  forward(connection: OffloadHandle, ...contents: Content[]): NetBufferList {
    const list = this.list(...contents);
    connection.binding.offloadTcpForward(connection, list);
    return list;
  }

  /** Sends on the ordinary path. @returns the list. */
  sendOrdinary(...contents: Content[]): NetBufferList {
    const list = this.list(...contents);
    this.binding.sendNetBufferLists(list, 0, 0);
    return list;
  }

  /** Makes an OID request. @returns the request and what the call answered. */
  request(
    requestType: NdisOidRequest['requestType'],
    oid: number,
    informationBuffer: unknown = null,
    binding: NdisBinding = this.binding,
  ): { request: NdisOidRequest; status: NDIS_STATUS } {
    const request = new NdisOidRequest();
    request.requestType = requestType;
    request.oid = oid;
    request.informationBuffer = informationBuffer;
    return { request, status: binding.oidRequest(request) };
  }

  /** Puts NBLs that are the host's again back into its pool; all of them by default. */
  free(nbls: Iterable<NetBufferList> = [...this.nbls]): void {
    for (const nbl of nbls) {
      nbl.next = null;
      const others = nbl.firstNetBuffer;
      for (let netBuffer = others?.next ?? null; netBuffer !== null && others !== null; netBuffer = others.next) {
        others.next = netBuffer.next;
        this.pool.freeNetBuffer(netBuffer);
      }
      this.pool.freeNetBufferList(nbl);
      this.nbls.delete(nbl);
    }
  }

  // --- callbacks: life cycle ---

  protocolSetOptions(handle: NdisProtocolHandle): NDIS_STATUS {
    if (this.hasChimney) {
      handle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(this));
      handle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(this));
    }
    return this.calls.answer('protocolSetOptions', [handle], NDIS_STATUS_SUCCESS);
  }

  protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS {
    const refusal = this.calls.answer<NDIS_STATUS>('protocolBindAdapterEx', [bindContext, bindParameters], NDIS_STATUS_SUCCESS);
    if (refusal !== NDIS_STATUS_SUCCESS) return refusal;
    const context = new ProbeBinding(bindContext, bindParameters);
    this.bindings.push(context);
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.protocolHandle, context, bindContext);
    context.binding = ndisBindingHandle;
    return status;
  }

  protocolOpenAdapterCompleteEx(context: ProbeBinding, status: NDIS_STATUS): void {
    this.calls.answer('protocolOpenAdapterCompleteEx', [context, status], undefined);
    context.bindContext.completeBindAdapterEx(status);
  }

  protocolUnbindAdapterEx(context: ProbeBinding): NDIS_STATUS {
    const refusal = this.calls.answer<NDIS_STATUS | null>('protocolUnbindAdapterEx', [context], null);
    if (refusal !== null) return refusal;
    const status = context.binding?.closeAdapterEx() ?? NDIS_STATUS_SUCCESS;
    context.isUnbindPending = status === NDIS_STATUS_PENDING;
    return status;
  }

  protocolCloseAdapterCompleteEx(context: ProbeBinding): void {
    this.calls.answer('protocolCloseAdapterCompleteEx', [context], undefined);
    if (context.isUnbindPending) context.binding?.completeUnbindAdapterEx();
  }

  protocolNetPnPEvent(context: ProbeBinding, netPnPEvent: NetPnPEventNotification): NDIS_STATUS {
    return this.calls.answer('protocolNetPnPEvent', [context, netPnPEvent], NDIS_STATUS_SUCCESS);
  }

  protocolStatusEx(context: ProbeBinding, statusIndication: NdisStatusIndication): void {
    this.calls.answer('protocolStatusEx', [context, statusIndication], undefined);
  }

  protocolOidRequestComplete(context: ProbeBinding, oidRequest: NdisOidRequest, status: NDIS_STATUS): void {
    this.calls.answer('protocolOidRequestComplete', [context, oidRequest, status], undefined);
  }

  // --- callbacks: the ordinary path ---

  protocolSendNetBufferListsComplete(context: ProbeBinding, netBufferList: NetBufferList, sendCompleteFlags: number): void {
    this.calls.answer('protocolSendNetBufferListsComplete', [context, netBufferList, sendCompleteFlags], undefined);
  }

  protocolReceiveNetBufferLists(context: ProbeBinding, netBufferList: NetBufferList, portNumber: number, numberOfNetBufferLists: number, receiveFlags: number): void {
    this.calls.answer('protocolReceiveNetBufferLists', [context, netBufferList, portNumber, numberOfNetBufferLists, receiveFlags], undefined);
  }

  // --- callbacks: the chimney ---

  protocolInitiateOffloadComplete(context: ProbeBinding, offloadBlockList: ProtocolOffloadBlockList): void {
    this.calls.answer('protocolInitiateOffloadComplete', [context, offloadBlockList], undefined);
  }

  protocolTerminateOffloadComplete(context: ProbeBinding, offloadBlockList: ProtocolOffloadBlockList): void {
    this.calls.answer('protocolTerminateOffloadComplete', [context, offloadBlockList], undefined);
  }

  protocolUpdateOffloadComplete(context: ProbeBinding, offloadBlockList: ProtocolOffloadBlockList): void {
    this.calls.answer('protocolUpdateOffloadComplete', [context, offloadBlockList], undefined);
  }

  protocolInvalidateOffloadComplete(context: ProbeBinding, offloadBlockList: ProtocolOffloadBlockList): void {
    this.calls.answer('protocolInvalidateOffloadComplete', [context, offloadBlockList], undefined);
  }

  protocolQueryOffloadComplete(context: ProbeBinding, offloadBlockList: ProtocolOffloadBlockList): void {
    this.calls.answer('protocolQueryOffloadComplete', [context, offloadBlockList], undefined);
  }

  protocolIndicateOffloadEvent(context: ProbeBinding, offloadBlockList: ProtocolOffloadBlockList, indicationCode: number): void {
    this.calls.answer('protocolIndicateOffloadEvent', [context, offloadBlockList, indicationCode], undefined);
  }

  protocolTcpOffloadSendComplete(context: ProbeBinding, netBufferList: NetBufferList): void {
    this.calls.answer('protocolTcpOffloadSendComplete', [context, netBufferList], undefined);
  }

  protocolTcpOffloadReceiveComplete(context: ProbeBinding, netBufferList: NetBufferList): void {
    this.calls.answer('protocolTcpOffloadReceiveComplete', [context, netBufferList], undefined);
  }

  protocolTcpOffloadDisconnectComplete(context: ProbeBinding, netBufferList: NetBufferList | null): void {
    this.calls.answer('protocolTcpOffloadDisconnectComplete', [context, netBufferList], undefined);
  }

  protocolTcpOffloadForwardComplete(context: ProbeBinding, netBufferList: NetBufferList): void {
    this.calls.answer('protocolTcpOffloadForwardComplete', [context, netBufferList], undefined);
  }

  protocolTcpOffloadEvent(offloadContext: OffloadHandle, eventType: number, eventSpecificInformation: number): void {
    this.calls.answer('protocolTcpOffloadEvent', [offloadContext, eventType, eventSpecificInformation], undefined);
  }

  protocolTcpOffloadReceiveIndicate(offloadContext: OffloadHandle, netBufferList: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
    return this.calls.answer('protocolTcpOffloadReceiveIndicate', [offloadContext, netBufferList, status, bytesConsumed], NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED);
  }
}
