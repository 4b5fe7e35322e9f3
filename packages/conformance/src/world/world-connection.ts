import {
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  TCP_OFFLOAD_EVENT_TYPE,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  createProtocolOffloadBlockList,
  netBufferListBytes,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check } from '../check.ts';
import { link, membersOf, type Content } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { ConformancePeer } from '../subject.ts';
import type { DataOperationName, EntryOf, NblPicture } from './journal.ts';
import { pattern } from './pattern.ts';
import { SEGMENT_FLAG, segmentBytes } from './segment.ts';
import type { TargetWorld } from './target-world.ts';

/** What a connection came back with. */
export interface Uploaded {
  readonly block: ProtocolOffloadBlockList;
  readonly delegated: TcpOffloadStateDelegated;
  /** NBLs that came back unsent or unacknowledged, in order. */
  readonly chain: readonly NetBufferList[];
  /** The bytes of BufferedData: received, acknowledged, not delivered. Their NBLs have been returned. */
  readonly buffered: Uint8Array<ArrayBuffer>;
}

/** A segment as a case has it forwarded: relative to the connection's first sequence numbers. */
export interface ForwardedSegment {
  /** Offset into the stream from the peer. Default 0. */
  readonly at?: number;
  /** Bytes of {@link pattern}, from that place on. Default 0. */
  readonly length?: number;
  /** Offset into the host's stream that is acknowledged. Default 0. */
  readonly acked?: number;
  /** Besides ACK. Default none. */
  readonly flags?: number;
  readonly window?: number;
  readonly urgentPointer?: number;
  /** Bytes of NOP options, a multiple of 4. Default 0. */
  readonly optionBytes?: number;
}

/** What is different about receive requests that a case posts. */
export interface RequestWishes {
  /** True: not completed for PSH or for want of more. Default false. */
  readonly isNoPush?: boolean;
  /** `TcpReceiveBytesTransferred`: bytes that the host has put before the data start already. Default 0. */
  readonly alreadyThere?: number;
}

/** One connection in a world: what the host does with it, and what came of it. */
export class WorldConnection {
  readonly world: TargetWorld;
  readonly handle: OffloadHandle;
  /** The block it was offered with. */
  readonly block: ProtocolOffloadBlockList;
  readonly hostPort: number;
  readonly peerPort: number;
  /** First sequence numbers of both streams, as they were when it was offered. */
  readonly sndUna: number;
  readonly rcvNxt: number;
  /** Receive requests of this connection. */
  private readonly requests = new Set<NetBufferList>();
  private readonly forwarded = new Set<NetBufferList>();
  private readonly sent: Set<NetBufferList>;
  private readonly disconnects = new Set<NetBufferList>();
  /** Entries of the journal from before: what NBLs ended with that come again was in another life. */
  private readonly journalled: number;

  constructor(world: TargetWorld, block: ProtocolOffloadBlockList) {
    const state = block.state as TcpOffloadState;
    const constant = present(state.const);
    const delegated = present(state.delegated);
    this.world = world;
    this.block = block;
    this.handle = present(block.offloadHandle);
    this.hostPort = constant.localPort;
    this.peerPort = constant.remotePort;
    this.sndUna = delegated.sndUna;
    this.rcvNxt = delegated.rcvNxt;
    this.sent = new Set(membersOf(block.netBufferListChain));
    this.journalled = world.host.journal.length;
  }

  /** True when the target has taken the connection. */
  get isOffloaded(): boolean {
    return this.handle.state === 'offloaded';
  }

  /** The far end. For cases that require `peer`. */
  async peer(): Promise<ConformancePeer> {
    const { subject } = this.world;
    check(subject.peer !== undefined, 'the ability peer was promised, but there is no peer function');
    return subject.peer(this.hostPort, this.peerPort);
  }

  /** Sends one list of these contents. @returns its members. */
  send(...contents: Content[]): NetBufferList[] {
    return this.sendList(this.world.host.list(...contents));
  }

  /** Sends a list as it is. @returns its members. */
  sendList(list: NetBufferList): NetBufferList[] {
    const members = membersOf(list);
    for (const nbl of members) this.sent.add(nbl);
    this.world.binding.offloadTcpSend(this.handle, list);
    return members;
  }

  /** Sends these NBLs in one call. @returns them. */
  sendNbls(...nbls: NetBufferList[]): NetBufferList[] {
    return this.sendList(link(nbls));
  }

  /** Posts receive requests of these sizes in one call. @returns them. */
  post(sizes: readonly number[], wishes: RequestWishes = {}): NetBufferList[] {
    return this.postList(this.world.host.list(...sizes), wishes);
  }

  /** Posts a list of receive requests as it is, but for what is wished. @returns its members. */
  postList(list: NetBufferList, { isNoPush = false, alreadyThere = 0 }: RequestWishes = {}): NetBufferList[] {
    const members = membersOf(list);
    for (const nbl of members) {
      nbl.tcpReceiveNoPush = isNoPush;
      nbl.tcpReceiveBytesTransferred = alreadyThere;
      this.requests.add(nbl);
    }
    this.world.binding.offloadTcpReceive(this.handle, list);
    return members;
  }

  /** Closes the send half, with these last bytes. @returns the NBL. */
  disconnect(content: Content = 0): NetBufferList {
    const nbl = this.world.host.list(content);
    this.disconnects.add(nbl);
    this.world.binding.offloadTcpDisconnect(this.handle, nbl, TCP_DISCONNECT_GRACEFUL_CLOSE);
    return nbl;
  }

  /** Sends an RST. @returns the NBL. */
  abort(): NetBufferList {
    const nbl = this.world.host.list(0);
    this.disconnects.add(nbl);
    this.world.binding.offloadTcpDisconnect(this.handle, nbl, TCP_DISCONNECT_ABORTIVE_CLOSE);
    return nbl;
  }

  /** Forwards segments in one call. @returns their NBLs. */
  forward(...segments: ForwardedSegment[]): NetBufferList[] {
    const list = this.world.host.list(...segments.map((segment) => this.segment(segment)));
    return this.forwardList(list);
  }

  /** Forwards a list as it is. @returns its members. */
  forwardList(list: NetBufferList): NetBufferList[] {
    const members = membersOf(list);
    for (const nbl of members) this.forwarded.add(nbl);
    this.world.binding.offloadTcpForward(this.handle, list);
    return members;
  }

  /** The bytes of a segment from the peer. */
  segment({ at = 0, length = 0, acked = 0, flags = 0, window, urgentPointer, optionBytes = 0 }: ForwardedSegment): Uint8Array<ArrayBuffer> {
    return segmentBytes({
      sourcePort: this.peerPort,
      destinationPort: this.hostPort,
      seq: (this.rcvNxt + at) | 0,
      ack: (this.sndUna + acked) | 0,
      flags: SEGMENT_FLAG.ACK | flags,
      optionBytes,
      bytes: pattern(at, length),
      ...(window !== undefined && { window }),
      ...(urgentPointer !== undefined && { urgentPointer }),
    });
  }

  /** Everything the target knows of the connection. */
  async query(): Promise<TcpOffloadState> {
    const state = new OffloadBlockState(unwritten(new TcpOffloadStateConst()), unwritten(new TcpOffloadStateCached()), unwritten(new TcpOffloadStateDelegated()));
    const root = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, this.handle, state);
    const block = await this.world.operate('query', root);
    check(block.status === NDIS_STATUS_SUCCESS, `a query of an offloaded connection failed with 0x${(block.status >>> 0).toString(16)}`);
    return state;
  }

  /** Bytes of the host's stream that are acknowledged, as the target says in answer to a query. */
  async acknowledged(): Promise<number> {
    return (present((await this.query()).delegated).sndUna - this.sndUna) | 0;
  }

  /** Bytes of the peer's stream that are received, a FIN counted as one, as the target says in answer to a query. */
  async countReceived(): Promise<number> {
    return (present((await this.query()).delegated).rcvNxt - this.rcvNxt) | 0;
  }

  /** Changes cached state. @returns the status. */
  async update(change: (cached: TcpOffloadStateCached) => void): Promise<number> {
    const cached = present((await this.query()).cached);
    change(cached);
    const root = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadCachedState, this.handle, new OffloadBlockState(null, cached, null));
    return (await this.world.operate('update', root)).status;
  }

  /** @returns the status. */
  async invalidate(): Promise<number> {
    return (await this.world.operate('invalidate', this.reference())).status;
  }

  /** A block that names the connection and carries no state. */
  reference(): ProtocolOffloadBlockList {
    return createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, this.handle, null);
  }

  /** A block to take the connection back with. */
  terminateBlock(): ProtocolOffloadBlockList {
    return createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, this.handle, new OffloadBlockState(null, null, unwritten(new TcpOffloadStateDelegated())));
  }

  /** Takes the connection back. @throws ConformanceFailure when that fails. */
  async terminate(): Promise<Uploaded> {
    const block = await this.world.operate('terminate', this.terminateBlock());
    check(block.status === NDIS_STATUS_SUCCESS, `a terminate failed with 0x${(block.status >>> 0).toString(16)}`);
    return this.uploaded(block);
  }

  /** What a completed terminate gave; BufferedData is returned. */
  uploaded(block: ProtocolOffloadBlockList): Uploaded {
    const delegated = present((block.state as TcpOffloadState).delegated);
    const parts = membersOf(delegated.bufferedData).map(netBufferListBytes);
    if (delegated.bufferedData !== null) this.world.binding.offloadTcpReceiveReturn(delegated.bufferedData);
    delegated.bufferedData = null;
    const chain = membersOf(block.netBufferListChain);
    block.netBufferListChain = null;
    return { block, delegated, chain, buffered: concat(parts) };
  }

  /** Completions of this connection's sends, in order. */
  get sendCompletions(): NblPicture[] {
    return this.completions('send').filter(({ nbl }) => this.sent.has(nbl));
  }

  /** Sends that were completed because the connection went back, in order: each is the host's to send, from its data start on. */
  get unsent(): NetBufferList[] {
    return this.sendCompletions.filter(({ status }) => status === NDIS_STATUS_UPLOAD_IN_PROGRESS).map(({ nbl }) => nbl);
  }

  /** Completions of this connection's receive requests, in order. */
  get receiveCompletions(): NblPicture[] {
    return this.completions('receive').filter(({ nbl }) => this.requests.has(nbl));
  }

  /** Completions of this connection's disconnects, in order. */
  get disconnectCompletions(): NblPicture[] {
    return this.completions('disconnect').filter(({ nbl }) => this.disconnects.has(nbl));
  }

  /** Completions of this connection's forwarded segments, in order. */
  get forwardCompletions(): NblPicture[] {
    return this.completions('forward').filter(({ nbl }) => this.forwarded.has(nbl));
  }

  private completions(operation: DataOperationName): NblPicture[] {
    return this.world.host.journal.slice(this.journalled).flatMap((entry) => (entry.kind === 'dataComplete' && entry.operation === operation ? entry.nbls : []));
  }

  /** Receive indications of this connection, in order. */
  get indications(): EntryOf<'indicate'>[] {
    return this.world.host.entries('indicate').filter(({ handle }) => handle === this.handle);
  }

  /** Event indications of this connection, in order, but for changes of the send backlog: those may come at any time. */
  get events(): EntryOf<'event'>[] {
    return this.allEvents.filter(({ eventType }) => eventType !== TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange);
  }

  /** The send backlog, in bytes, each time the target has said that it is another one. */
  get backlogs(): number[] {
    return this.allEvents.filter(({ eventType }) => eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange).map(({ information }) => information);
  }

  private get allEvents(): EntryOf<'event'>[] {
    return this.world.host.entries('event').filter(({ handle }) => handle === this.handle);
  }

  /** Every byte the host has got of this connection, by completion and by indication, in the order of the callbacks. */
  get received(): Uint8Array<ArrayBuffer> {
    return concat(
      this.world.host.journal.flatMap((entry) => {
        if (entry.kind === 'indicate') return entry.handle === this.handle ? [entry.bytes.subarray(0, entry.taken)] : [];
        if (entry.kind !== 'dataComplete' || entry.operation !== 'receive') return [];
        return entry.nbls.flatMap(({ nbl, placed }) => (this.requests.has(nbl) ? [placed] : []));
      }),
    );
  }
}

/** What no member of a state holds that somebody has written. */
const UNWRITTEN = -77;

/** A state that is to be written: all of its numbers are wrong. */
function unwritten<State extends object>(state: State): State {
  const members = state as Record<string, unknown>;
  for (const [name, value] of Object.entries(members)) {
    if (typeof value === 'number') members[name] = UNWRITTEN;
    else if (typeof value === 'object' && value !== null && name !== 'header') unwritten(value);
  }
  return state;
}

/** One array of many. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

