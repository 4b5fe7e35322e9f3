import { Dpc, type DdiCrossing, type DeferredRoutine, type DpcQueue, type NetBufferList } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { deliverAnyway } from './completion.ts';
import type { OperationRecord } from './operation-record.ts';
import { failOperation } from './state-operations.ts';

interface OwedOperation {
  readonly record: OperationRecord;
  /** Records are used again: only this use of it is owed a completion. */
  readonly use: number;
}

interface OwedList {
  readonly binding: Binding;
  readonly netBufferList: NetBufferList;
  readonly crossing: DdiCrossing;
}

/** Completions that NDIS itself owes: of what a blocked edge refused and what a driver dropped. They come from a DPC. */
export class DeferredFailures implements DeferredRoutine {
  private readonly dpcQueue: DpcQueue;
  private readonly dpc: Dpc = new Dpc(this);
  private operations: OwedOperation[] = [];
  private lists: OwedList[] = [];

  constructor(dpcQueue: DpcQueue) {
    this.dpcQueue = dpcQueue;
  }

  addOperation(record: OperationRecord): void {
    this.operations.push({ record, use: record.use });
    this.dpcQueue.insert(this.dpc);
  }

  /** @param netBufferList one NBL that nobody but NDIS can complete any more. */
  addList(binding: Binding, netBufferList: NetBufferList, crossing: DdiCrossing): void {
    this.lists.push({ binding, netBufferList, crossing });
    this.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    const { operations, lists } = this;
    this.operations = [];
    this.lists = [];
    for (const { binding, netBufferList, crossing } of lists) {
      netBufferList.sourceHandle = null;
      binding.outstandingNbls--;
      deliverAnyway(binding, netBufferList, 1, crossing);
    }
    for (const { record, use } of operations) {
      // The driver that threw may have completed it after all.
      if (record.use === use) failOperation(record);
    }
  }
}
