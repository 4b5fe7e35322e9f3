import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_SUCCESS,
  NdisStatusIndication,
  NdisTcpConnectionOffload,
  OID_PNP_SET_POWER,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisMiniportInitParameters,
  type NdisOidRequest,
} from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';
import type { BrokenIntermediate } from './broken-intermediate.ts';

export const brokenOids: readonly BrokenIntermediate[] = [
  {
    does: 'shows capabilities of its own',
    fails: 'capability-query',
    says: /connections that can be offloaded, as the host is told/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportInitializeEx(miniport: NdisMiniport, { imDeviceInstanceContext }: NdisMiniportInitParameters): NDIS_STATUS {
          const adapter = imDeviceInstanceContext as PassThroughAdapter;
          const { mtuSize, macAddress } = adapter;
          adapter.initialize(miniport, { mtuSize, macAddress, capabilities: new NdisTcpConnectionOffload() });
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
  {
    does: 'does not pass new capabilities on',
    fails: 'capability-query',
    says: /connections that can be offloaded after RESUME/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolStatusEx(): void {
          // What it does wrong.
        }
      },
    ),
  },
  {
    does: 'answers set requests itself',
    fails: 'set-request',
    says: /type and buffer of a set request at the target/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportOidRequest(adapter: PassThroughAdapter, request: NdisOidRequest): NDIS_STATUS {
          return request.requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation ? NDIS_STATUS_SUCCESS : super.miniportOidRequest(adapter, request);
        }
      },
    ),
  },
  {
    does: 'forgets how many bytes the target would have needed',
    fails: 'query-request',
    says: /status, answer and lengths of a query/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportOidRequest(adapter: PassThroughAdapter, request: NdisOidRequest): NDIS_STATUS {
          const status = super.miniportOidRequest(adapter, request);
          request.bytesNeeded = 0;
          return status;
        }
      },
    ),
  },
  {
    does: 'completes every pending request with success',
    fails: 'pending-requests',
    says: /their statuses/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolOidRequestComplete(adapter: PassThroughAdapter, request: NdisOidRequest): void {
          super.protocolOidRequestComplete(adapter, request, NDIS_STATUS_SUCCESS);
        }
      },
    ),
  },
  {
    does: 'answers a set-power request before the target has',
    fails: 'power-down',
    says: /what the set-power request was answered/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportOidRequest(adapter: PassThroughAdapter, request: NdisOidRequest): NDIS_STATUS {
          const status = super.miniportOidRequest(adapter, request);
          return request.oid === OID_PNP_SET_POWER ? NDIS_STATUS_SUCCESS : status;
        }
      },
    ),
  },
  {
    does: 'passes status indications on without their buffer',
    fails: 'status-indications',
    says: /status indications: of the own adapter, code, buffer/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolStatusEx(adapter: PassThroughAdapter, { statusCode }: NdisStatusIndication): void {
          super.protocolStatusEx(adapter, Object.assign(new NdisStatusIndication(), { statusCode }));
        }
      },
    ),
  },
];
