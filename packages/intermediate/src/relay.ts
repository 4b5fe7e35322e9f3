import {
  NdisStatusIndication,
  type MiniportOffloadBlockList,
  type NdisMiniport,
  type OffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import type { OffloadEntry } from './offload-entry.ts';

/** Passes a status indication of the adapter below on as one of a virtual miniport. */
export function relayStatus(miniport: NdisMiniport, from: NdisStatusIndication): void {
  const indication = new NdisStatusIndication();
  indication.sourceHandle = miniport;
  indication.portNumber = from.portNumber;
  indication.statusCode = from.statusCode;
  indication.flags = from.flags;
  indication.destinationHandle = from.destinationHandle;
  indication.requestId = from.requestId;
  indication.statusBuffer = from.statusBuffer;
  indication.statusBufferSize = from.statusBufferSize;
  miniport.indicateStatusEx(indication);
}

/**
 * Passes a neighbor reachability query on: during `indicate` the block names the neighbor by the upper driver's handle.
 * The answer is in the block when `indicate` returns, where the driver below will find it.
 */
export function relayedNeighborQuery<UpperEdge>(
  offloadBlockList: ProtocolOffloadBlockList,
  indicate: (block: MiniportOffloadBlockList, upperEdge: UpperEdge) => void,
): void {
  const block = offloadBlockList as unknown as OffloadBlockList;
  const own = block.offloadHandle as OffloadHandle<OffloadEntry<UpperEdge>> | null;
  if (own === null) return;
  const { upperHandle, upperEdge } = own.owner;
  block.offloadHandle = upperHandle;
  try {
    indicate(block as unknown as MiniportOffloadBlockList, upperEdge);
  } finally {
    block.offloadHandle = own;
  }
}
