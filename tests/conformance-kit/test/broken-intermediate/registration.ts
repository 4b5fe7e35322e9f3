import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_SUCCESS, NdisClientChimneyOffloadGenericCharacteristics, type NDIS_STATUS, type NdisMiniport, type NdisMiniportInitParameters, type NdisProtocolHandle } from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';
import type { BrokenIntermediate } from './broken-intermediate.ts';

export const brokenRegistration: readonly BrokenIntermediate[] = [
  {
    does: 'registers no handlers for the completion of data',
    fails: 'registration',
    says: /structures that the driver registered from ProtocolSetOptions: expected 2, found 1/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override protocolSetOptions(handle: NdisProtocolHandle): NDIS_STATUS {
          return handle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(this));
        }
      },
    ),
  },
  {
    does: 'does not say that its two edges are of one driver',
    fails: 'association',
    says: /calls of NdisIMAssociateMiniport: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override register(): this {
          const { ndisDriverHandle } = this.ndis.registerMiniportDriver(this, true);
          const { ndisProtocolHandle } = this.ndis.registerProtocolDriver(this);
          if (ndisDriverHandle !== null) this.ndisDriverHandle = ndisDriverHandle;
          if (ndisProtocolHandle !== null) this.ndisProtocolHandle = ndisProtocolHandle;
          return this;
        }
      },
    ),
  },
  {
    does: 'has an MTU of its own',
    fails: 'attributes',
    says: /the MTU of a virtual miniport: expected 1500, found 9000/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportInitializeEx(handle: NdisMiniport, parameters: NdisMiniportInitParameters): NDIS_STATUS {
          const adapter = parameters.imDeviceInstanceContext as PassThroughAdapter;
          adapter.initialize(handle, { mtuSize: 9000, macAddress: adapter.macAddress, capabilities: adapter.capabilities });
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
];
