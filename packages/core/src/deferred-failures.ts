import { DDI_CROSSING, Dpc, type DdiCrossing, type DeferredRoutine, type DpcQueue, type NetBufferList } from '@ndis-chimney/types';

import type { MiniportAdapter } from './miniport-adapter.ts';
import type { OperationRecord } from './operation-record.ts';
import { failOperation } from './state-operations.ts';

interface DeferredCompletion {
  readonly adapter: MiniportAdapter;
  readonly list: NetBufferList;
  readonly crossing: DdiCrossing;
}

/** Completions that NDIS itself owes: of what a blocked edge refused and what a driver dropped. They come from a DPC. */
export class DeferredFailures implements DeferredRoutine {
  private readonly dpcQueue: DpcQueue;
  private readonly dpc: Dpc = new Dpc(this);
  private operations: OperationRecord[] = [];
  private lists: DeferredCompletion[] = [];

  constructor(dpcQueue: DpcQueue) {
    this.dpcQueue = dpcQueue;
  }

  addOperation(record: OperationRecord): void {
    this.operations.push(record);
    this.dpcQueue.insert(this.dpc);
  }

  addList(adapter: MiniportAdapter, list: NetBufferList, crossing: DdiCrossing): void {
    this.lists.push({ adapter, list, crossing });
    this.dpcQueue.insert(this.dpc);
  }

  runDpc(): void {
    const { operations, lists } = this;
    this.operations = [];
    this.lists = [];
    for (const { adapter, list, crossing } of lists) {
      // The driver may have completed it after all before it threw.
      if (list.sourceHandle !== null) complete(adapter, list, crossing);
    }
    for (const record of operations) failOperation(record);
  }
}

function complete(adapter: MiniportAdapter, list: NetBufferList, crossing: DdiCrossing): void {
  switch (crossing) {
    case DDI_CROSSING.tcpOffloadSendComplete:
      adapter.tcpOffloadSendComplete(list);
      break;
    case DDI_CROSSING.tcpOffloadReceiveComplete:
      adapter.tcpOffloadReceiveComplete(list);
      break;
    case DDI_CROSSING.tcpOffloadForwardComplete:
      adapter.tcpOffloadForwardComplete(list);
      break;
    default:
      adapter.tcpOffloadDisconnectComplete(list);
  }
}
