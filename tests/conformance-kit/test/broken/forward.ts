import { START_SEQ, membersOf, present } from '@ndis-chimney/conformance/probes';
import { NDIS_STATUS_NOT_ACCEPTED, type TcpOffloadState } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { HEADER, onForward, withoutFlags } from './segments.ts';
import { Upward } from './upward.ts';

const [RST, ACK] = [0x04, 0x10];

/** Taps of a target that indicates bytes once more when it is done with forwarded segments. */
function indicatesAgain(bytes: Uint8Array<ArrayBuffer>): Broken['taps'] {
  return (environment) => {
    const up = new Upward(environment);
    return up.taps({
      tcpOffloadForwardComplete: (next, list) => {
        next(list);
        up.indicate(bytes);
      },
    });
  };
}

export const brokenForward: readonly Broken[] = [
  {
    does: 'forgets one forwarded segment of several',
    fails: 'target-forward-completed',
    says: /completion of 6 forwarded segments did not come/,
    taps: () => ({
      miniportTcpOffloadForward: (next, adapter, connection, list) => {
        if (list.next !== null) list.next = list.next.next;
        return next(adapter, connection, list);
      },
    }),
  },
  {
    does: 'completes forwarded segments with a status of something else',
    fails: 'target-forward-completed',
    says: /a forwarded segment was completed with NDIS_STATUS_NOT_ACCEPTED/,
    taps: () => ({
      tcpOffloadForwardComplete: (next, list) => {
        list.status = NDIS_STATUS_NOT_ACCEPTED;
        next(list);
      },
    }),
  },
  {
    does: 'moves the data start of forwarded segments behind their headers',
    fails: 'target-forward-completed',
    says: /bytes in the forwarded segments that came back/,
    taps: () => ({
      tcpOffloadForwardComplete: (next, list) => {
        for (const nbl of membersOf(list)) present(nbl.firstNetBuffer).advanceDataStart(20);
        next(list);
      },
    }),
  },
  {
    does: 'does not count what was forwarded',
    fails: 'target-forward-as-wire',
    says: /bytes that RcvNxt counts/,
    taps: () => ({
      queryOffloadStateComplete: (next, root) => {
        const state = root.state as TcpOffloadState | null;
        if (state?.delegated != null) state.delegated.rcvNxt = START_SEQ;
        next(root);
      },
    }),
  },
  {
    does: 'reads an MDL from the beginning of its memory',
    fails: 'target-forward-in-pieces',
    says: /what was received: byte/,
    taps: () => ({
      miniportTcpOffloadForward: (next, adapter, connection, list) => {
        for (let mdl = list.firstNetBuffer?.mdlChain?.next ?? null; mdl !== null; mdl = mdl.next) mdl.byteOffset = 0;
        return next(adapter, connection, list);
      },
    }),
  },
  {
    does: 'delivers bytes of a segment that it has delivered before',
    fails: 'target-forward-known-bytes',
    says: /what was received: byte/,
    taps: indicatesAgain(new Uint8Array(500)),
  },
  {
    does: 'does not look at the sequence number',
    fails: 'target-forward-gap',
    says: /bytes delivered when the first 100 were missing/,
    taps: () =>
      onForward((header) => {
        header.setInt32(HEADER.SEQ, START_SEQ);
      }),
  },
  {
    does: 'takes more than there is room for',
    fails: 'target-forward-beyond-window',
    says: /RcvNxt counts 1800 bytes, the window being 1000/,
    taps: () => ({
      miniportInitiateOffload: (next, adapter, root) => {
        for (let block = root.dependentBlockList?.dependentBlockList ?? null; block !== null; block = block.nextBlock) {
          const { cached } = block.state as TcpOffloadState;
          if (cached !== null) cached.initialRcvWnd = 0;
        }
        next(adapter, root);
      },
    }),
  },
  {
    does: 'delivers from the wire what was forwarded',
    fails: 'target-forward-and-wire',
    says: /what was received: byte/,
    taps: indicatesAgain(new Uint8Array(10)),
  },
  {
    does: 'does not look at the acknowledgments of forwarded segments',
    fails: 'target-forward-ack',
    says: /sends that a forwarded acknowledgment completes/,
    taps: () => withoutFlags(ACK),
  },
  {
    does: 'takes the data of a segment whatever it acknowledges',
    fails: 'target-forward-ack-out-of-range',
    says: /bytes delivered of segments with an acknowledgment that cannot be/,
    taps: () => withoutFlags(ACK),
  },
  {
    does: 'overlooks an RST among forwarded segments',
    fails: 'target-forward-around-reset',
    says: /what was received: 200 bytes, not 100/,
    taps: () => withoutFlags(RST),
  },
];
