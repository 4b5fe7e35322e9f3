import type { MiniportOffloadBlockList } from '@ndis-chimney/types';

import { initiate } from './initiate.ts';
import { invalidate } from './invalidate.ts';
import type { MemoryAdapter } from './memory-adapter.ts';
import { query } from './query.ts';
import { terminate } from './terminate.ts';
import { update } from './update.ts';

/** What a tree came down for. */
export type StateOperation = 'initiate' | 'terminate' | 'update' | 'invalidate' | 'query';

/**
 * Carries one state operation out and completes it. Requests that ended before go back before; what the operation leads
 * to afterwards (data, events) comes after.
 */
export function runStateOperation(adapter: MemoryAdapter, operation: StateOperation, tree: MiniportOffloadBlockList, nowMs: number): void {
  switch (operation) {
    case 'initiate':
      initiate(adapter, tree, nowMs);
      break;
    case 'terminate':
      terminate(adapter, tree);
      break;
    case 'update':
      update(adapter, tree);
      break;
    case 'invalidate':
      invalidate(adapter, tree);
      break;
    case 'query':
      query(adapter, tree);
      break;
  }
}
