import { PassThroughAdapter, PassThroughDriver } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, type NDIS_STATUS, type NdisBindContext, type NdisBindParameters, type NetBufferList, type NetPnPEventNotification, NET_PNP_EVENT_CODE } from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';
import type { BrokenIntermediate } from './broken-intermediate.ts';

export const brokenLifeCycle: readonly BrokenIntermediate[] = [
  {
    does: 'is bound although nothing came up above',
    fails: 'name-taken',
    says: /a bind above which nothing can come up succeeded/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolBindAdapterEx(context: NdisBindContext, parameters: NdisBindParameters): NDIS_STATUS {
          const { adapterName, mtuSize, currentMacAddress, tcpConnectionOffloadCapabilities } = parameters;
          const adapter = new PassThroughAdapter(this.virtualNameOf(adapterName), context, mtuSize, currentMacAddress, tcpConnectionOffloadCapabilities);
          const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.ndisProtocolHandle, adapter, context);
          if (ndisBindingHandle === null) return status;
          adapter.lower = ndisBindingHandle;
          this.ndis.imInitializeDeviceInstanceEx(this.ndisDriverHandle, adapter.name, adapter);
          return status;
        }
      },
    ),
  },
  {
    does: 'lets its virtual miniport run while the adapter below is paused',
    fails: 'pause-and-restart',
    says: /the order of pause and restart/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolNetPnPEvent(adapter: PassThroughAdapter, event: NetPnPEventNotification): NDIS_STATUS {
          return event.netEvent === NET_PNP_EVENT_CODE.NetEventPause ? NDIS_STATUS_SUCCESS : super.protocolNetPnPEvent(adapter, event);
        }
      },
    ),
  },
  {
    does: 'is paused while a send of it is below',
    fails: 'pause-waits',
    says: /the pause was over while a send was out/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportPause(): NDIS_STATUS {
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'waits for requests when it is paused, and not for data that it has shown',
    fails: 'pause-waits',
    says: /the pause was over while indicated data was out/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportPause(adapter: PassThroughAdapter): NDIS_STATUS {
          return adapter.miniport.outstandingNetBufferLists === 0 ? NDIS_STATUS_SUCCESS : super.miniportPause(adapter);
        }
      },
    ),
  },
  {
    does: 'is paused while it owes completions',
    fails: 'pause-while-owing',
    says: /sends that came back before the pause was over: expected 2, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportPause(): NDIS_STATUS {
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'closes its binding without taking its virtual miniport down',
    fails: 'unbind-with-work',
    says: /the unbind of the host did not come/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolUnbindAdapterEx(adapter: PassThroughAdapter): NDIS_STATUS {
          return adapter.lower.closeAdapterEx();
        }
      },
    ),
  },
  {
    does: 'binds once',
    fails: 'bound-again',
    says: /driver0 does not bind to nic0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        private hasBound = false;
        override protocolBindAdapterEx(bindContext: NdisBindContext, parameters: NdisBindParameters): NDIS_STATUS {
          if (this.hasBound) return NDIS_STATUS_FAILURE;
          this.hasBound = true;
          return super.protocolBindAdapterEx(bindContext, parameters);
        }
      },
    ),
  },
  {
    does: 'runs above an adapter that does not',
    fails: 'bound-while-paused',
    says: /restarts that the host heard of above an adapter that is paused: expected 0, found 1/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportRestart(): NDIS_STATUS {
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'does not go on when an open that took its time is complete',
    fails: 'slow-life-cycle',
    says: /the end of the bind of driver0 to nic0 did not come/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolOpenAdapterCompleteEx(): void {
          // What it does wrong.
        }
      },
    ),
  },
  {
    does: 'returns all data to the adapter it was bound to first',
    fails: 'two-adapters',
    says: /data was not returned to the adapter that had indicated it/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        private first: PassThroughAdapter | null = null;
        override miniportRestart(adapter: PassThroughAdapter): NDIS_STATUS {
          this.first ??= adapter;
          return super.miniportRestart(adapter);
        }

        override miniportTcpOffloadReceiveReturn(adapter: PassThroughAdapter, list: NetBufferList): NDIS_STATUS {
          return super.miniportTcpOffloadReceiveReturn(this.first ?? adapter, list);
        }
      },
    ),
  },
];
