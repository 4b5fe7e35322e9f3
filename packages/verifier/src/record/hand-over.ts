import { netBufferListDataLength, type NetBufferList, type OffloadBlockState, type TcpOffloadState } from '@ndis-chimney/types';

/**
 * How a connection was handed over: by its initiate, on the way down; by its terminate, on the way back. The positions
 * are sequence numbers, int32.
 */
export interface HandOver {
  /** A value of `TCP_OFFLOAD_CONNECTION_STATE`. */
  readonly connectionState: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly rcvNxt: number;
  readonly sndUna: number;
  readonly sndNxt: number;
  readonly sndMax: number;
  /** Bytes in BufferedData: received, acknowledged, and not delivered. */
  readonly bufferedBytes: number;
  /** Bytes in the NetBufferListChain: to be sent, from `sndUna` on. */
  readonly chainBytes: number;
}

/**
 * What a block says of a connection.
 * @param chain the block's NetBufferListChain.
 * @returns null when it has no delegated state, so that nothing is known.
 */
export function handOverOf(state: OffloadBlockState | null, chain: NetBufferList | null): HandOver | null {
  const { delegated, const: constant } = (state ?? {}) as Partial<TcpOffloadState>;
  if (delegated === null || delegated === undefined) return null;
  const { state: connectionState, rcvNxt, sndUna, sndNxt, sndMax, bufferedData } = delegated;
  return {
    connectionState,
    localPort: constant?.localPort ?? -1,
    remotePort: constant?.remotePort ?? -1,
    rcvNxt,
    sndUna,
    sndNxt,
    sndMax,
    bufferedBytes: lengthOf(bufferedData),
    chainBytes: lengthOf(chain),
  };
}

/** Most NBLs of a list that are looked at, so that one that loops is not followed for ever. */
export const MOST_NBLS: number = 1_000_000;

function lengthOf(list: NetBufferList | null): number {
  let bytes = 0;
  let count = 0;
  for (let nbl = list; nbl !== null && count < MOST_NBLS; nbl = nbl.next) {
    bytes += netBufferListDataLength(nbl);
    count++;
  }
  return bytes;
}
