import { link, membersOf } from '@ndis-chimney/conformance/probes';
import { MuxDriver, type MuxLower, type MuxUpper, type OffloadEntry } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_SUCCESS, type NDIS_STATUS, type NetBufferList, type OffloadHandle } from '@ndis-chimney/types';

import { muxSubject } from '../intermediate-subjects.ts';
import type { BrokenIntermediate } from './broken-intermediate.ts';

export const brokenUpperEdges: readonly BrokenIntermediate[] = [
  {
    does: 'splits a mixed list from its end',
    fails: 'mixed-completions',
    says: /send requests that came back to the first virtual miniport: number 0 is another one/u,
    subject: muxSubject(
      {},
      class extends MuxDriver {
        override protocolTcpOffloadSendComplete(lower: MuxLower, list: NetBufferList): void {
          super.protocolTcpOffloadSendComplete(lower, link(membersOf(list).reverse()));
        }
      },
    ),
  },
  {
    does: 'completes a mixed list to the virtual miniport of its first member',
    fails: 'mixed-completions',
    says: /requests that came back to the first virtual miniport: expected 2, found/u,
    subject: muxSubject(
      {},
      class extends MuxDriver {
        override protocolTcpOffloadForwardComplete(_lower: MuxLower, list: NetBufferList): void {
          const upper = this.sends.upperEdgeOf(list);
          this.sends.pop(list);
          upper?.handlers.tcpOffloadForwardComplete(list);
        }
      },
    ),
  },
  {
    does: 'has events for its first virtual miniport only',
    fails: 'own-edge',
    says: /what virtual miniport 1 got of its connection/u,
    subject: muxSubject(
      {},
      class extends MuxDriver {
        override protocolTcpOffloadEvent(handle: OffloadHandle<OffloadEntry<MuxUpper>>, type: number, information: number): void {
          if (handle.owner.upperEdge === this.uppers[0]) super.protocolTcpOffloadEvent(handle, type, information);
        }
      },
    ),
  },
  {
    does: 'does not wait when one of its virtual miniports pauses',
    fails: 'pause-of-one-edge',
    says: /pauses of a virtual miniport that were over, the second with a send out: expected 1, found 2/u,
    subject: muxSubject(
      {},
      class extends MuxDriver {
        override miniportPause(): NDIS_STATUS {
          return NDIS_STATUS_SUCCESS;
        }
      },
    ),
  },
];
