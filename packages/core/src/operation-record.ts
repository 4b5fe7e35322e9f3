import type { OffloadBlockList } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';

/** The five state-manipulation operations. */
export const OPERATION = { initiate: 0, terminate: 1, update: 2, invalidate: 3, query: 4 } as const;
export type Operation = (typeof OPERATION)[keyof typeof OPERATION];

/**
 * One state-manipulation operation on one edge, from the downcall to its completion. While it lives, every block of its
 * tree carries it as its mark; where the same blocks crossed an edge above before, `outer` is the record of that
 * crossing, and becomes the mark again.
 */
export class OperationRecord {
  binding: Binding | null = null;
  operation: Operation = OPERATION.initiate;
  root: OffloadBlockList | null = null;
  outer: OperationRecord | null = null;
  /** Blocks in the tree. */
  blockCount = 0;
  /** Blocks in the tree that name an object. */
  objectCount = 0;
  /** Counts the operations that the record has been used for. */
  use = 0;
  /** Link of the free list. */
  next: OperationRecord | null = null;
}

/** Operation records of one NDIS, used again and again. */
export class OperationRecordPool {
  private free: OperationRecord | null = null;
  /** Records in use: operations under way. */
  outstanding = 0;

  take(binding: Binding, operation: Operation, root: OffloadBlockList, outer: OperationRecord | null): OperationRecord {
    let record = this.free;
    if (record === null) record = new OperationRecord();
    else this.free = record.next;
    record.binding = binding;
    record.operation = operation;
    record.root = root;
    record.outer = outer;
    record.blockCount = 0;
    record.objectCount = 0;
    record.next = null;
    this.outstanding++;
    return record;
  }

  give(record: OperationRecord): void {
    record.use++;
    record.binding = null;
    record.root = null;
    record.outer = null;
    record.next = this.free;
    this.free = record;
    this.outstanding--;
  }
}
