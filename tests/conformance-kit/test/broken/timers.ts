import { membersOf } from '@ndis-chimney/conformance/probes';
import { OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, type NdisTcpConnectionOffloadParameters, type NetBufferList, type TcpOffloadState } from '@ndis-chimney/types';

import { carefulSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';

/** Takes the parameters for something else than they say. */
function mistakes(change: (parameters: NdisTcpConnectionOffloadParameters) => void): Broken['taps'] {
  return () => ({
    miniportOidRequest: (next, adapter, request) => {
      if (request.oid !== OID_TCP_CONNECTION_OFFLOAD_PARAMETERS) return next(adapter, request);
      const original = request.informationBuffer as NdisTcpConnectionOffloadParameters;
      const { ticksPerSecond, tcpPushTicks } = original;
      change(original);
      const status = next(adapter, request);
      original.ticksPerSecond = ticksPerSecond;
      original.tcpPushTicks = tcpPushTicks;
      return status;
    },
  });
}

/** Takes requests for something else than they say. */
function misreads(change: (request: NetBufferList) => void): Broken['taps'] {
  return () => ({
    miniportTcpOffloadReceive: (next, adapter, connection, list) => {
      for (const nbl of membersOf(list)) change(nbl);
      return next(adapter, connection, list);
    },
  });
}

/** Completes receive requests so many milliseconds late. */
function late(ms: number): Broken['taps'] {
  return ({ clock }) => ({
    tcpOffloadReceiveComplete: (next, list) => {
      clock.createTimer({ timerExpired: () => { next(list); } }).start(ms);
    },
  });
}

/** The push timer is shorter than it was set. */
const isTooShort: Broken['taps'] = mistakes((parameters) => {
  parameters.tcpPushTicks = 450;
});

const nothing: Broken['taps'] = () => ({});

export const brokenTimers: readonly Broken[] = [
  {
    does: 'starts timers anew at the offload',
    fails: 'target-timers-keep-alive',
    says: /TimeoutDelta of keepalive is 7198000 after 2000 of 5000 ticks/,
    taps: nothing,
    subject: carefulSubject({ restartsTimers: true }),
  },
  {
    does: 'forgets timers that are due at the offload',
    fails: 'target-timers-keep-alive-at-once',
    says: /ProbeCount is 0 and TimeoutDelta -1 after keepalive had 0 ticks left/,
    taps: nothing,
    subject: carefulSubject({ forgetsDueTimers: true }),
  },
  {
    does: 'lets FIN_WAIT_2 take its whole time again',
    fails: 'target-timers-fin-wait-2',
    says: /TimeoutDelta of FIN_WAIT_2 is 100000 after 20000 of 30000 ticks/,
    taps: nothing,
    subject: carefulSubject({ restartsTimers: true }),
  },
  {
    does: 'gives a connection back in FIN_WAIT_2 when that is over',
    fails: 'target-timers-fin-wait-2',
    says: /TCP state that was given back/,
    taps: nothing,
    subject: carefulSubject({ keepsStateInFinWait2: true }),
  },
  {
    does: 'counts ten times as many ticks a second',
    fails: 'target-timers-push-10',
    says: /requests completed before the push timer was due/,
    taps: mistakes((parameters) => {
      parameters.ticksPerSecond = 100;
    }),
  },
  {
    does: 'counts a tenth of the ticks a second',
    fails: 'target-timers-push-100',
    says: /order in which receive requests were completed/,
    taps: mistakes((parameters) => {
      parameters.ticksPerSecond = 10;
    }),
  },
  {
    does: 'has no push timer',
    fails: 'target-timers-push-1000',
    says: /order in which receive requests were completed/,
    taps: misreads((request) => {
      request.tcpReceiveNoPush = true;
    }),
  },
  {
    does: 'has a push timer of its own',
    fails: 'target-timers-push-1000',
    says: /requests completed before the push timer was due/,
    taps: mistakes((parameters) => {
      parameters.tcpPushTicks = 200;
    }),
  },
  {
    does: 'has timers of 25 ms granularity',
    fails: 'target-timers-exact',
    says: /requests completed 50 ms after the first byte/,
    taps: mistakes((parameters) => {
      parameters.tcpPushTicks = Math.ceil((parameters.tcpPushTicks + 20) / 25) * 25;
    }),
  },
  {
    does: 'is early with its timers',
    fails: 'target-timers-exact',
    says: /requests completed 39 ms after the first byte/,
    taps: mistakes((parameters) => {
      parameters.tcpPushTicks -= 2;
    }),
  },
  {
    does: 'ends a request before its push timer is over, counted from the last data',
    fails: 'target-timers-push-restart',
    says: /requests completed 490 ms after the last data/,
    taps: isTooShort,
  },
  {
    does: 'gives a request less than the push timer\'s whole time',
    fails: 'target-timers-push-next-request',
    says: /requests completed 490 ms after the first byte of the second/,
    taps: isTooShort,
  },
  {
    does: 'is late with requests that the push timer ends',
    fails: 'target-timers-push-restart',
    says: /order in which receive requests were completed/,
    taps: late(30),
  },
  {
    does: 'does not see that a request comes with data in it',
    fails: 'target-timers-push-prefilled',
    says: /order in which receive requests were completed/,
    taps: misreads((request) => {
      request.tcpReceiveBytesTransferred = 0;
    }),
  },
  {
    does: 'ends any request that comes with data in it',
    fails: 'target-timers-push-prefilled-no-push',
    says: /completions of a non-push request that came with data in it/,
    taps: misreads((request) => {
      request.tcpReceiveNoPush = false;
    }),
  },
  {
    does: 'gives back timers that never ran as due',
    fails: 'target-timers-not-running',
    says: /TimeoutDelta of keepalive and retransmit in a terminate/,
    taps: () => ({
      terminateOffloadComplete: (next, root) => {
        const delegated = (root.state as Partial<TcpOffloadState> | null)?.delegated;
        if (delegated != null && 'keepAlive' in delegated) delegated.keepAlive.timeoutDelta = 0;
        next(root);
      },
    }),
  },
  {
    does: 'reports retransmissions that never were',
    fails: 'target-timers-not-running',
    says: /counts of timers in a query/,
    taps: () => ({
      queryOffloadStateComplete: (next, root) => {
        const delegated = (root.state as Partial<TcpOffloadState> | null)?.delegated;
        if (delegated != null && 'retransmit' in delegated) delegated.retransmit.count = 1;
        next(root);
      },
    }),
  },
  {
    does: 'starts a push timer that is too short',
    fails: 'target-timers-push-posting',
    says: /requests completed 490 ms after the first byte of the second/,
    taps: isTooShort,
  },
  {
    does: 'ends a request a while after its push timer has',
    fails: 'target-timers-push-posting',
    says: /requests completed 490 ms after the first byte of the second|receive requests were completed: expected \[0,1\], found \[0\]/,
    taps: late(250),
  },
];
