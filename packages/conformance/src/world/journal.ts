import { netBufferListDataLength, type NDIS_STATUS, type NetBufferList, type OffloadHandle, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

/** What one NET_BUFFER_LIST looked like when a callback brought it. */
export interface NblPicture {
  readonly nbl: NetBufferList;
  readonly status: NDIS_STATUS;
  readonly bytesTransferred: number;
  /** Bytes of data left in its NET_BUFFERs: less than it had by as many as its data starts were advanced. */
  readonly dataLength: number;
  /** The same, of each NET_BUFFER. */
  readonly lengths: readonly number[];
  /** Data bytes that were placed in a receive request: what its data start was advanced over, as they were at that time. */
  readonly placed: Uint8Array<ArrayBuffer>;
}

interface EntryBase {
  /** When: milliseconds of the clock. */
  readonly atMs: number;
  /** IRQL of the callback. */
  readonly irql: number;
  /** Callbacks of the same host that were on the stack. */
  readonly depth: number;
}

/** The state operations. */
export type StateOperationName = 'initiate' | 'query' | 'update' | 'invalidate' | 'terminate';
/** The operations on NET_BUFFER_LISTs. */
export type DataOperationName = 'send' | 'receive' | 'disconnect' | 'forward';

/** One callback that a host got. */
export type JournalEntry = EntryBase &
  (
    | { readonly kind: 'stateComplete'; readonly operation: StateOperationName; readonly root: ProtocolOffloadBlockList }
    | { readonly kind: 'dataComplete'; readonly operation: DataOperationName; readonly list: NetBufferList | null; readonly nbls: readonly NblPicture[] }
    | { readonly kind: 'event'; readonly handle: OffloadHandle; readonly eventType: number; readonly information: number }
    | {
        readonly kind: 'indicate';
        readonly handle: OffloadHandle;
        readonly list: NetBufferList;
        readonly status: NDIS_STATUS;
        /** A copy of the data indicated. */
        readonly bytes: Uint8Array<ArrayBuffer>;
        /** How many of them the host took; the rest stayed with the target. */
        readonly taken: number;
      }
    | { readonly kind: 'offloadEvent'; readonly root: ProtocolOffloadBlockList; readonly indicationCode: number }
    | { readonly kind: 'status'; readonly statusCode: NDIS_STATUS }
    | { readonly kind: 'ordinaryReceive'; readonly packets: readonly Uint8Array<ArrayBuffer>[] }
    | { readonly kind: 'ordinarySendComplete'; readonly nbls: readonly NblPicture[] }
    | { readonly kind: 'oidComplete'; readonly oid: number; readonly status: NDIS_STATUS }
  );

/** The entries of one kind. */
export type EntryOf<Kind extends JournalEntry['kind']> = Extract<JournalEntry, { readonly kind: Kind }>;

/** A picture of an NBL as it is now. */
export function pictureOf(nbl: NetBufferList): NblPicture {
  const { status, tcpOffloadBytesTransferred: bytesTransferred } = nbl;
  const lengths: number[] = [];
  for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) lengths.push(nb.dataLength);
  return { nbl, status, bytesTransferred, dataLength: netBufferListDataLength(nbl), lengths, placed: bytesBeforeDataStart(nbl, bytesTransferred) };
}

/** The last `count` bytes before the data start of an NBL's first NET_BUFFER, on whichever MDLs they lie. */
function bytesBeforeDataStart(nbl: NetBufferList, count: number): Uint8Array<ArrayBuffer> {
  const nb = nbl.firstNetBuffer;
  if (nb === null || count <= 0) return new Uint8Array(0);
  const before = new Uint8Array(nb.dataOffset);
  let at = 0;
  for (let mdl = nb.mdlChain; mdl !== null && at < before.length; mdl = mdl.next) {
    const here = Math.min(mdl.byteCount, before.length - at);
    before.set(mdl.buffer.subarray(mdl.byteOffset, mdl.byteOffset + here), at);
    at += here;
  }
  return before.slice(Math.max(0, at - count), at);
}
