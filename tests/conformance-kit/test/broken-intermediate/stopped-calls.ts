import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter, type StateOperation } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, type MiniportOffloadBlockList, type NDIS_STATUS, type NetBufferList } from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';
import { tapped, type BrokenIntermediate } from './broken-intermediate.ts';

/** OID requests whose completion was tried. */
const tried = new WeakSet<object>();

export const brokenStoppedCalls: readonly BrokenIntermediate[] = [
  {
    does: 'takes it that a send went down whatever happens',
    fails: 'stopped-requests',
    says: /NET_BUFFER_LISTs that came back of a send that was stopped: expected 3, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadSend(adapter: PassThroughAdapter, entry: OffloadEntry<PassThroughAdapter>, list: NetBufferList): NDIS_STATUS {
          try {
            return super.miniportTcpOffloadSend(adapter, entry, list);
          } catch {
            return NDIS_STATUS_PENDING;
          }
        }
      },
    ),
  },
  {
    does: 'takes it that a tree went down whatever happens',
    fails: 'stopped-operations',
    says: /completions of an initiate that was stopped: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        protected override relayTree(operation: StateOperation, adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): boolean {
          try {
            return super.relayTree(operation, adapter, tree);
          } catch {
            return true;
          }
        }
      },
    ),
  },
  {
    does: 'completes once and never again',
    fails: 'stopped-completions',
    says: /NET_BUFFER_LISTs of a send whose completion was stopped: expected 3, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
          adapter.handlers.relayTcpSendComplete(list, this.sendContexts);
        }
      },
    ),
  },
  {
    does: 'returns once and never again',
    fails: 'stopped-indications',
    says: /data whose return was stopped: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportTcpOffloadReceiveReturn(adapter: PassThroughAdapter, list: NetBufferList): NDIS_STATUS {
          this.receives.pop(list);
          try {
            adapter.lower.offloadTcpReceiveReturn(list);
          } catch {
            // What it does wrong.
          }
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'does not wait for what it owes when it is paused',
    fails: 'pause-after-a-stopped-return',
    says: /the adapter was paused before it had back what it had indicated/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportPause(): NDIS_STATUS {
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'completes an OID request once and never again',
    fails: 'stopped-oid-requests',
    says: /OID requests whose completion was stopped: expected 1, found 0/u,
    subject: tapped({
      upper: {
        oidRequestComplete: (next, request, status) => {
          if (tried.has(request)) return;
          tried.add(request);
          next(request, status);
        },
      },
    }),
  },
];
