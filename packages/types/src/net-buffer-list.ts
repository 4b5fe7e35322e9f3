import { NET_BUFFER_LIST_BRAND, brand, type Branded } from './brand.ts';
import { NDIS_NET_BUFFER_LIST_INFO } from './net-buffer-list-info.ts';
import type { NetBufferListContext } from './net-buffer-list-context.ts';
import type { NetBuffer } from './net-buffer.ts';
import type { NdisBinding } from './ndis-binding.ts';
import type { NdisMiniport } from './ndis-miniport.ts';
import type { NetBufferListPool } from './pools.ts';
import type { NDIS_STATUS } from './status.ts';

/** What `NetBufferList.sourceHandle` may name: the binding it came down on, or the adapter that passed it up. */
export type NetBufferListSource = NdisBinding | NdisMiniport;

/**
 * NET_BUFFER_LIST: the unit of ownership on every data path. A list is linked through `next` and ends with null; the
 * current owner may relink it. Reserved members belong to the party in their name, `scratch` to the current owner,
 * `ndisReserved…` and `sourceHandle` to NDIS (an intermediate driver saves and restores the latter).
 *
 * Allocate from a pool (`allocateNetBufferListPool`), never with `new`, unless it is for a test or a one-off.
 *
 * Source: `ns-nbl-net_buffer_list.md`.
 */
export class NetBufferList {
  // What every crossing touches comes first, so that it shares a cache line.
  next: NetBufferList | null = null;
  /** Whom the NBL goes back to; null while nobody below (or above) holds it. */
  sourceHandle: NetBufferListSource | null = null;
  /** Top of the context stack. */
  context: NetBufferListContext | null = null;
  /** Completion status, written by the driver that completes the NBL. */
  status: NDIS_STATUS = 0;
  /** Info slot 0: see {@link tcpOffloadBytesTransferred}. */
  private infoSlot0: unknown = 0;
  firstNetBuffer: NetBuffer | null;
  parentNetBufferList: NetBufferList | null = null;
  /** The pool the NBL is from; null for one made by hand. */
  ndisPoolHandle: NetBufferListPool | null = null;
  ndisReserved0: unknown = null;
  ndisReserved1: unknown = null;
  protocolReserved0: unknown = null;
  protocolReserved1: unknown = null;
  protocolReserved2: unknown = null;
  protocolReserved3: unknown = null;
  miniportReserved0: unknown = null;
  miniportReserved1: unknown = null;
  scratch: unknown = null;
  nblFlags = 0;
  childRefCount = 0;
  flags = 0;
  private infoSlot2: unknown = 0;
  private infoSlot17: unknown = 0;
  /** The slots that no chimney operation uses; made when one of them is first set. */
  private otherInfo: unknown[] | null = null;

  constructor(firstNetBuffer: NetBuffer | null = null) {
    this.firstNetBuffer = firstNetBuffer;
  }

  static {
    brand(this.prototype, NET_BUFFER_LIST_BRAND);
  }

  /**
   * NET_BUFFER_LIST_INFO: the value of an info slot, 0 when it was never set. What a shared slot means depends on the
   * path the NBL is on. @param id a value of `NDIS_NET_BUFFER_LIST_INFO`.
   */
  getInfo(id: number): unknown {
    switch (id) {
      case NDIS_NET_BUFFER_LIST_INFO.TcpOffloadBytesTransferred:
        return this.infoSlot0;
      case NDIS_NET_BUFFER_LIST_INFO.TcpReceiveNoPush:
        return this.infoSlot2;
      case NDIS_NET_BUFFER_LIST_INFO.TcpReceiveBytesTransferred:
        return this.infoSlot17;
      default:
        return this.otherInfo?.[id] ?? 0;
    }
  }

  /** Sets an info slot. @throws TypeError when there is no such slot. */
  setInfo(id: number, value: unknown): void {
    if (!Number.isInteger(id) || id < 0 || id >= NDIS_NET_BUFFER_LIST_INFO.MaxNetBufferListInfo) {
      throw new TypeError(`NET_BUFFER_LIST_INFO: there is no slot ${id}`);
    }
    switch (id) {
      case NDIS_NET_BUFFER_LIST_INFO.TcpOffloadBytesTransferred:
        this.infoSlot0 = value;
        break;
      case NDIS_NET_BUFFER_LIST_INFO.TcpReceiveNoPush:
        this.infoSlot2 = value;
        break;
      case NDIS_NET_BUFFER_LIST_INFO.TcpReceiveBytesTransferred:
        this.infoSlot17 = value;
        break;
      default:
        this.otherInfo ??= new Array<unknown>(NDIS_NET_BUFFER_LIST_INFO.MaxNetBufferListInfo).fill(0);
        this.otherInfo[id] = value;
    }
  }

  /** Sets every info slot to 0, as in a new NBL. */
  clearInfo(): void {
    this.infoSlot0 = 0;
    this.infoSlot2 = 0;
    this.infoSlot17 = 0;
    if (this.otherInfo !== null) this.otherInfo.fill(0);
  }

  /** `TcpOffloadBytesTransferred`: bytes moved, written by the target before it completes a send, receive or disconnect. */
  get tcpOffloadBytesTransferred(): number {
    return this.infoSlot0 as number;
  }

  set tcpOffloadBytesTransferred(byteCount: number) {
    this.infoSlot0 = byteCount;
  }

  /** `TcpReceiveNoPush`: true makes a posted receive non-push, written by the host. */
  get tcpReceiveNoPush(): boolean {
    return this.infoSlot2 === true;
  }

  set tcpReceiveNoPush(isNoPush: boolean) {
    this.infoSlot2 = isNoPush;
  }

  /** `TcpReceiveBytesTransferred`: bytes the host already placed in a receive it posts (NDIS 6.20 and later). */
  get tcpReceiveBytesTransferred(): number {
    return this.infoSlot17 as number;
  }

  set tcpReceiveBytesTransferred(byteCount: number) {
    this.infoSlot17 = byteCount;
  }
}

/**
 * `NdisGetNetBufferListProtocolId`: the protocol that the NBL's pool was made for, an `NDIS_PROTOCOL_ID_` value; 0 for
 * none. Source: `nf-nblapi-ndisgetnetbufferlistprotocolid.md`.
 */
export function getNetBufferListProtocolId(netBufferList: NetBufferList): number {
  return netBufferList.ndisPoolHandle?.protocolId ?? 0;
}

/** True when `value` is a NET_BUFFER_LIST, of whichever copy of this package. */
export function isNetBufferList(value: unknown): value is NetBufferList {
  return typeof value === 'object' && value !== null && (value as Branded)[NET_BUFFER_LIST_BRAND] === true;
}
