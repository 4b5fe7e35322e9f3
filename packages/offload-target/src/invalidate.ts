import { TCP_UPLOAD_REASON, type MiniportOffloadBlockList } from '@ndis-chimney/types';

import type { OffloadAdapter } from './offload-adapter.ts';
import { objectOf, statusOf, type OffloadObject } from './offload-objects.ts';
import type { StateOperation } from './state-operations.ts';

/**
 * Marks objects invalid. When the operation completes nothing is sent any more on what depends on them, and the upload
 * of each such connection is asked for. Resources stay. With the limit `isInvalidateLenient` only the upload is asked
 * for.
 *
 * Source: `handling-invalidated-state-objects.md`.
 */
export function beginInvalidate(adapter: OffloadAdapter, operation: StateOperation): void {
  const { walk } = adapter;
  const blocks = new Map<OffloadObject, MiniportOffloadBlockList>();
  for (let block: MiniportOffloadBlockList | null = walk.start(operation.tree); block !== null; block = walk.next(block)) {
    const object = objectOf(block);
    block.status = statusOf(block);
    if (object === null) continue;
    object.isInvalid = true;
    blocks.set(object, block);
  }
  if (adapter.limits.isInvalidateLenient) return;
  for (const tcp of adapter.connections.all) {
    if (tcp?.isConcerned !== true || !tcp.isStopped) continue;
    const block = blocks.get(tcp) ?? blocks.get(tcp.path) ?? blocks.get(tcp.path.neighbor) ?? null;
    adapter.hold(tcp, operation, block);
  }
}

/** The tree is back with the host: now it hears of the connections. One that was linked anew meanwhile goes on then. */
export function finishInvalidate(adapter: OffloadAdapter): void {
  for (const tcp of adapter.connections.all) {
    if (tcp?.isConcerned !== true) continue;
    const isLinkedAnew = !tcp.isStopped && tcp.uploadReason === 0 && (tcp.isHeld || tcp.isHolding);
    if (tcp.isStopped || isLinkedAnew) adapter.requestUpload(tcp, TCP_UPLOAD_REASON.InvalidState);
    if (isLinkedAnew) adapter.resume(tcp);
  }
}
