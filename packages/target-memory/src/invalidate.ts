import { TCP_UPLOAD_REASON, type MiniportOffloadBlockList } from '@ndis-chimney/types';

import type { MemoryAdapter } from './memory-adapter.ts';
import { objectOf, statusOf } from './offload-objects.ts';

/**
 * Marks objects invalid: nothing is sent any more on what depends on them, and the upload of each such connection is
 * asked for. Resources stay.
 *
 * Source: `handling-invalidated-state-objects.md`.
 */
export function invalidate(adapter: MemoryAdapter, tree: MiniportOffloadBlockList): void {
  const { walk } = adapter;
  for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) {
    const object = objectOf(block);
    if (object !== null) object.isInvalid = true;
    block.status = statusOf(block);
  }
  adapter.completions.flush();
  adapter.miniport.invalidateOffloadComplete(tree);
  for (const tcp of adapter.connections) {
    if (tcp.isStopped) adapter.requestUpload(tcp, TCP_UPLOAD_REASON.InvalidState);
  }
}
