import { Mdl } from './mdl.ts';

/**
 * NET_BUFFER: one run of data, described by a chain of MDLs and a window on it. `dataOffset` counts from the start of
 * the MDL chain, `currentMdlOffset` from the start of `currentMdl`; both name the first byte of the window.
 *
 * NET_BUFFERs stay with their NET_BUFFER_LIST. Reserved members belong to the party in their name.
 *
 * Source: `ns-nbl-net_buffer.md`.
 */
export class NetBuffer {
  next: NetBuffer | null = null;
  /** The MDL the window begins in. */
  currentMdl: Mdl | null;
  /** Where in `currentMdl` the window begins, in bytes. */
  currentMdlOffset: number;
  /** Bytes in the window. */
  dataLength: number;
  mdlChain: Mdl | null;
  /** Where in the MDL chain the window begins, in bytes. */
  dataOffset: number;
  checksumBias = 0;
  ndisPoolHandle: object | null = null;
  ndisReserved0: unknown = null;
  ndisReserved1: unknown = null;
  protocolReserved0: unknown = null;
  protocolReserved1: unknown = null;
  protocolReserved2: unknown = null;
  protocolReserved3: unknown = null;
  protocolReserved4: unknown = null;
  protocolReserved5: unknown = null;
  miniportReserved0: unknown = null;
  miniportReserved1: unknown = null;
  miniportReserved2: unknown = null;
  miniportReserved3: unknown = null;
  /** `ScatterGatherList`: the list while one is allocated. In C it shares a union with `SharedMemoryInfo`. */
  scatterGatherList: unknown = null;

  constructor(mdlChain: Mdl | null = null, dataOffset = 0, dataLength = 0) {
    this.mdlChain = mdlChain;
    this.currentMdl = mdlChain;
    this.currentMdlOffset = 0;
    this.dataOffset = 0;
    this.dataLength = dataLength;
    if (dataOffset !== 0) this.describe(mdlChain, dataOffset, dataLength);
  }

  /** Points the window at `dataLength` bytes of `mdlChain`, beginning `dataOffset` bytes into it. */
  describe(mdlChain: Mdl | null, dataOffset: number, dataLength: number): void {
    this.mdlChain = mdlChain;
    this.dataOffset = dataOffset;
    this.dataLength = dataLength;
    this.locate(mdlChain, dataOffset);
  }

  /**
   * Moves the data start forward by `byteCount` bytes: they have been consumed. MDLs stay in the chain. Nobody is
   * notified; drivers use `advanceNetBufferDataStart` of their NDIS.
   *
   * Source: `nf-nblapi-ndisadvancenetbufferdatastart.md`, `FreeMdl` FALSE.
   * @throws TypeError when `byteCount` is negative or more than `dataLength`.
   */
  advanceDataStart(byteCount: number): void {
    if (!(byteCount >= 0 && byteCount <= this.dataLength)) {
      throw new TypeError(`NET_BUFFER data start cannot advance by ${byteCount} bytes: it holds ${this.dataLength}`);
    }
    this.dataOffset += byteCount;
    this.dataLength -= byteCount;
    this.locate(this.currentMdl, this.currentMdlOffset + byteCount);
  }

  /**
   * Moves the data start back by `byteCount` bytes. Where the chain has no room in front, an MDL of the missing bytes
   * plus `dataBackFill` is allocated and put first, as NdisRetreatNetBufferDataStart does.
   *
   * @throws TypeError when either argument is negative.
   */
  retreatDataStart(byteCount: number, dataBackFill = 0): void {
    if (!(byteCount >= 0 && dataBackFill >= 0)) {
      throw new TypeError(`NET_BUFFER data start cannot retreat by ${byteCount} bytes with back-fill ${dataBackFill}`);
    }
    if (byteCount > this.dataOffset) {
      const missing = byteCount - this.dataOffset + dataBackFill;
      const front = new Mdl(new Uint8Array(missing));
      front.next = this.mdlChain;
      this.mdlChain = front;
      this.dataOffset += missing;
    }
    this.dataOffset -= byteCount;
    this.dataLength += byteCount;
    this.locate(this.mdlChain, this.dataOffset);
  }

  private locate(from: Mdl | null, offset: number): void {
    let mdl = from;
    let remaining = offset;
    while (mdl !== null && mdl.next !== null && remaining >= mdl.byteCount) {
      remaining -= mdl.byteCount;
      mdl = mdl.next;
    }
    this.currentMdl = mdl;
    this.currentMdlOffset = remaining;
  }
}
