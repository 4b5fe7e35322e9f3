import type { Ndis } from '@ndis-chimney/core';
import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  netBufferListBytes,
  type BytesConsumed,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisOidRequest,
  type NdisStatusIndication,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { ProbeHost, type ProbeBinding } from '../probes/probe-host.ts';
import { pictureOf, type DataOperationName, type EntryOf, type JournalEntry, type StateOperationName } from './journal.ts';

/**
 * How many of the bytes that are indicated for a connection the host takes: all, none, or so many.
 * An appetite may look at what it is offered, and may call back into NDIS.
 */
export type Appetite = (bytes: Uint8Array<ArrayBuffer>, handle: OffloadHandle) => number;

/** Takes everything. */
export const HUNGRY: Appetite = (bytes) => bytes.length;
/** Takes nothing. */
export const FULL: Appetite = () => 0;

/**
 * The host of a case: a probe host that keeps a journal of its callbacks, with pictures of what they brought, and that
 * takes indicated data as its appetite says.
 */
export class CaseHost extends ProbeHost {
  readonly journal: JournalEntry[] = [];
  appetite: Appetite = HUNGRY;
  /** Whether accepted NBLs stay here until {@link returnKept}, rather than go back at once. */
  keepsIndicated = false;
  /** NBLs that were accepted and not returned. */
  readonly kept: NetBufferList[] = [];
  /** Whether ordinary packets that may be kept stay here until {@link returnPackets}. */
  keepsPackets = false;
  /** Lists of ordinary packets that were not returned. */
  private readonly packets: NetBufferList[] = [];
  /** Called within each callback, after it was written down. */
  whenCalled: ((entry: JournalEntry) => void) | null = null;
  private depth = 0;

  constructor(ndis: Ndis, name = 'conformance host') {
    super(ndis, { name });
  }

  /** The latest binding: there is one at a time. */
  override get binding(): NdisBinding {
    return present(this.bindings.at(-1)?.binding);
  }

  /** The entries of one kind, in order. */
  entries<Kind extends JournalEntry['kind']>(kind: Kind): EntryOf<Kind>[] {
    return this.journal.filter((entry): entry is EntryOf<Kind> => entry.kind === kind);
  }

  /** Gives back what was accepted and kept, as one list. */
  returnKept(): void {
    const nbls = this.kept.splice(0);
    nbls.forEach((nbl, at) => {
      nbl.next = nbls[at + 1] ?? null;
    });
    if (nbls[0] !== undefined) this.binding.offloadTcpReceiveReturn(nbls[0]);
  }

  /** Gives back the ordinary packets that were kept. */
  returnPackets(): void {
    for (const list of this.packets.splice(0)) this.binding.returnNetBufferLists(list, 0);
  }

  private note(entry: JournalEntryWithoutPlace, within?: () => void): void {
    const complete = { ...entry, atMs: this.ndis.clock.now(), irql: this.ndis.currentIrql, depth: this.depth } as JournalEntry;
    this.journal.push(complete);
    this.depth++;
    try {
      this.whenCalled?.(complete);
      within?.();
    } finally {
      this.depth--;
    }
  }

  private state(operation: StateOperationName, root: ProtocolOffloadBlockList): void {
    this.note({ kind: 'stateComplete', operation, root });
  }

  private data(operation: DataOperationName, list: NetBufferList | null): void {
    this.note({ kind: 'dataComplete', operation, list, nbls: membersOf(list).map(pictureOf) });
  }

  override protocolInitiateOffloadComplete(context: ProbeBinding, root: ProtocolOffloadBlockList): void {
    super.protocolInitiateOffloadComplete(context, root);
    this.state('initiate', root);
  }

  override protocolTerminateOffloadComplete(context: ProbeBinding, root: ProtocolOffloadBlockList): void {
    super.protocolTerminateOffloadComplete(context, root);
    this.state('terminate', root);
  }

  override protocolUpdateOffloadComplete(context: ProbeBinding, root: ProtocolOffloadBlockList): void {
    super.protocolUpdateOffloadComplete(context, root);
    this.state('update', root);
  }

  override protocolInvalidateOffloadComplete(context: ProbeBinding, root: ProtocolOffloadBlockList): void {
    super.protocolInvalidateOffloadComplete(context, root);
    this.state('invalidate', root);
  }

  override protocolQueryOffloadComplete(context: ProbeBinding, root: ProtocolOffloadBlockList): void {
    super.protocolQueryOffloadComplete(context, root);
    this.state('query', root);
  }

  override protocolTcpOffloadSendComplete(context: ProbeBinding, list: NetBufferList): void {
    super.protocolTcpOffloadSendComplete(context, list);
    this.data('send', list);
  }

  override protocolTcpOffloadReceiveComplete(context: ProbeBinding, list: NetBufferList): void {
    super.protocolTcpOffloadReceiveComplete(context, list);
    this.data('receive', list);
  }

  override protocolTcpOffloadDisconnectComplete(context: ProbeBinding, list: NetBufferList | null): void {
    super.protocolTcpOffloadDisconnectComplete(context, list);
    this.data('disconnect', list);
  }

  override protocolTcpOffloadForwardComplete(context: ProbeBinding, list: NetBufferList): void {
    super.protocolTcpOffloadForwardComplete(context, list);
    this.data('forward', list);
  }

  override protocolTcpOffloadEvent(handle: OffloadHandle, eventType: number, information: number): void {
    super.protocolTcpOffloadEvent(handle, eventType, information);
    this.note({ kind: 'event', handle, eventType, information });
  }

  override protocolTcpOffloadReceiveIndicate(handle: OffloadHandle, list: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
    super.protocolTcpOffloadReceiveIndicate(handle, list, status, bytesConsumed);
    const bytes = netBufferListBytes(list);
    const taken = Math.min(this.asked(bytes, handle), bytes.length);
    const isAccepted = taken === bytes.length;
    this.note({ kind: 'indicate', handle, list, status, bytes, taken });
    bytesConsumed.value = taken;
    if (!isAccepted) return taken === 0 ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED : NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
    if (this.keepsIndicated) this.kept.push(list);
    else this.binding.offloadTcpReceiveReturn(list);
    return NDIS_STATUS_SUCCESS;
  }

  /** What the appetite says. What it leads to happens inside the indication. */
  private asked(bytes: Uint8Array<ArrayBuffer>, handle: OffloadHandle): number {
    this.depth++;
    try {
      return this.appetite(bytes, handle);
    } finally {
      this.depth--;
    }
  }

  override protocolIndicateOffloadEvent(context: ProbeBinding, root: ProtocolOffloadBlockList, indicationCode: number): void {
    super.protocolIndicateOffloadEvent(context, root, indicationCode);
    this.note({ kind: 'offloadEvent', root, indicationCode });
  }

  override protocolStatusEx(context: ProbeBinding, indication: NdisStatusIndication): void {
    super.protocolStatusEx(context, indication);
    this.note({ kind: 'status', statusCode: indication.statusCode });
  }

  override protocolReceiveNetBufferLists(context: ProbeBinding, list: NetBufferList, portNumber: number, count: number, receiveFlags: number): void {
    super.protocolReceiveNetBufferLists(context, list, portNumber, count, receiveFlags);
    this.note({ kind: 'ordinaryReceive', packets: membersOf(list).map(netBufferListBytes) });
    if ((receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0) return;
    if (this.keepsPackets) this.packets.push(list);
    else context.binding?.returnNetBufferLists(list, 0);
  }

  override protocolSendNetBufferListsComplete(context: ProbeBinding, list: NetBufferList, flags: number): void {
    super.protocolSendNetBufferListsComplete(context, list, flags);
    this.note({ kind: 'ordinarySendComplete', nbls: membersOf(list).map(pictureOf) });
  }

  override protocolOidRequestComplete(context: ProbeBinding, request: NdisOidRequest, status: NDIS_STATUS): void {
    super.protocolOidRequestComplete(context, request, status);
    this.note({ kind: 'oidComplete', oid: request.oid, status });
  }
}

type WithoutPlace<Entry> = Entry extends unknown ? Omit<Entry, 'atMs' | 'irql' | 'depth'> : never;
type JournalEntryWithoutPlace = WithoutPlace<JournalEntry>;
