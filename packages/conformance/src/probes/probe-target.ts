import type { Ndis } from '@ndis-chimney/core';
import {
  BytesConsumed,
  Dpc,
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisMiniportAdapterGeneralAttributes,
  NdisMiniportAdapterOffloadAttributes,
  NdisMiniportAdapterRegistrationAttributes,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  NdisStatusIndication,
  NdisTcpConnectionOffload,
  OFFLOAD_STATE_TYPE,
  copyToNetBuffer,
  createMiniportOffloadBlockList,
  netBufferListDataLength,
  type DeferredRoutine,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_HALT_ACTION,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisMiniportDriverHandle,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
  type NdisTcpOffloadEventHandlers,
  type NetBuffer,
  type NetBufferList,
  type NetBufferListPool,
  type OffloadHandle,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { CallLog } from './call-log.ts';
import { bytesOf, createList, link, membersOf, type Content } from './lists.ts';
import { neighborState } from './states.ts';
import { blocksOf } from './trees.ts';

/** Options of {@link ProbeTarget}. */
export interface ProbeTargetOptions {
  /** Default `probe target`. */
  readonly name?: string;
  /** Whether it registers chimney handlers. Default true. */
  readonly hasChimney?: boolean;
  /** Whether it completes by itself, in the next DPC, everything it is given. Default false. */
  readonly isAutomatic?: boolean;
}

/** What the target keeps per offloaded object. */
export class ProbeContext {
  /** The handle to indicate with. */
  readonly handle: OffloadHandle;
  readonly type: number;
  /** For a connection: where its stream is, by what the target was given and has completed and indicated. */
  rcvNxt = 0;
  sndUna = 0;

  constructor(handle: OffloadHandle, type: number) {
    this.handle = handle;
    this.type = type;
  }
}

/** The context of a connection, unless the test has put something of its own in its place. */
function streamOf(context: unknown): ProbeContext | null {
  return typeof (context as Partial<ProbeContext> | null | undefined)?.rcvNxt === 'number' ? (context as ProbeContext) : null;
}

/** The five state operations. */
export type ProbeOperation = 'initiate' | 'terminate' | 'update' | 'invalidate' | 'query';

/** A tree that is with the target. */
export interface PendingTree {
  readonly operation: ProbeOperation;
  readonly tree: MiniportOffloadBlockList;
}

/** The requests of connections that a target has, by the name of its array. */
export type ProbeRequest = 'sends' | 'receives' | 'disconnects' | 'forwards';

/** How a target completes one request. */
export interface CompleteOneOptions {
  /** Default NDIS_STATUS_SUCCESS. */
  readonly status?: NDIS_STATUS;
  /** TcpOffloadBytesTransferred. */
  readonly bytes: number;
  /** How far the data start moves. Default `bytes`. */
  readonly moved?: number;
  /** What is placed in it before that. */
  readonly data?: Content;
}

/** How a target completes a tree. */
export interface CompleteTreeOptions {
  /** Status of every block. Default NDIS_STATUS_SUCCESS. */
  readonly status?: NDIS_STATUS;
  /** Changes blocks after they were filled in, before the tree goes up. */
  readonly change?: (block: MiniportOffloadBlockList) => void;
}

/** How far the data start of a NET_BUFFER has moved. */
interface Consumed {
  readonly netBuffer: NetBuffer;
  readonly byteCount: number;
}

/** The answer to a receive indication. */
export interface IndicationAnswer {
  readonly status: NDIS_STATUS;
  readonly bytesConsumed: number;
  readonly netBufferList: NetBufferList;
}

/**
 * A target with one adapter that does what the test says and notes what happens to it. Every entry is in `calls`, with
 * its exact arguments; what it is given stays with it, in the arrays below, until the test completes it.
 */
export class ProbeTarget
  implements MiniportDriver<ProbeTarget>, ProviderChimneyOffloadGenericHandlers<ProbeTarget>, ProviderChimneyOffloadTcpHandlers<ProbeTarget, ProbeContext>, DeferredRoutine
{
  readonly name: string;
  readonly ndis: Ndis;
  readonly calls: CallLog = new CallLog();
  /** NBLs of everything the target indicates. */
  readonly pool: NetBufferListPool;
  /** NBLs the target has made and not freed. */
  readonly nbls: Set<NetBufferList> = new Set<NetBufferList>();
  /** What the target is given and has not completed, oldest first. */
  readonly sends: NetBufferList[] = [];
  readonly receives: NetBufferList[] = [];
  readonly disconnects: NetBufferList[] = [];
  readonly forwards: NetBufferList[] = [];
  readonly ordinarySends: NetBufferList[] = [];
  readonly trees: PendingTree[] = [];
  /** What it tells NDIS it can offload. */
  readonly capabilities: NdisTcpConnectionOffload = new NdisTcpConnectionOffload();
  /** Which connection each request is for. */
  private readonly contexts = new WeakMap<NetBufferList, ProbeContext>();
  isAutomatic: boolean;
  driverHandle!: NdisMiniportDriverHandle;
  miniport!: NdisMiniport;
  handlers!: NdisTcpOffloadEventHandlers;
  private readonly hasChimney: boolean;
  private readonly dpc: Dpc = new Dpc(this);

  constructor(ndis: Ndis, { name = 'probe target', hasChimney = true, isAutomatic = false }: ProbeTargetOptions = {}) {
    this.ndis = ndis;
    this.name = name;
    this.hasChimney = hasChimney;
    this.isAutomatic = isAutomatic;
    this.pool = ndis.allocateNetBufferListPool(name);
    this.capabilities.tcpConnectionOffloadCapacity = 1000;
  }

  /** Registers with NDIS and starts the adapter. @returns the adapter's status. */
  start(adapterName: string): NDIS_STATUS {
    const { ndisDriverHandle } = this.ndis.registerMiniportDriver(this);
    if (ndisDriverHandle === null) throw new Error(`${this.name} was not registered`);
    this.driverHandle = ndisDriverHandle;
    return this.ndis.addAdapter(ndisDriverHandle, adapterName).status;
  }

  // --- what a test makes it do ---

  /** Completes the oldest `count` sends, all by default, as one list. @returns its members. */
  completeSends(count: number = this.sends.length, status: NDIS_STATUS = NDIS_STATUS_SUCCESS): NetBufferList[] {
    return this.complete(this.sends, count, status, (list) => {
      this.handlers.tcpOffloadSendComplete(list);
    });
  }

  /** See {@link completeSends}. */
  completeReceives(count: number = this.receives.length, status: NDIS_STATUS = NDIS_STATUS_SUCCESS): NetBufferList[] {
    return this.complete(this.receives, count, status, (list) => {
      this.handlers.tcpOffloadReceiveComplete(list);
    });
  }

  /** See {@link completeSends}. */
  completeForwards(count: number = this.forwards.length, status: NDIS_STATUS = NDIS_STATUS_SUCCESS): NetBufferList[] {
    return this.complete(this.forwards, count, status, (list) => {
      this.handlers.tcpOffloadForwardComplete(list);
    });
  }

  /** Completes the oldest disconnect. @returns its NBL. */
  completeDisconnect(status: NDIS_STATUS = NDIS_STATUS_SUCCESS): NetBufferList[] {
    return this.complete(this.disconnects, Math.min(1, this.disconnects.length), status, (list) => {
      this.handlers.tcpOffloadDisconnectComplete(list);
    });
  }

  /** See {@link completeSends}, for the ordinary path. */
  completeOrdinarySends(count: number = this.ordinarySends.length, status: NDIS_STATUS = NDIS_STATUS_SUCCESS): NetBufferList[] {
    return this.complete(this.ordinarySends, count, status, (list) => {
      this.miniport.sendNetBufferListsComplete(list, 0);
    });
  }

  /**
   * Completes the oldest request of a kind just so, right or wrong.
   * @returns it.
   */
  completeOne(kind: ProbeRequest, { status = NDIS_STATUS_SUCCESS, bytes, moved = bytes, data = '' }: CompleteOneOptions): NetBufferList {
    const from = this[kind];
    const nbl = from.shift();
    if (nbl === undefined) throw new Error(`${this.name} has none of ${kind} to complete`);
    const netBuffer = nbl.firstNetBuffer;
    if (netBuffer !== null) {
      const placed = bytesOf(data);
      copyToNetBuffer(netBuffer, 0, placed, 0, placed.length);
      if (moved > 0) this.ndis.advanceNetBufferDataStart(netBuffer, moved, false);
    }
    nbl.next = null;
    nbl.status = status;
    nbl.tcpOffloadBytesTransferred = bytes;
    this.count(from, [nbl], 1);
    if (kind === 'sends') this.handlers.tcpOffloadSendComplete(nbl);
    else if (kind === 'receives') this.handlers.tcpOffloadReceiveComplete(nbl);
    else if (kind === 'forwards') this.handlers.tcpOffloadForwardComplete(nbl);
    else this.handlers.tcpOffloadDisconnectComplete(nbl);
    return nbl;
  }

  private complete(from: NetBufferList[], count: number, status: NDIS_STATUS, up: (list: NetBufferList) => void): NetBufferList[] {
    const nbls = from.splice(0, count);
    if (nbls.length === 0) return nbls;
    for (const nbl of nbls) {
      nbl.status = status;
      nbl.tcpOffloadBytesTransferred = status === NDIS_STATUS_SUCCESS ? netBufferListDataLength(nbl) : 0;
    }
    this.count(from, nbls, 1);
    const consumed = from !== this.forwards && from !== this.ordinarySends && status === NDIS_STATUS_SUCCESS ? this.consume(nbls) : [];
    try {
      up(link(nbls));
    } catch (error) {
      // Refused: the NBLs are the target's as they were.
      for (const { netBuffer, byteCount } of consumed) this.ndis.retreatNetBufferDataStart(netBuffer, byteCount, 0);
      this.count(from, nbls, -1);
      from.splice(0, 0, ...nbls);
      throw error;
    }
    return nbls;
  }

  /** Counts what is completed as sent and acknowledged, or as received. @param sign -1 takes it back. */
  private count(from: NetBufferList[], nbls: readonly NetBufferList[], sign: 1 | -1): void {
    for (const nbl of nbls) {
      const context = this.contexts.get(nbl);
      if (context === undefined || from === this.forwards) continue;
      const byteCount = sign * nbl.tcpOffloadBytesTransferred;
      if (from === this.receives) context.rcvNxt = (context.rcvNxt + byteCount) | 0;
      else context.sndUna = (context.sndUna + byteCount) | 0;
    }
  }

  /** Moves the data starts past everything: it was sent and acknowledged, or is there. @returns how far. */
  private consume(nbls: readonly NetBufferList[]): Consumed[] {
    const consumed: Consumed[] = [];
    for (const nbl of nbls) {
      for (let netBuffer = nbl.firstNetBuffer; netBuffer !== null; netBuffer = netBuffer.next) {
        consumed.push({ netBuffer, byteCount: netBuffer.dataLength });
        this.ndis.advanceNetBufferDataStart(netBuffer, netBuffer.dataLength, false);
      }
    }
    return consumed;
  }

  /** Completes the oldest tree of an operation. @returns it. */
  completeTree(operation: ProbeOperation, { status = NDIS_STATUS_SUCCESS, change }: CompleteTreeOptions = {}): MiniportOffloadBlockList {
    const at = this.trees.findIndex((pending) => pending.operation === operation);
    const [pending] = at < 0 ? [] : this.trees.splice(at, 1);
    if (pending === undefined) throw new Error(`${this.name} has no tree to ${operation}`);
    for (const block of blocksOf(pending.tree)) {
      this.fill(operation, block, status);
      change?.(block);
    }
    try {
      this.passUp(operation, pending.tree);
    } catch (error) {
      this.trees.splice(at, 0, pending);
      throw error;
    }
    return pending.tree;
  }

  private fill(operation: ProbeOperation, block: MiniportOffloadBlockList, status: NDIS_STATUS): void {
    block.status = status;
    if ((operation === 'query' || operation === 'terminate') && status === NDIS_STATUS_SUCCESS) this.fillDelegated(block);
    const cell = block.miniportOffloadContext;
    const handle = block.ndisOffloadHandle;
    if (operation !== 'initiate' || cell === null || handle === null || status !== NDIS_STATUS_SUCCESS) return;
    if (cell.miniportOffloadContext !== null) return;
    const context = new ProbeContext(handle, block.header.type);
    const { delegated } = (block.state ?? {}) as Partial<TcpOffloadState>;
    if (delegated != null && block.header.type === OFFLOAD_STATE_TYPE.TcpOffloadState) {
      context.rcvNxt = delegated.rcvNxt;
      context.sndUna = delegated.sndUna;
    }
    cell.miniportOffloadContext = context;
  }

  /** What a query or a terminate says of a connection: the target sends nothing that is not acknowledged at once. */
  private fillDelegated({ header, miniportOffloadContext, state }: MiniportOffloadBlockList): void {
    const context = streamOf(miniportOffloadContext?.miniportOffloadContext);
    const { delegated } = (state ?? {}) as Partial<TcpOffloadState>;
    if (header.type !== OFFLOAD_STATE_TYPE.TcpOffloadState || context === null || delegated == null) return;
    delegated.rcvNxt = context.rcvNxt;
    delegated.sndUna = context.sndUna;
    delegated.sndNxt = context.sndUna;
    delegated.sndMax = context.sndUna;
  }

  /** Passes a tree up by the completion function of an operation, whatever is in it. */
  passUp(operation: ProbeOperation, tree: MiniportOffloadBlockList): void {
    switch (operation) {
      case 'initiate':
        this.miniport.initiateOffloadComplete(tree);
        break;
      case 'terminate':
        this.miniport.terminateOffloadComplete(tree);
        break;
      case 'update':
        this.miniport.updateOffloadComplete(tree);
        break;
      case 'invalidate':
        this.miniport.invalidateOffloadComplete(tree);
        break;
      case 'query':
        this.miniport.queryOffloadStateComplete(tree);
        break;
    }
  }

  /** Indicates received data for the object of a handle the target was given. Keeps the NBL unless it was accepted. */
  indicate(handle: OffloadHandle, content: Content): IndicationAnswer {
    return this.indicateNbl(handle, this.list(content));
  }

  /** As {@link indicate}, with an NBL at hand. */
  indicateNbl(handle: OffloadHandle, netBufferList: NetBufferList): IndicationAnswer {
    const bytesConsumed = new BytesConsumed();
    const status = this.handlers.tcpOffloadReceiveHandler(handle, netBufferList, NDIS_STATUS_SUCCESS, bytesConsumed);
    const context = streamOf(handle.miniportOffloadContext);
    if (context !== null) context.rcvNxt = (context.rcvNxt + bytesConsumed.value) | 0;
    return { status, bytesConsumed: bytesConsumed.value, netBufferList };
  }

  /** Indicates an event of the object of a handle. */
  event(handle: OffloadHandle, eventType: number, information = 0): void {
    this.handlers.tcpOffloadEventHandler(handle, eventType, information);
  }

  /** Asks the host about a neighbor. @returns the block, with the host's answer in it. */
  askAboutNeighbor(handle: OffloadHandle, indicationCode: number): MiniportOffloadBlockList {
    const block = createMiniportOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, handle, neighborState());
    this.miniport.offloadEventIndicate(block, indicationCode);
    return block;
  }

  /** Indicates a status of the adapter. */
  indicateStatus(statusCode: NDIS_STATUS, statusBuffer: unknown = null): NdisStatusIndication {
    const indication = new NdisStatusIndication();
    indication.sourceHandle = this.miniport;
    indication.statusCode = statusCode;
    indication.statusBuffer = statusBuffer;
    this.miniport.indicateStatusEx(indication);
    return indication;
  }

  /** Indicates packets on the ordinary path. @returns the list. */
  indicateOrdinary(receiveFlags: number, ...contents: Content[]): NetBufferList {
    const list = this.list(...contents);
    this.miniport.indicateReceiveNetBufferLists(list, 0, contents.length, receiveFlags);
    return list;
  }

  /** A list of NBLs with these contents, the target's own. */
  list(...contents: Content[]): NetBufferList {
    const list = createList(this.pool, ...contents);
    for (const nbl of membersOf(list)) this.nbls.add(nbl);
    return list;
  }

  /** Puts NBLs that are the target's again back into its pool; all of them by default. */
  free(nbls: Iterable<NetBufferList> = [...this.nbls]): void {
    for (const nbl of nbls) {
      nbl.next = null;
      this.pool.freeNetBufferList(nbl);
      this.nbls.delete(nbl);
    }
  }

  // --- automatic mode ---

  runDpc(): void {
    const { sends, receives, forwards, ordinarySends, disconnects, trees } = this;
    // Data before what ends the connection, and each kind in one list.
    this.completeSends(sends.length);
    this.completeReceives(receives.length);
    this.completeForwards(forwards.length);
    this.completeOrdinarySends(ordinarySends.length);
    for (let count = disconnects.length; count > 0; count--) this.completeDisconnect();
    for (const { operation } of [...trees]) this.completeTree(operation);
  }

  private later(): void {
    if (this.isAutomatic) this.ndis.dpcQueue.insert(this.dpc);
  }

  // --- entries: life cycle ---

  miniportSetOptions(handle: NdisMiniportDriverHandle): NDIS_STATUS {
    if (this.hasChimney) {
      handle.setOptionalHandlers(new NdisProviderChimneyOffloadGenericCharacteristics(this));
      handle.setOptionalHandlers(new NdisProviderChimneyOffloadTcpCharacteristics(this));
    }
    return this.calls.answer('miniportSetOptions', [handle], NDIS_STATUS_SUCCESS);
  }

  miniportInitializeEx(miniport: NdisMiniport, parameters: NdisMiniportInitParameters): NDIS_STATUS {
    const registration = new NdisMiniportAdapterRegistrationAttributes<ProbeTarget>();
    registration.miniportAdapterContext = this;
    miniport.setMiniportAttributes(registration);
    const general = new NdisMiniportAdapterGeneralAttributes();
    general.mtuSize = 1500;
    general.macAddress = Uint8Array.of(2, 0, 0, 0, 0, 1);
    miniport.setMiniportAttributes(general);
    const offload = new NdisMiniportAdapterOffloadAttributes();
    offload.defaultTcpConnectionOffloadConfiguration = this.capabilities;
    offload.tcpConnectionOffloadHardwareCapabilities = this.capabilities;
    miniport.setMiniportAttributes(offload);
    this.miniport = miniport;
    const { offloadHandlers } = miniport.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
    if (offloadHandlers !== null) this.handlers = offloadHandlers;
    return this.calls.answer('miniportInitializeEx', [miniport, parameters], NDIS_STATUS_SUCCESS);
  }

  miniportRestart(context: ProbeTarget): NDIS_STATUS {
    return this.calls.answer('miniportRestart', [context], NDIS_STATUS_SUCCESS);
  }

  miniportPause(context: ProbeTarget): NDIS_STATUS {
    return this.calls.answer('miniportPause', [context], NDIS_STATUS_SUCCESS);
  }

  miniportHaltEx(context: ProbeTarget, haltAction: NDIS_HALT_ACTION): void {
    this.calls.answer('miniportHaltEx', [context, haltAction], undefined);
  }

  miniportDriverUnload(): void {
    this.calls.answer('miniportDriverUnload', [], undefined);
  }

  miniportOidRequest(context: ProbeTarget, oidRequest: NdisOidRequest): NDIS_STATUS {
    return this.calls.answer<NDIS_STATUS>('miniportOidRequest', [context, oidRequest], NDIS_STATUS_NOT_SUPPORTED);
  }

  // --- entries: the ordinary path ---

  miniportSendNetBufferLists(context: ProbeTarget, netBufferList: NetBufferList, portNumber: number, sendFlags: number): void {
    this.calls.answer('miniportSendNetBufferLists', [context, netBufferList, portNumber, sendFlags], undefined);
    for (const nbl of membersOf(netBufferList)) this.ordinarySends.push(nbl);
    this.later();
  }

  miniportReturnNetBufferLists(context: ProbeTarget, netBufferList: NetBufferList, returnFlags: number): void {
    this.calls.answer('miniportReturnNetBufferLists', [context, netBufferList, returnFlags], undefined);
  }

  // --- entries: the chimney ---

  miniportInitiateOffload(context: ProbeTarget, tree: MiniportOffloadBlockList): void {
    this.take('initiate', 'miniportInitiateOffload', context, tree);
  }

  miniportTerminateOffload(context: ProbeTarget, tree: MiniportOffloadBlockList): void {
    this.take('terminate', 'miniportTerminateOffload', context, tree);
  }

  miniportUpdateOffload(context: ProbeTarget, tree: MiniportOffloadBlockList): void {
    this.take('update', 'miniportUpdateOffload', context, tree);
  }

  miniportInvalidateOffload(context: ProbeTarget, tree: MiniportOffloadBlockList): void {
    this.take('invalidate', 'miniportInvalidateOffload', context, tree);
  }

  miniportQueryOffload(context: ProbeTarget, tree: MiniportOffloadBlockList): void {
    this.take('query', 'miniportQueryOffload', context, tree);
  }

  private take(operation: ProbeOperation, entry: string, context: ProbeTarget, tree: MiniportOffloadBlockList): void {
    this.calls.answer(entry, [context, tree], undefined);
    this.trees.push({ operation, tree });
    this.later();
  }

  private note(context: ProbeContext, list: NetBufferList): void {
    for (const nbl of membersOf(list)) this.contexts.set(nbl, context);
  }

  miniportTcpOffloadSend(context: ProbeTarget, offloadContext: ProbeContext, netBufferList: NetBufferList): NDIS_STATUS {
    const status = this.calls.answer('miniportTcpOffloadSend', [context, offloadContext, netBufferList], NDIS_STATUS_PENDING);
    for (const nbl of membersOf(netBufferList)) this.sends.push(nbl);
    this.note(offloadContext, netBufferList);
    this.later();
    return status;
  }

  miniportTcpOffloadReceive(context: ProbeTarget, offloadContext: ProbeContext, netBufferList: NetBufferList): NDIS_STATUS {
    const status = this.calls.answer('miniportTcpOffloadReceive', [context, offloadContext, netBufferList], NDIS_STATUS_PENDING);
    for (const nbl of membersOf(netBufferList)) this.receives.push(nbl);
    this.note(offloadContext, netBufferList);
    this.later();
    return status;
  }

  miniportTcpOffloadDisconnect(context: ProbeTarget, offloadContext: ProbeContext, netBufferList: NetBufferList, flags: number): NDIS_STATUS {
    const status = this.calls.answer('miniportTcpOffloadDisconnect', [context, offloadContext, netBufferList, flags], NDIS_STATUS_PENDING);
    this.disconnects.push(netBufferList);
    this.note(offloadContext, netBufferList);
    this.later();
    return status;
  }

  miniportTcpOffloadForward(context: ProbeTarget, offloadContext: ProbeContext, netBufferList: NetBufferList): NDIS_STATUS {
    const status = this.calls.answer('miniportTcpOffloadForward', [context, offloadContext, netBufferList], NDIS_STATUS_PENDING);
    for (const nbl of membersOf(netBufferList)) this.forwards.push(nbl);
    this.note(offloadContext, netBufferList);
    this.later();
    return status;
  }

  miniportTcpOffloadReceiveReturn(context: ProbeTarget, netBufferList: NetBufferList): NDIS_STATUS {
    return this.calls.answer('miniportTcpOffloadReceiveReturn', [context, netBufferList], NDIS_STATUS_SUCCESS);
  }
}
