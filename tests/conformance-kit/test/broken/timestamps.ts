import type { MiniportOffloadBlockList, TcpOffloadState, TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';

function changeIn(root: MiniportOffloadBlockList, change: (delegated: TcpOffloadStateDelegated) => void): void {
  for (let block: MiniportOffloadBlockList | null = root; block !== null; block = block.nextBlock) {
    const delegated = (block.state as Partial<TcpOffloadState> | null)?.delegated;
    if (delegated != null && 'tsTime' in delegated) change(delegated);
  }
}

/** Changes the state that connections are given back with. */
function givesBack(change: (delegated: TcpOffloadStateDelegated) => void): Broken['taps'] {
  return () => ({
    terminateOffloadComplete: (next, root) => {
      changeIn(root, change);
      next(root);
    },
  });
}

/** Changes the state that queries are answered with. */
function reports(change: (delegated: TcpOffloadStateDelegated) => void): Broken['taps'] {
  return () => ({
    queryOffloadStateComplete: (next, root) => {
      changeIn(root, change);
      next(root);
    },
  });
}

export const brokenTimestamps: readonly Broken[] = [
  {
    does: 'gives TsTime back as it came',
    fails: 'target-timestamps-go-on-10',
    says: /TsTime of a terminate is -3 11 s after it was -3/,
    taps: givesBack((delegated) => {
      delegated.tsTime = -3;
    }),
  },
  {
    does: 'reports its own clock for TsTime',
    fails: 'target-timestamps-go-on-100',
    says: /TsTime of a query is 1630 4 s after it was -3/,
    taps: reports((delegated) => {
      delegated.tsTime = 1630;
    }),
  },
  {
    does: 'counts TsTime in other ticks than were set',
    fails: 'target-timestamps-go-on-1000',
    says: /TsTime of a terminate is \d+ 11 s after it was -3/,
    taps: givesBack((delegated) => {
      delegated.tsTime = Math.trunc(delegated.tsTime / 10);
    }),
  },
  {
    does: 'has one delta for all connections',
    fails: 'target-timestamps-own-delta',
    says: /TsTime of a connection that came with 2147483632/,
    taps: () => {
      let terminates = 0;
      return {
        terminateOffloadComplete: (next, root) => {
          changeIn(root, (delegated) => {
            if (++terminates === 3) delegated.tsTime = 2700;
          });
          next(root);
        },
      };
    },
  },
  {
    does: 'goes on with the old delta when a connection comes back',
    fails: 'target-timestamps-own-delta',
    says: /TsTime of a connection that came with 2\d+ at/,
    taps: () => {
      let terminates = 0;
      return {
        terminateOffloadComplete: (next, root) => {
          changeIn(root, (delegated) => {
            if (++terminates === 2) delegated.tsTime += 300;
          });
          next(root);
        },
      };
    },
  },
  {
    does: 'gives TsRecent back with the age that it came with',
    fails: 'target-timestamps-recent',
    says: /TsRecentAge is 7, 900 ticks after it was 7/,
    taps: givesBack((delegated) => {
      delegated.tsRecentAge = 7;
    }),
  },
  {
    does: 'forgets TsRecent',
    fails: 'target-timestamps-recent',
    says: /TsRecent: expected/,
    taps: givesBack((delegated) => {
      delegated.tsRecent = 0;
    }),
  },
  {
    does: 'gives RttVar back in the units of SRtt',
    fails: 'target-timestamps-rtt',
    says: /SRtt and RttVar of a terminate/,
    taps: givesBack((delegated) => {
      delegated.rttVar *= 2;
    }),
  },
  {
    does: 'reports SRtt unscaled',
    fails: 'target-timestamps-rtt',
    says: /SRtt and RttVar of a query/,
    taps: reports((delegated) => {
      delegated.sRtt >>= 3;
    }),
  },
];
