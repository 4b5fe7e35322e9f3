import { Mdl, NetBuffer, NetBufferList, netBufferListBytes, type NetBufferListPool } from '@ndis-chimney/types';

/** What one NET_BUFFER_LIST of a test holds: text, bytes, or so many zero bytes. */
export type Content = string | Uint8Array<ArrayBuffer> | number;

/** The bytes of a content. */
export function bytesOf(content: Content): Uint8Array<ArrayBuffer> {
  if (typeof content === 'string') return new TextEncoder().encode(content);
  return typeof content === 'number' ? new Uint8Array(content) : content;
}

/** Links NBLs into a list, in order. @returns the first. */
export function link(nbls: readonly NetBufferList[]): NetBufferList {
  const [head] = nbls;
  if (head === undefined) throw new TypeError('link: there is no NBL');
  nbls.forEach((nbl, at) => {
    nbl.next = nbls[at + 1] ?? null;
  });
  return head;
}

/** The members of a list, in order. */
export function membersOf(list: NetBufferList | null): NetBufferList[] {
  const members: NetBufferList[] = [];
  for (let nbl = list; nbl !== null; nbl = nbl.next) members.push(nbl);
  return members;
}

/** A list of NBLs with these contents, one NET_BUFFER each. */
export function createList(pool: NetBufferListPool, ...contents: Content[]): NetBufferList {
  return link(
    contents.map((content) => {
      const bytes = bytesOf(content);
      const nbl = pool.allocateNetBufferAndNetBufferList(new Mdl(bytes), 0, bytes.length);
      if (nbl === null) throw new Error('createList: the pool is at its limit');
      return nbl;
    }),
  );
}

/** Data of one NET_BUFFER: what its MDLs hold, first to last. */
export type Pieces = readonly Uint8Array<ArrayBuffer>[];

/**
 * One NBL with these NET_BUFFERs. Nothing lies where a careless reader looks for it: each MDL begins inside its memory,
 * and the data begins inside the first MDL.
 */
export function createInPieces(pool: NetBufferListPool, ...netBuffers: Pieces[]): NetBufferList {
  const [first = [], ...others] = netBuffers;
  const nbl = pool.allocateNetBufferAndNetBufferList(mdlsOf(first), HEAD_ROOM, lengthOf(first));
  let last = nbl?.firstNetBuffer ?? null;
  for (const pieces of others) {
    const netBuffer = pool.allocateNetBuffer(mdlsOf(pieces), HEAD_ROOM, lengthOf(pieces));
    if (last !== null) last.next = netBuffer;
    last = netBuffer;
  }
  if (nbl === null || last === null) throw new Error('createInPieces: the pool is at its limit');
  return nbl;
}

/** Bytes of the first MDL that are before the data. */
const HEAD_ROOM = 3;
/** Bytes of memory before and after what an MDL describes. */
const MARGIN = 5;
const NOT_DATA = 0xEE;

function mdlsOf(pieces: Pieces): Mdl {
  const [first = new Uint8Array(0), ...others] = pieces;
  const head = mdlOf(first, HEAD_ROOM);
  let last = head;
  for (const piece of others) {
    last.next = mdlOf(piece, 0);
    last = last.next;
  }
  return head;
}

function mdlOf(bytes: Uint8Array<ArrayBuffer>, headRoom: number): Mdl {
  const memory = new Uint8Array(MARGIN + headRoom + bytes.length + MARGIN).fill(NOT_DATA);
  memory.set(bytes, MARGIN + headRoom);
  return new Mdl(memory, MARGIN, headRoom + bytes.length);
}

function lengthOf(pieces: Pieces): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** The text one NBL holds, with what the driver that completed it has moved its data start past. */
export function textOf(nbl: NetBufferList): string {
  const first = nbl.firstNetBuffer;
  if (first === null || first.next !== null) return new TextDecoder().decode(netBufferListBytes(nbl));
  const consumed = Math.min(nbl.tcpOffloadBytesTransferred, first.dataOffset);
  const whole = new NetBuffer(first.mdlChain, first.dataOffset - consumed, first.dataLength + consumed);
  return new TextDecoder().decode(netBufferListBytes(new NetBufferList(whole)));
}

/** The texts a list holds, one per NBL. */
export function textsOf(list: NetBufferList | null): string[] {
  return membersOf(list).map(textOf);
}
