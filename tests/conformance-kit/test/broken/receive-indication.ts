import { membersOf, present } from '@ndis-chimney/conformance/probes';
import { NDIS_STATUS_PENDING, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, NetBuffer, type BytesConsumed, type NetBufferList, type TcpOffloadState } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { Upward } from './upward.ts';

/** Taps that change what the target makes of the host's answer to an indication. */
function onAnswer(change: (bytesConsumed: BytesConsumed) => void): Broken['taps'] {
  return () => ({
    tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
      const answer = next(handle, nbl, status, bytesConsumed);
      if (answer !== NDIS_STATUS_SUCCESS) change(bytesConsumed);
      return answer;
    },
  });
}

/** Taps of a target that goes on using the memory of what it indicated last. */
export const reusesMemory: Broken['taps'] = () => {
  let before: NetBufferList | null = null;
  return {
    tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
      before?.firstNetBuffer?.mdlChain?.buffer.fill(0xFF);
      before = nbl;
      return next(handle, nbl, status, bytesConsumed);
    },
    terminateOffloadComplete: (next, root) => {
      before = (root.state as TcpOffloadState | null)?.delegated?.bufferedData ?? null;
      next(root);
    },
  };
};

/** Taps of a target that indicates a byte with each forwarded segment it is done with, from the second on. */
const indicatesAnyway: Broken['taps'] = (environment) => {
  const up = new Upward(environment);
  let segments = 0;
  return up.taps({
    tcpOffloadForwardComplete: (next, list) => {
      next(list);
      if (++segments > 1) up.indicate(Uint8Array.of(1));
    },
  });
};

export const brokenReceiveIndication: readonly Broken[] = [
  {
    does: 'indicates the second page of an NBL from the wrong byte on',
    fails: 'target-indicate-shape',
    says: /what was indicated: byte 4096/,
    taps: () => ({
      tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
        const page = nbl.firstNetBuffer?.mdlChain?.next ?? null;
        page?.buffer.copyWithin(0, 1);
        return next(handle, nbl, status, bytesConsumed);
      },
    }),
  },
  {
    does: 'indicates two NET_BUFFERs at once',
    fails: 'target-indicate-shape',
    says: /BufferedData, after a request of no bytes, did not come|CHIM-RXI-002/,
    taps: () => ({
      tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
        present(nbl.firstNetBuffer).next ??= new NetBuffer();
        return next(handle, nbl, status, bytesConsumed);
      },
    }),
  },
  {
    does: 'indicates BufferedData as soon as it has it',
    fails: 'target-indicate-buffered-waits',
    says: /indications before the first receive request/,
    taps: (environment) => {
      const up = new Upward(environment);
      return up.taps({
        initiateOffloadComplete: (next, root) => {
          next(root);
          up.indicate(Uint8Array.of(1));
        },
      });
    },
  },
  {
    does: 'indicates new data in front of BufferedData',
    fails: 'target-indicate-buffered-first',
    says: /indications of new data that BufferedData goes before/,
    taps: (environment) => {
      const up = new Upward(environment);
      return up.taps({
        tcpOffloadForwardComplete: (next, list) => {
          next(list);
          up.indicate(Uint8Array.of(0));
        },
      });
    },
  },
  {
    does: 'indicates what is left before it completes what is full',
    fails: 'target-indicate-rest',
    says: /what was received, in the order of the calls/,
    taps: () => {
      const held: (() => void)[] = [];
      return {
        tcpOffloadReceiveComplete: (next, list) => {
          held.push(() => {
            next(list);
          });
        },
        tcpOffloadReceiveHandler: (next, ...args) => {
          const answer = next(...args);
          for (const complete of held.splice(0)) complete();
          return answer;
        },
      };
    },
  },
  {
    does: 'indicates what comes after a refusal',
    fails: 'target-indicate-refused-stays',
    says: /indications after a refusal/,
    taps: indicatesAnyway,
  },
  {
    does: 'goes on indicating when the host took a part',
    fails: 'target-indicate-partly',
    says: /indications after the host took a part/,
    taps: indicatesAnyway,
  },
  {
    does: 'forgets a byte that the host has taken',
    fails: 'target-indicate-partly',
    says: /data of receive request 0: byte 0/,
    taps: onAnswer((bytesConsumed) => {
      bytesConsumed.value = Math.max(0, bytesConsumed.value - 1);
    }),
  },
  {
    does: 'overlooks that a byte was left',
    fails: 'target-indicate-one-byte-left',
    says: /indications with one byte in front of it/,
    taps: indicatesAnyway,
  },
  {
    does: 'takes a byte for taken that the host has not taken',
    fails: 'target-indicate-any-answer',
    says: /bytes of 9000 were not indicated again|completion of a request of no bytes did not come/,
    taps: onAnswer((bytesConsumed) => {
      bytesConsumed.value++;
    }),
  },
  {
    does: 'uses the memory of what it indicated again, though the host has kept it',
    fails: 'target-indicate-kept-untouched',
    says: /data of an NBL that the host keeps/,
    taps: reusesMemory,
  },
  {
    does: 'ends requests that are posted inside an indication there and then',
    fails: 'target-indicate-post-inside',
    says: /calls of the host that a receive completion was made inside of/,
    taps: (environment) => {
      const up = new Upward(environment);
      return up.taps({
        miniportTcpOffloadReceive: (_next, _adapter, _connection, list) => {
          for (const nbl of membersOf(list)) {
            nbl.status = NDIS_STATUS_REQUEST_ABORTED;
            nbl.tcpOffloadBytesTransferred = 0;
          }
          up.handlers.tcpOffloadReceiveComplete(list);
          return NDIS_STATUS_PENDING;
        },
      });
    },
  },
  {
    does: 'indicates a byte twice when an indication was cut',
    fails: 'target-indicate-size',
    says: /what was received: byte/,
    taps: onAnswer((bytesConsumed) => {
      bytesConsumed.value--;
    }),
  },
  {
    does: 'gives back a byte less than the host has not taken',
    fails: 'target-indicate-upload',
    says: /what was received, and then BufferedData/,
    taps: () => ({
      terminateOffloadComplete: (next, root) => {
        (root.state as TcpOffloadState | null)?.delegated?.bufferedData?.firstNetBuffer?.advanceDataStart(1);
        next(root);
      },
    }),
  },
  {
    does: 'indicates a byte twice now and then',
    fails: 'target-receive-stream',
    says: /what was received: byte/,
    taps: onAnswer((bytesConsumed) => {
      bytesConsumed.value = Math.max(0, bytesConsumed.value - 1);
    }),
  },
  {
    does: 'takes more than the window that it was offered with',
    fails: 'target-receive-window',
    says: /more was acknowledged than InitialRcvWnd/,
    taps: () => ({
      miniportInitiateOffload: (next, adapter, root) => {
        for (let block = root.dependentBlockList?.dependentBlockList ?? null; block !== null; block = block.nextBlock) {
          const state = block.state as TcpOffloadState | null;
          if (state?.cached != null) state.cached.initialRcvWnd = 0;
        }
        next(adapter, root);
      },
    }),
  },
  {
    does: 'indicates something more after a pause, though the host has refused what came',
    fails: 'target-indicate-after-pause',
    says: /indications after a refusal that followed a pause/,
    taps: (environment) => {
      const up = new Upward(environment);
      const timer = environment.clock.createTimer({
        timerExpired: () => {
          up.indicate(Uint8Array.of(1));
        },
      });
      return up.taps({
        tcpOffloadReceiveHandler: (next, ...args) => {
          const answer = next(...args);
          if (answer !== NDIS_STATUS_SUCCESS && !timer.isRunning) timer.start(1500);
          return answer;
        },
      });
    },
  },
];
