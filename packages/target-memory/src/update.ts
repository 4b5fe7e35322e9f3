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
import { objectOf, statusOf, type NeighborObject, type OffloadObject } from './offload-objects.ts';
import type { TcpObject } from './tcp-object.ts';

/**
 * Takes new cached state over, and links paths to another neighbor: a path below a named neighbor depends on that one
 * from now on.
 *
 * Source: `updating-cached-variables.md`, `linking-path-state-objects-to-a-new-neighbor-state-object.md`.
 */
export function update(adapter: MemoryAdapter, tree: MiniportOffloadBlockList): void {
  const { walk } = adapter;
  let hasRelinked = false;
  for (let top: MiniportOffloadBlockList | null = tree; top !== null; top = top.nextBlock) {
    updateBlock(adapter, top);
    const object = objectOf(top);
    let block = top.dependentBlockList === null ? null : walk.start(top.dependentBlockList);
    for (; block !== null; block = walk.next(block)) {
      updateBlock(adapter, block);
      // A placeholder expresses no link.
      if (object?.layer === 'neighbor' && relink(objectOf(block), object)) hasRelinked = true;
    }
  }
  adapter.completions.flush();
  adapter.miniport.updateOffloadComplete(tree);
  if (hasRelinked) stopOrResume(adapter);
}

/** Makes a path depend on a neighbor. @returns false when it does already, or is no path. */
function relink(object: OffloadObject | null, neighbor: NeighborObject): boolean {
  if (object?.layer !== 'path' || object.neighbor === neighbor) return false;
  object.neighbor = neighbor;
  return true;
}

function updateBlock(adapter: MemoryAdapter, block: MiniportOffloadBlockList): void {
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

/** What depends on an invalid neighbor now stops; what does not any more goes on, though its upload was asked for. */
function stopOrResume(adapter: MemoryAdapter): void {
  for (const tcp of adapter.connections) {
    if (tcp.isStopped) {
      adapter.requestUpload(tcp, TCP_UPLOAD_REASON.InvalidState);
    } else if (tcp.uploadReason === TCP_UPLOAD_REASON.InvalidState) {
      tcp.uploadReason = 0;
      tcp.engine?.resume();
    }
  }
}
