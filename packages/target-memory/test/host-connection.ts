import {
  Mdl,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  TCP_DISCONNECT_GRACEFUL_CLOSE,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  createProtocolOffloadBlockList,
  netBufferListBytes,
  type NetBufferList,
  type OFFLOAD_STATE_TYPE as OffloadStateType,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { MemoryPeer } from '@ndis-chimney/target-memory';
import { expect } from 'vitest';

import type { ConnectionSettings, World } from './world.ts';

/** What a terminated connection came back with. */
export interface Uploaded {
  readonly delegated: TcpOffloadStateDelegated;
  readonly chain: NetBufferList[];
  /** Copies; the NBLs have been returned. */
  readonly bufferedBytes: Uint8Array;
  readonly block: ProtocolOffloadBlockList;
}

/** The host's side of one offloaded connection. */
export class HostConnection {
  readonly world: World;
  readonly handle: OffloadHandle;
  readonly pathHandle: OffloadHandle;
  readonly neighborHandle: OffloadHandle;
  readonly settings: ConnectionSettings;

  constructor(world: World, handle: OffloadHandle, pathHandle: OffloadHandle, neighborHandle: OffloadHandle, settings: ConnectionSettings) {
    this.world = world;
    this.handle = handle;
    this.pathHandle = pathHandle;
    this.neighborHandle = neighborHandle;
    this.settings = settings;
  }

  /** Sends each argument as one NBL, all in one call. */
  send(...nbls: NetBufferList[]): NetBufferList[] {
    this.world.host.binding.offloadTcpSend(this.handle, must(chainOf(nbls)));
    return nbls;
  }

  /** Posts receive buffers of these sizes, in one call. */
  post(sizes: readonly number[], isNoPush = false): NetBufferList[] {
    const nbls = sizes.map((size) => must(this.world.pool.allocateNetBufferAndNetBufferList(new Mdl(new Uint8Array(size)), 0, size)));
    for (const nbl of nbls) nbl.tcpReceiveNoPush = isNoPush;
    this.world.host.binding.offloadTcpReceive(this.handle, must(chainOf(nbls)));
    return nbls;
  }

  close(bytes: Uint8Array = new Uint8Array(0)): NetBufferList {
    const nbl = createNbl(this.world, bytes);
    this.world.host.binding.offloadTcpDisconnect(this.handle, nbl, TCP_DISCONNECT_GRACEFUL_CLOSE);
    return nbl;
  }

  abort(): NetBufferList {
    const nbl = createNbl(this.world, new Uint8Array(0));
    this.world.host.binding.offloadTcpDisconnect(this.handle, nbl, TCP_DISCONNECT_ABORTIVE_CLOSE);
    return nbl;
  }

  forward(...segments: Uint8Array[]): NetBufferList[] {
    const nbls = segments.map((segment) => createNbl(this.world, segment));
    this.world.host.binding.offloadTcpForward(this.handle, must(chainOf(nbls)));
    return nbls;
  }

  /** Takes the connection back; path and neighbor stay. */
  terminate(): Uploaded {
    const delegated = new TcpOffloadStateDelegated();
    const block = reference(OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, this.handle, new OffloadBlockState(null, null, delegated));
    this.world.host.binding.terminateOffload(block);
    this.world.settle();
    const buffered: Uint8Array[] = [];
    for (let nbl = delegated.bufferedData; nbl !== null; nbl = nbl.next) buffered.push(netBufferListBytes(nbl));
    if (delegated.bufferedData !== null) this.world.host.binding.offloadTcpReceiveReturn(delegated.bufferedData);
    return { delegated, chain: listOf(block.netBufferListChain), bufferedBytes: concat(buffered), block };
  }

  query(): TcpOffloadState {
    const state = new OffloadBlockState(new TcpOffloadStateConst(), new TcpOffloadStateCached(), new TcpOffloadStateDelegated());
    this.world.host.binding.queryOffloadState(reference(OFFLOAD_STATE_TYPE.TcpOffloadState, this.handle, state));
    this.world.settle();
    return state;
  }

  /** What the target's current delegated state is. */
  get delegated(): TcpOffloadStateDelegated {
    return must(this.query().delegated);
  }

  /** Bytes that came up for this connection, in the order they came: by completion and by indication. */
  get received(): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const call of this.world.host.calls) {
      if (call.call === 'indicate' && call.handle === this.handle) parts.push(call.bytes);
      if (call.call === 'receive') for (const nbl of call.nbls) if (this.isOurs(nbl)) parts.push(placedBytes(nbl));
    }
    return concat(parts);
  }

  private readonly requests = new Set<NetBufferList>();

  /** Counts requests posted by {@link postOwn} only, where several connections post. */
  private isOurs(nbl: NetBufferList): boolean {
    return this.requests.size === 0 || this.requests.has(nbl);
  }

  /** As {@link post}, and remembers whose requests they are. */
  postOwn(sizes: readonly number[], isNoPush = false): NetBufferList[] {
    const nbls = this.post(sizes, isNoPush);
    for (const nbl of nbls) this.requests.add(nbl);
    return nbls;
  }
}

/** A block that names an offloaded object. */
export function reference(type: OffloadStateType, handle: OffloadHandle, state: OffloadBlockState | null = null): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(type, handle, state);
}

/** An NBL with one NET_BUFFER on one MDL. */
export function createNbl(world: World, bytes: Uint8Array): NetBufferList {
  return must(world.pool.allocateNetBufferAndNetBufferList(new Mdl(bytes), 0, bytes.length));
}

/** An NBL with one NET_BUFFER per argument, each on MDLs of at most `mdlBytes`. */
export function createPieces(world: World, pieces: readonly Uint8Array[], mdlBytes: number): NetBufferList {
  const nbl = must(world.pool.allocateNetBufferAndNetBufferList(mdlChain(must(pieces[0]), mdlBytes), 0, must(pieces[0]).length));
  let last = must(nbl.firstNetBuffer);
  for (const piece of pieces.slice(1)) {
    last.next = world.pool.allocateNetBuffer(mdlChain(piece, mdlBytes), 0, piece.length);
    last = last.next;
  }
  return nbl;
}

function mdlChain(bytes: Uint8Array, mdlBytes: number): Mdl {
  const first = new Mdl(bytes, 0, Math.min(mdlBytes, bytes.length));
  let last = first;
  for (let at = mdlBytes; at < bytes.length; at += mdlBytes) {
    last.next = new Mdl(bytes, at, Math.min(mdlBytes, bytes.length - at));
    last = last.next;
  }
  return first;
}

/** Gives a sent or posted NBL back to the pool. */
export function free(world: World, nbls: readonly NetBufferList[]): void {
  for (const nbl of nbls) {
    for (let nb = nbl.firstNetBuffer?.next ?? null; nb !== null;) {
      const next = nb.next;
      world.pool.freeNetBuffer(nb);
      nb = next;
    }
    if (nbl.firstNetBuffer !== null) nbl.firstNetBuffer.next = null;
    world.pool.freeNetBufferList(nbl);
  }
}

/** What a completed receive request got: the bytes its data start was moved over. */
export function placedBytes(nbl: NetBufferList): Uint8Array {
  const { buffer } = must(must(nbl.firstNetBuffer).mdlChain);
  return buffer.slice(0, nbl.tcpOffloadBytesTransferred);
}

export function chainOf(nbls: readonly NetBufferList[]): NetBufferList | null {
  nbls.forEach((nbl, index) => {
    nbl.next = nbls[index + 1] ?? null;
  });
  return nbls[0] ?? null;
}

export function listOf(list: NetBufferList | null): NetBufferList[] {
  const nbls: NetBufferList[] = [];
  for (let nbl = list; nbl !== null; nbl = nbl.next) nbls.push(nbl);
  return nbls;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Bytes that tell where they belong: no two positions within 251 have the same. */
export function pattern(length: number, offset = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (offset + index) % 251);
}

/** Reads so many bytes from a peer. */
export async function readAll(peer: MemoryPeer, byteCount: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let left = byteCount; left > 0;) {
    const part = await peer.read();
    if (part === null) break;
    parts.push(part);
    left -= part.length;
  }
  return concat(parts);
}

/** Compares streams; says where they part instead of showing them. */
export function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  const at = expected.findIndex((byte, index) => actual[index] !== byte);
  expect({ length: actual.length, differsAt: at }).toEqual({ length: expected.length, differsAt: -1 });
}

/** Expects the very same NBLs, in this order. */
export function expectSame(actual: readonly NetBufferList[], expected: readonly (NetBufferList | undefined)[]): void {
  expect(actual.map((nbl) => expected.indexOf(nbl))).toEqual(expected.map((_, index) => index));
}

/** The value, which is there. */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('there is no such value');
  return value;
}
