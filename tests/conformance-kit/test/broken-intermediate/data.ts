import { link, membersOf } from '@ndis-chimney/conformance/probes';
import { BlockListReuse, PassThroughDriver, type OffloadEntry, type PassThroughAdapter, type PassThroughOptions } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, TCP_DISCONNECT_GRACEFUL_CLOSE, type NDIS_STATUS, type NdisBinding, type NetBufferList, type OffloadBlockList, type OffloadHandle } from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';
import type { BrokenIntermediate } from './broken-intermediate.ts';

type Entry = OffloadEntry<PassThroughAdapter>;

/** The latest object of each interface. */
const latestOf = new WeakMap<PassThroughAdapter, Entry>();

class Remembering extends BlockListReuse<PassThroughAdapter> {
  protected override createEntry(block: OffloadBlockList, upperHandle: OffloadHandle, upperEdge: PassThroughAdapter, lower: NdisBinding): Entry {
    const entry = super.createEntry(block, upperHandle, upperEdge, lower);
    latestOf.set(upperEdge, entry);
    return entry;
  }
}

export const brokenData: readonly BrokenIntermediate[] = [
  {
    does: 'sends on the connection that was offloaded last',
    fails: 'send-down',
    says: /the send went down on the handle of another connection/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        protected override createBlocks(limits: PassThroughOptions): BlockListReuse<PassThroughAdapter> {
          return new Remembering(this.ndis, this.name, this.sends, this.receives, limits);
        }

        override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          return super.miniportTcpOffloadSend(adapter, latestOf.get(adapter) ?? entry, list);
        }
      },
    ),
  },
  {
    does: 'answers a receive request with SUCCESS',
    fails: 'receive-down',
    says: /the driver answered a receive with something else than PENDING/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadReceive(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          super.miniportTcpOffloadReceive(adapter, entry, list);
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'completes forwarded segments itself',
    fails: 'forward-down',
    says: /NET_BUFFER_LISTs of a forward at the target: expected 4, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadForward(adapter: PassThroughAdapter, _entry: Entry, list: NetBufferList): NDIS_STATUS {
          this.completions.add(adapter, () => {
            adapter.handlers.tcpOffloadForwardComplete(list);
          });
          return NDIS_STATUS_PENDING;
        }
      },
    ),
  },
  {
    does: 'passes a disconnect on as a send',
    fails: 'disconnect-down',
    says: /NET_BUFFER_LISTs of a disconnect at the target: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadDisconnect(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          return super.miniportTcpOffloadSend(adapter, entry, list);
        }
      },
    ),
  },
  {
    does: 'disconnects gracefully whatever it is told',
    fails: 'disconnect-flags',
    says: /flags of the disconnect at the target/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadDisconnect(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          return super.miniportTcpOffloadDisconnect(adapter, entry, list, TCP_DISCONNECT_GRACEFUL_CLOSE);
        }
      },
    ),
  },
  {
    does: 'makes every receive request a push request',
    fails: 'requests-unchanged',
    says: /a receive at the target/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadReceive(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          for (const nbl of membersOf(list)) nbl.tcpReceiveNoPush = false;
          return super.miniportTcpOffloadReceive(adapter, entry, list);
        }
      },
    ),
  },
  {
    does: 'holds every second send back, and passes it on behind the next',
    fails: 'connections-apart',
    says: /sends of connection 2 at the target: expected '2,3', found '3,2'/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        private held: (() => void) | null = null;
        override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          const { held } = this;
          this.held = held === null ? () => super.miniportTcpOffloadSend(adapter, entry, list) : null;
          if (held === null) return NDIS_STATUS_PENDING;
          super.miniportTcpOffloadSend(adapter, entry, list);
          held();
          return NDIS_STATUS_PENDING;
        }
      },
    ),
  },
  {
    does: 'writes the status of a send that is below',
    fails: 'requests-left-alone',
    says: /a send after the call that passed it down/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          const status = super.miniportTcpOffloadSend(adapter, entry, list);
          list.status = status;
          return status;
        }
      },
    ),
  },
  {
    does: 'reports success for all sends of a list in which one succeeded',
    fails: 'send-up',
    says: /a completed send: expected/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          for (const nbl of membersOf(list)) nbl.status = NDIS_STATUS_SUCCESS;
          super.protocolTcpOffloadSendComplete(adapter, list);
        }
      },
    ),
  },
  {
    does: 'completes receive requests as sends',
    fails: 'receive-up',
    says: /a receive was completed as something else/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadReceiveComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          super.protocolTcpOffloadSendComplete(adapter, list);
        }
      },
    ),
  },
  {
    does: 'clears the byte count of forwarded segments',
    fails: 'forward-up',
    says: /a completed forward: expected/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadForwardComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          for (const nbl of membersOf(list)) nbl.tcpOffloadBytesTransferred = 0;
          super.protocolTcpOffloadForwardComplete(adapter, list);
        }
      },
    ),
  },
  {
    does: 'does not pass the completion of a disconnect on',
    fails: 'disconnect-up',
    says: /NET_BUFFER_LISTs of a completed disconnect: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadDisconnectComplete(): void {
          // What it does wrong.
        }
      },
    ),
  },
  {
    does: 'passes completed sends up one by one',
    fails: 'completion-lists',
    says: /NET_BUFFER_LISTs per completion of a send: expected '1,3,2', found '1,1,1,1,1,1'/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          for (const nbl of membersOf(list)) super.protocolTcpOffloadSendComplete(adapter, link([nbl]));
        }
      },
    ),
  },
  {
    does: 'takes the contexts of others off, too',
    fails: 'contexts-off',
    says: /what was not as it was when a send came back: expected '', found 'the context stack/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          this.sends.pop(list);
          for (const nbl of membersOf(list)) nbl.context = null;
          adapter.handlers.tcpOffloadSendComplete(list);
        }
      },
    ),
  },
  {
    does: 'writes the status of a send that it has passed up',
    fails: 'done-with-requests',
    says: /a NET_BUFFER_LIST that the host has had back for 5 s/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          super.protocolTcpOffloadSendComplete(adapter, list);
          list.status = NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'links a list that it has passed up as it was before',
    fails: 'requests-from-completions',
    says: /links of the list of request 1 when it was below: expected 3, found 1/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          const members = membersOf(list);
          super.protocolTcpOffloadSendComplete(adapter, list);
          link(members);
        }
      },
    ),
  },
  {
    does: 'is not ready for the completion of a forward before its downcall returns',
    fails: 'completed-in-the-call',
    says: /NET_BUFFER_LISTs of a forward that was completed in the call: expected 4, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        private isInCall = false;
        override miniportTcpOffloadForward(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
          this.isInCall = true;
          const status = super.miniportTcpOffloadForward(adapter, entry, list);
          this.isInCall = false;
          return status;
        }

        override protocolTcpOffloadForwardComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          if (!this.isInCall) super.protocolTcpOffloadForwardComplete(adapter, list);
        }
      },
    ),
  },
  {
    does: 'takes the NET_BUFFER_LIST of a disconnect completion for granted',
    fails: 'null-disconnect',
    says: /what ProtocolTcpOffloadDisconnectComplete threw for NULL/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadDisconnectComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          list.next = null;
          super.protocolTcpOffloadDisconnectComplete(adapter, list);
        }
      },
    ),
  },
];
