import { Dpc, type DdiCrossing, type DeferredRoutine, type DpcQueue, type NetBufferList } from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { deliverAnyway } from './completion.ts';
import type { OperationRecord } from './operation-record.ts';
import { returnAnyway } from './receive-return.ts';
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

interface OwedReturn {
  readonly binding: Binding;
  readonly netBufferList: NetBufferList;
}

/**
 * What NDIS itself owes: completions of what a blocked edge refused and of what a driver dropped, and the return of what
 * a driver took and does not know that it has. They come from a DPC.
 */
export class DeferredFailures implements DeferredRoutine {
  private readonly dpcQueue: DpcQueue;
  private readonly dpc: Dpc = new Dpc(this);
  private operations: OwedOperation[] = [];
  private lists: OwedList[] = [];
  private returns: OwedReturn[] = [];

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

  /** @param netBufferList one that counts as accepted by a driver that will not return it. */
  addReturn(binding: Binding, netBufferList: NetBufferList): void {
    this.returns.push({ binding, netBufferList });
    this.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    const { operations, lists, returns } = this;
    this.operations = [];
    this.lists = [];
    this.returns = [];
    for (const { binding, netBufferList } of returns) returnAnyway(binding, netBufferList);
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
