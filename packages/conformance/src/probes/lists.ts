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
