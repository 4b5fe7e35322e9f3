import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  isOffloadableState,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
} from '@ndis-chimney/types';

import type { RawAdapter } from './adapter.ts';
import { takeConnection, type RawConnection, type WholeTcp } from './connection.ts';
import { objectOf, takeNeighbor, takePath, type RawObject, type WholeNeighbor, type WholePath } from './objects.ts';
import { visitAll } from './trees.ts';
import { runConnection } from './turn.ts';

/** Takes a tree over. @returns the new connections: they move when the host has the tree back. */
export function initiate(adapter: RawAdapter, root: MiniportOffloadBlockList): RawConnection[] {
  const taken: RawConnection[] = [];
  offer(adapter, root, null, taken, true);
  return taken;
}

function offer(adapter: RawAdapter, first: MiniportOffloadBlockList | null, parent: RawObject | null, taken: RawConnection[], isRoot: boolean): void {
  for (let block = first; block !== null; block = block.nextBlock) {
    const isLinker = objectOf(block) !== null;
    const isPlaceholder = block.miniportOffloadContext === null;
    block.status = isPlaceholder || isLinker ? NDIS_STATUS_SUCCESS : take(adapter, block, parent, taken);
    if (block.status !== NDIS_STATUS_SUCCESS) {
      refuse(block.dependentBlockList);
      if (!isRoot) continue;
      refuse(block.nextBlock);
      return;
    }
    offer(adapter, block.dependentBlockList, objectOf(block), taken, false);
    if (!isPlaceholder) block.status = rollUp(block, isLinker);
  }
}

function refuse(first: MiniportOffloadBlockList | null): void {
  visitAll(first, () => NDIS_STATUS_FAILURE);
}

function rollUp({ dependentBlockList }: MiniportOffloadBlockList, isLinker: boolean): NDIS_STATUS {
  const outcomes: boolean[] = [];
  for (let block = dependentBlockList; block !== null; block = block.nextBlock) outcomes.push(block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS);
  if (!outcomes.includes(false)) return NDIS_STATUS_SUCCESS;
  return isLinker && !outcomes.includes(true) ? NDIS_STATUS_FAILURE : NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

function take(adapter: RawAdapter, block: MiniportOffloadBlockList, parent: RawObject | null, taken: RawConnection[]): NDIS_STATUS {
  const { ndisOffloadHandle: handle, miniportOffloadContext: cell, state } = block;
  if (handle === null || cell === null || state?.const == null || state.cached === null || state.delegated === null) return NDIS_STATUS_FAILURE;
  const layer = offloadLayerOf(block.header.type);
  if (layer === 'neighbor') {
    cell.miniportOffloadContext = takeNeighbor(handle, state as WholeNeighbor, adapter.ticks);
  } else if (layer === 'path' && parent?.layer === 'neighbor') {
    const { sourceAddress, destinationAddress } = (state as WholePath).const;
    const addressBytes = block.header.type === OFFLOAD_STATE_TYPE.Ip6OffloadState ? 16 : 4;
    if (sourceAddress.length !== addressBytes || destinationAddress.length !== addressBytes) return NDIS_STATUS_FAILURE;
    cell.miniportOffloadContext = takePath(handle, state as WholePath, parent);
  } else if (layer === 'tcp' && parent?.layer === 'path') {
    if (!isOffloadableState((state as WholeTcp).delegated.state)) return NDIS_STATUS_FAILURE;
    if (adapter.connections.size >= adapter.connectionCapacity) return NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
    const connection = takeConnection(adapter, handle, parent, state as WholeTcp, block.netBufferListChain, runConnection);
    adapter.connections.add(connection);
    taken.push(connection);
    cell.miniportOffloadContext = connection;
  } else {
    return NDIS_STATUS_FAILURE;
  }
  return NDIS_STATUS_SUCCESS;
}

/** The host has the tree back: the connection comes to life. */
export function enable(connection: RawConnection): void {
  const { farEnd, wire, now, edge, adapter } = connection;
  connection.isEnabled = true;
  connection.farEdge = farEnd.edge;
  farEnd.attach(wire, now.rcvNxt, (edge - now.rcvNxt) | 0);
  adapter.environment.dpcQueue.insert(connection.dpc);
}
