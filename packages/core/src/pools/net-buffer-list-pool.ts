import {
  NetBuffer,
  NetBufferList,
  isNetBufferList,
  type Mdl,
  type NetBufferListPool,
  type NetBufferListPoolParameters,
  type NetBufferListSource,
} from '@ndis-chimney/types';

import type { Ndis } from '../ndis.ts';
import { describeSource, notAList, type SpecialTag } from '../source-tags.ts';

/** What `ndisReserved1` of a NET_BUFFER of a pool says. A freed NET_BUFFER_LIST carries its pool as its `sourceHandle`. */
const IN_USE = null;
const FREE = 'free';

/** See {@link NetBufferListPool}. Free NBLs keep their first NET_BUFFER. */
export class NdisNetBufferListPool implements NetBufferListPool, SpecialTag {
  /** See `SpecialTag`: a freed NBL carries its pool as its tag. */
  readonly tagText: string = 'freed';
  readonly owner: string;
  readonly protocolId: number;
  outstanding = 0;
  outstandingNetBuffers = 0;
  private readonly ndis: Ndis;
  private readonly limit: number;
  private freeLists: NetBufferList | null = null;
  private freeBuffers: NetBuffer | null = null;
  private isFreed = false;

  constructor(ndis: Ndis, owner: string, parameters: NetBufferListPoolParameters) {
    this.ndis = ndis;
    this.owner = owner;
    this.protocolId = parameters.protocolId ?? 0;
    this.limit = parameters.limit ?? Infinity;
  }

  allocateNetBufferAndNetBufferList(mdlChain: Mdl | null, dataOffset: number, dataLength: number): NetBufferList | null {
    if (this.isFreed) throw this.misuse('NdisAllocateNetBufferAndNetBufferList: the pool is freed', this);
    if (this.outstanding >= this.limit) return null;
    let nbl = this.freeLists;
    if (nbl === null) {
      nbl = new NetBufferList(new NetBuffer());
      nbl.ndisPoolHandle = this;
    } else {
      this.freeLists = nbl.next;
      nbl.next = null;
      nbl.sourceHandle = null;
    }
    nbl.firstNetBuffer?.describe(mdlChain, dataOffset, dataLength);
    this.outstanding++;
    if (this.ndis.observers !== null) this.ndis.observers.allocated('NET_BUFFER_LIST', nbl, this.owner);
    return nbl;
  }

  allocateNetBuffer(mdlChain: Mdl | null, dataOffset: number, dataLength: number): NetBuffer {
    if (this.isFreed) throw this.misuse('NdisAllocateNetBuffer: the pool is freed', this);
    let netBuffer = this.freeBuffers;
    if (netBuffer === null) {
      netBuffer = new NetBuffer();
      netBuffer.ndisPoolHandle = this;
    } else {
      this.freeBuffers = netBuffer.next;
      netBuffer.next = null;
      netBuffer.ndisReserved1 = IN_USE;
    }
    netBuffer.describe(mdlChain, dataOffset, dataLength);
    this.outstandingNetBuffers++;
    if (this.ndis.observers !== null) this.ndis.observers.allocated('NET_BUFFER', netBuffer, this.owner);
    return netBuffer;
  }

  freeNetBuffer(netBuffer: NetBuffer): void {
    if ((netBuffer as NetBuffer | null)?.ndisPoolHandle !== this || netBuffer.ndisReserved1 !== IN_USE) {
      throw this.misuse('NdisFreeNetBuffer: the NET_BUFFER is not of this pool, or was freed before', netBuffer);
    }
    resetNetBuffer(netBuffer);
    netBuffer.ndisReserved1 = FREE;
    netBuffer.next = this.freeBuffers;
    this.freeBuffers = netBuffer;
    this.outstandingNetBuffers--;
    if (this.ndis.observers !== null) this.ndis.observers.freed('NET_BUFFER', netBuffer, this.owner);
  }

  freeNetBufferList(netBufferList: NetBufferList): void {
    const call = 'NdisFreeNetBufferList';
    if (!isNetBufferList(netBufferList)) throw notAList(this.owner, call, netBufferList);
    const why = this.whyNotFree(netBufferList);
    if (why !== '') throw this.misuse(`${call}: the NET_BUFFER_LIST ${why}`, netBufferList);
    resetNetBufferList(netBufferList);
    netBufferList.sourceHandle = this as unknown as NetBufferListSource;
    netBufferList.next = this.freeLists;
    this.freeLists = netBufferList;
    this.outstanding--;
    if (this.ndis.observers !== null) this.ndis.observers.freed('NET_BUFFER_LIST', netBufferList, this.owner);
  }

  freeNetBufferListPool(): void {
    if (this.outstanding > 0 || this.outstandingNetBuffers > 0) {
      throw this.ndis.violation('CHIM-LIF-007', this.owner, `NdisFreeNetBufferListPool: ${this.outstanding} NET_BUFFER_LISTs and ${this.outstandingNetBuffers} NET_BUFFERs are still out`, [this]);
    }
    this.isFreed = true;
    this.freeLists = null;
    this.freeBuffers = null;
    this.ndis.forgetPool(this);
  }

  private whyNotFree(nbl: NetBufferList): string {
    if (nbl.ndisPoolHandle !== this) return 'is not of this pool';
    if (nbl.sourceHandle === (this as unknown as NetBufferListSource)) return 'was freed before';
    if (nbl.sourceHandle !== null) return `is still out, ${describeSource(nbl.sourceHandle)}`;
    if (nbl.context !== null) return 'still carries a context';
    const first = nbl.firstNetBuffer;
    return first === null || first.next !== null ? 'does not have just the NET_BUFFER it was allocated with' : '';
  }

  private misuse(detail: string, object: object): Error {
    return this.ndis.violation('CHIM-NBL-010', this.owner, detail, [object]);
  }
}

function resetNetBuffer(netBuffer: NetBuffer): void {
  netBuffer.next = null;
  netBuffer.mdlChain = null;
  netBuffer.currentMdl = null;
  netBuffer.currentMdlOffset = 0;
  netBuffer.dataOffset = 0;
  netBuffer.dataLength = 0;
  netBuffer.checksumBias = 0;
  netBuffer.ndisReserved0 = null;
  netBuffer.protocolReserved0 = null;
  netBuffer.protocolReserved1 = null;
  netBuffer.protocolReserved2 = null;
  netBuffer.protocolReserved3 = null;
  netBuffer.protocolReserved4 = null;
  netBuffer.protocolReserved5 = null;
  netBuffer.miniportReserved0 = null;
  netBuffer.miniportReserved1 = null;
  netBuffer.miniportReserved2 = null;
  netBuffer.miniportReserved3 = null;
  netBuffer.scatterGatherList = null;
}

function resetNetBufferList(nbl: NetBufferList): void {
  if (nbl.firstNetBuffer !== null) resetNetBuffer(nbl.firstNetBuffer);
  nbl.parentNetBufferList = null;
  nbl.ndisReserved0 = null;
  nbl.protocolReserved0 = null;
  nbl.protocolReserved1 = null;
  nbl.protocolReserved2 = null;
  nbl.protocolReserved3 = null;
  nbl.miniportReserved0 = null;
  nbl.miniportReserved1 = null;
  nbl.scratch = null;
  nbl.nblFlags = 0;
  nbl.childRefCount = 0;
  nbl.flags = 0;
  nbl.status = 0;
  nbl.clearInfo();
}
