import { copyFromNetBuffer, netBufferListBytes, netBufferListDataLength, type NetBufferList } from '@ndis-chimney/types';

/** A copy of the data of a chain of NBLs. */
export function copyOfChain(chain: NetBufferList | null): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (let nbl = chain; nbl !== null; nbl = nbl.next) length += netBufferListDataLength(nbl);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let nbl = chain; nbl !== null; nbl = nbl.next) {
    const part = netBufferListBytes(nbl);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A copy of the first bytes of one NBL. */
export function copyOfStart(netBufferList: NetBufferList, byteCount: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteCount);
  let at = 0;
  for (let nb = netBufferList.firstNetBuffer; nb !== null && at < byteCount; nb = nb.next) at += copyFromNetBuffer(nb, 0, bytes, at, byteCount - at);
  return bytes;
}
