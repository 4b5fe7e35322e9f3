import { link, membersOf } from '@ndis-chimney/conformance/probes';
import { BlockListReuse, PassThroughDriver, type OffloadEntry, type PassThroughAdapter, type PassThroughOptions } from '@ndis-chimney/intermediate';
import {
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type BytesConsumed,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisBinding,
  type NetBufferList,
  type OffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';
import type { BrokenIntermediate } from './broken-intermediate.ts';

type Entry = OffloadEntry<PassThroughAdapter>;
type OwnHandle = OffloadHandle<Entry>;

/** Numbers of entries, in the order they were made. */
const numbers = new WeakMap<Entry, number>();
/** So many of them can be told apart. */
const PLACES = 16;

/** By driver. */
const tables = new WeakMap<object, readonly Entry[]>();

class Numbering extends BlockListReuse<PassThroughAdapter> {
  readonly table: Entry[] = [];
  private made = 0;
  protected override createEntry(block: OffloadBlockList, upperHandle: OffloadHandle, upperEdge: PassThroughAdapter, lower: NdisBinding): Entry {
    const entry = super.createEntry(block, upperHandle, upperEdge, lower);
    numbers.set(entry, this.made);
    this.table[this.made++ % PLACES] = entry;
    return entry;
  }
}

export const brokenIndications: readonly BrokenIntermediate[] = [
  {
    does: 'has one reason for every upload',
    fails: 'events',
    says: /types and information of the events/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadEvent(handle: OwnHandle, type: number, information: number): void {
          super.protocolTcpOffloadEvent(handle, type, type === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve ? TCP_UPLOAD_REASON.UploadRequested : information);
        }
      },
    ),
  },
  {
    does: 'passes events on from a timer',
    fails: 'events',
    says: /an event was not indicated at DISPATCH_LEVEL/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadEvent(handle: OwnHandle, type: number, information: number): void {
          this.ndis.clock.createTimer({ timerExpired: () => { super.protocolTcpOffloadEvent(handle, type, information); } }).start(0);
        }
      },
    ),
  },
  {
    does: 'passes on events of connections that are offloaded, and no others',
    fails: 'events-at-any-time',
    says: /events that the host got before, in between and after/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadEvent(handle: OwnHandle, type: number, information: number): void {
          if (handle.state === 'offloaded') super.protocolTcpOffloadEvent(handle, type, information);
        }
      },
    ),
  },
  {
    does: 'can tell 16 objects apart, and takes more',
    fails: 'long-life',
    says: /in step \d+, an event did not come once, for its connection/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        protected override createBlocks(limits: PassThroughOptions): BlockListReuse<PassThroughAdapter> {
          const blocks = new Numbering(this.ndis, this.name, this.sends, this.receives, limits);
          tables.set(this, blocks.table);
          return blocks;
        }

        override protocolTcpOffloadEvent({ owner }: OwnHandle, type: number, information: number): void {
          const { handle } = tables.get(this)?.[(numbers.get(owner) ?? 0) % PLACES] ?? owner;
          super.protocolTcpOffloadEvent(handle, type, information);
        }
      },
    ),
  },
  {
    does: 'knows all or nothing of what the host takes',
    fails: 'receive-indication',
    says: /what the target was answered: status and BytesConsumed/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadReceiveIndicate(handle: OwnHandle, nbl: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
          const result = super.protocolTcpOffloadReceiveIndicate(handle, nbl, status, bytesConsumed);
          if (result !== NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED) return result;
          bytesConsumed.value = 0;
          return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
        }
      },
    ),
  },
  {
    does: 'does not ask again about data that was refused',
    fails: 'refused-data',
    says: /the answer to data that is taken at last/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        private readonly refused = new Set<NetBufferList>();
        override protocolTcpOffloadReceiveIndicate(handle: OwnHandle, nbl: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
          const result = this.refused.has(nbl) ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED : super.protocolTcpOffloadReceiveIndicate(handle, nbl, status, bytesConsumed);
          if (result !== NDIS_STATUS_SUCCESS) this.refused.add(nbl);
          return result;
        }
      },
    ),
  },
  {
    does: 'returns the first of a list',
    fails: 'receive-return',
    says: /NET_BUFFER_LISTs that came back of a list of three: expected 3, found 1/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadReceiveReturn(adapter: PassThroughAdapter, list: NetBufferList): NDIS_STATUS {
          return super.miniportTcpOffloadReceiveReturn(adapter, link(membersOf(list).slice(0, 1)));
        }
      },
    ),
  },
  {
    does: 'does not return data of a connection that is gone',
    fails: 'return-later',
    says: /returns that reached the target after the terminate: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadReceiveReturn(adapter: PassThroughAdapter, list: NetBufferList): NDIS_STATUS {
          return this.blocks.offloadEntries < 3 ? NDIS_STATUS_SUCCESS : super.miniportTcpOffloadReceiveReturn(adapter, list);
        }
      },
    ),
  },
  {
    does: 'takes no requests during an indication',
    fails: 'calls-from-indications',
    says: /what the host posted from inside the indication/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        private isIndicating = false;
        override protocolTcpOffloadReceiveIndicate(handle: OwnHandle, nbl: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
          this.isIndicating = true;
          const result = super.protocolTcpOffloadReceiveIndicate(handle, nbl, status, bytesConsumed);
          this.isIndicating = false;
          return result;
        }

        override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          return this.isIndicating ? this.failRequest('send', adapter, entry, list) : super.miniportTcpOffloadSend(adapter, entry, list);
        }
      },
    ),
  },
  {
    does: 'asks the host about a neighbor by its own handle',
    fails: 'neighbor-query',
    says: /neighbor queries that the host got: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolIndicateOffloadEvent(adapter: PassThroughAdapter, block: ProtocolOffloadBlockList, indicationCode: number): void {
          adapter.miniport.offloadEventIndicate(block as unknown as MiniportOffloadBlockList, indicationCode);
        }
      },
    ),
  },
  {
    does: 'leaves the host’s handle in the block of a neighbor query',
    fails: 'neighbor-query',
    says: /after the query the target’s block names the neighbor by another handle/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolIndicateOffloadEvent(adapter: PassThroughAdapter, block: ProtocolOffloadBlockList, indicationCode: number): void {
          const upperHandle = (block.offloadHandle as OwnHandle | null)?.owner.upperHandle ?? null;
          super.protocolIndicateOffloadEvent(adapter, block, indicationCode);
          block.offloadHandle = upperHandle;
        }
      },
    ),
  },
  {
    does: 'reports every ordinary send as sent',
    fails: 'ordinary-send',
    says: /a completed ordinary send/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolSendNetBufferListsComplete(adapter: PassThroughAdapter, list: NetBufferList, flags: number): void {
          for (const nbl of membersOf(list)) nbl.status = NDIS_STATUS_SUCCESS;
          super.protocolSendNetBufferListsComplete(adapter, list, flags);
        }
      },
    ),
  },
  {
    does: 'shows the first packet of a list, and returns the others',
    fails: 'ordinary-receive',
    says: /ordinary packets that the host got: expected 3, found 1/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolReceiveNetBufferLists(adapter: PassThroughAdapter, list: NetBufferList, port: number, count: number, flags: number): void {
          const [first, ...others] = membersOf(list);
          if (count > 1) adapter.lower.returnNetBufferLists(link(others), 0);
          if (first !== undefined) super.protocolReceiveNetBufferLists(adapter, link([first]), port, 1, flags);
        }
      },
    ),
  },
  {
    does: 'lets the host keep packets that must be back on return',
    fails: 'ordinary-receive-resources',
    says: /packets that had to be back on return are not|flag RESOURCES of each indication/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolReceiveNetBufferLists(adapter: PassThroughAdapter, list: NetBufferList, port: number, count: number, flags: number): void {
          super.protocolReceiveNetBufferLists(adapter, list, port, count, flags & ~NDIS_RECEIVE_FLAGS_RESOURCES);
        }
      },
    ),
  },
];
