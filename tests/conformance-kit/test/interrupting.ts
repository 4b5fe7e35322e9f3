// An engine that speaks up while the host is being called, as one in another thread may at any time.
import type { MiniportTaps } from '@ndis-chimney/target-faulty';

type Call = (...args: never[]) => unknown;

/** The calls up that may come while data moves. */
const CALLS = [
  'tcpOffloadReceiveHandler',
  'tcpOffloadEventHandler',
  'tcpOffloadSendComplete',
  'tcpOffloadReceiveComplete',
  'tcpOffloadForwardComplete',
  'tcpOffloadDisconnectComplete',
  'initiateOffloadComplete',
  'queryOffloadStateComplete',
  'updateOffloadComplete',
  'invalidateOffloadComplete',
  'terminateOffloadComplete',
  'offloadEventIndicate',
] as const;

/** Taps that have somebody speak up at the beginning of each call of the host. */
export function interrupting(speakUp: () => void): MiniportTaps {
  const tap = (next: Call, ...args: never[]): unknown => {
    speakUp();
    return next(...args);
  };
  return Object.fromEntries(CALLS.map((name) => [name, tap])) as MiniportTaps;
}
