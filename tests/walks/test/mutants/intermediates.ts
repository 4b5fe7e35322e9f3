import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, type BytesConsumed, type MiniportOffloadBlockList, type NDIS_STATUS, type NetBufferList, type OffloadHandle, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

type Entry = OffloadEntry<PassThroughAdapter>;

/** Forgets every third completion of a send. */
export class LosesCompletions extends PassThroughDriver {
  private lists = 0;

  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    if (++this.lists % 3 === 0) this.sends.pop(netBufferList);
    else super.protocolTcpOffloadSendComplete(adapter, netBufferList);
  }
}

/** Completes what it has completed once more. */
export class CompletesTwice extends PassThroughDriver {
  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    super.protocolTcpOffloadSendComplete(adapter, netBufferList);
    adapter.handlers.tcpOffloadSendComplete(netBufferList);
  }
}

/** Does not put the SourceHandle back. */
export class ForgetsToRestore extends PassThroughDriver {
  override protocolTcpOffloadDisconnectComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList | null): void {
    if (netBufferList !== null) adapter.handlers.tcpOffloadDisconnectComplete(netBufferList);
  }
}

/** Passes a list on in the opposite order. */
export class TurnsListsRound extends PassThroughDriver {
  override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    let turned: NetBufferList | null = null;
    for (let nbl: NetBufferList | null = netBufferList; nbl !== null; ) {
      const next: NetBufferList | null = nbl.next;
      nbl.next = turned;
      turned = nbl;
      nbl = next;
    }
    return super.miniportTcpOffloadSend(adapter, entry, turned ?? netBufferList);
  }
}

/** Changes a byte of what is sent. */
export class ChangesBytes extends PassThroughDriver {
  override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    const mdl = netBufferList.firstNetBuffer?.mdlChain ?? null;
    if (mdl !== null && mdl.byteCount > 10) mdl.buffer[mdl.byteOffset + 9] = 7;
    return super.miniportTcpOffloadSend(adapter, entry, netBufferList);
  }
}

/** Keeps the entries of objects that are taken back: it treats the tree as if it were that of an initiate. */
export class LeaksEntries extends PassThroughDriver {
  override protocolTerminateOffloadComplete(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    const { tree, upperEdge } = this.blocks.up('initiate', offloadBlockList);
    upperEdge.miniport.terminateOffloadComplete(tree);
  }
}

/** Says that data was refused which the driver above has taken. */
export class DeniesData extends PassThroughDriver {
  override protocolTcpOffloadReceiveIndicate(offloadContext: OffloadHandle<Entry>, netBufferList: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
    super.protocolTcpOffloadReceiveIndicate(offloadContext, netBufferList, status, bytesConsumed);
    return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
  }
}

/** Says that updates succeeded, and tells nobody below. */
export class KeepsUpdates extends PassThroughDriver {
  override miniportUpdateOffload(adapter: PassThroughAdapter, offloadBlockList: MiniportOffloadBlockList): void {
    if (offloadBlockList.state === null) {
      super.miniportUpdateOffload(adapter, offloadBlockList);
      return;
    }
    offloadBlockList.status = NDIS_STATUS_SUCCESS;
    this.completions.add(adapter, () => {
      adapter.miniport.updateOffloadComplete(offloadBlockList);
    });
  }
}

/** Never ends a pause. */
export class NeverPauses extends PassThroughDriver {
  override miniportPause(): NDIS_STATUS {
    return NDIS_STATUS_PENDING;
  }
}

/** Passes on what fits although it has asked for the upload. */
export class GoesOn extends PassThroughDriver {
  override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, netBufferList: NetBufferList): NDIS_STATUS {
    return adapter.lower.relayTcpSend(entry.handle, netBufferList, this.sends.contexts, adapter);
  }
}

/** Relays terminates before it has completed what it owes. */
export class OvertakesFailures extends PassThroughDriver {
  override protocolTerminateOffloadComplete(_adapter: PassThroughAdapter, offloadBlockList: ProtocolOffloadBlockList): void {
    const { tree, upperEdge } = this.blocks.up('terminate', offloadBlockList);
    upperEdge.miniport.terminateOffloadComplete(tree);
  }
}
