import {
  TCP_FLAG_MAX_RT_RESTART,
  TCP_FLAG_UPDATE_RCV_WND,
  TCP_UPLOAD_REASON,
  type MiniportOffloadBlockList,
  type NeighborOffloadState,
  type PathOffloadState,
  type TcpOffloadState,
  type TcpOffloadStateCached,
} from '@ndis-chimney/types';

import type { MemoryAdapter } from './memory-adapter.ts';
import { objectOf, statusOf, type NeighborObject } from './offload-objects.ts';
import type { TcpObject } from './tcp-object.ts';

/**
 * Takes new cached state over, and links paths to another neighbor: a path below a named neighbor depends on that one
 * from now on.
 *
 * Source: `updating-cached-variables.md`, `linking-path-state-objects-to-a-new-neighbor-state-object.md`.
 */
export function update(adapter: MemoryAdapter, tree: MiniportOffloadBlockList, nowMs: number): void {
  const { walk } = adapter;
  for (let top: MiniportOffloadBlockList | null = tree; top !== null; top = top.nextBlock) {
    updateBlock(adapter, top, null);
    const object = objectOf(top);
    // A placeholder expresses no link.
    const neighbor = object?.layer === 'neighbor' ? object : null;
    let block = top.dependentBlockList === null ? null : walk.start(top.dependentBlockList);
    for (; block !== null; block = walk.next(block)) updateBlock(adapter, block, neighbor);
  }
  adapter.completions.flush();
  adapter.miniport.updateOffloadComplete(tree);
  resumeStopped(adapter, nowMs);
}

function updateBlock(adapter: MemoryAdapter, block: MiniportOffloadBlockList, neighbor: NeighborObject | null): void {
  block.status = statusOf(block);
  const object = objectOf(block);
  switch (object?.layer) {
    case 'neighbor': {
      const state = block.state as NeighborOffloadState | null;
      if (state !== null && state.cached !== null) object.cached.copyFrom(state.cached);
      break;
    }
    case 'path': {
      const state = block.state as PathOffloadState | null;
      if (state !== null && state.cached !== null) object.cached.copyFrom(state.cached);
      if (neighbor !== null) object.neighbor = neighbor;
      break;
    }
    case 'tcp': {
      const state = block.state as TcpOffloadState | null;
      if (state !== null && state.cached !== null) updateTcp(adapter, object, state.cached);
      break;
    }
    case undefined:
      break;
  }
}

function updateTcp(adapter: MemoryAdapter, tcp: TcpObject, cached: TcpOffloadStateCached): void {
  tcp.cached = adapter.cachedStates.copyOf(cached);
  if ((cached.flags & TCP_FLAG_MAX_RT_RESTART) !== 0) tcp.totalRT = 0;
  if ((cached.flags & TCP_FLAG_UPDATE_RCV_WND) !== 0) tcp.openEngine().advertiseWindow();
}

/** Connections whose path leads to a valid neighbor again may go on, though their upload was asked for. */
function resumeStopped(adapter: MemoryAdapter, nowMs: number): void {
  if (adapter.stoppedConnections === 0) return;
  for (const tcp of adapter.connections) {
    if (tcp.uploadReason !== TCP_UPLOAD_REASON.InvalidState || tcp.isStopped) continue;
    tcp.uploadReason = 0;
    adapter.stoppedConnections--;
    tcp.engine?.resume(nowMs);
  }
}
