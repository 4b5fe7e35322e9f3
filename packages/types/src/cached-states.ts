import { TcpOffloadStateCached } from './tcp-offload-state.ts';

/**
 * Keeps one copy of settings that many connections have in common: hosts offload thousands of connections with the same
 * ones, and a copy each is what an idle connection would consist of for the most part.
 */
export class CachedStates {
  private last: TcpOffloadStateCached | null = null;

  /** A copy of `state`, perhaps shared. It is never changed. */
  copyOf(state: TcpOffloadStateCached): TcpOffloadStateCached {
    if (this.last === null || !isEqual(this.last, state)) this.last = new TcpOffloadStateCached().copyFrom(state);
    return this.last;
  }
}

function isEqual(a: TcpOffloadStateCached, b: TcpOffloadStateCached): boolean {
  return (
    a.flags === b.flags &&
    a.initialRcvWnd === b.initialRcvWnd &&
    a.rcvIndicationSize === b.rcvIndicationSize &&
    a.kaProbeCount === b.kaProbeCount &&
    a.kaTimeout === b.kaTimeout &&
    a.kaInterval === b.kaInterval &&
    a.maxRT === b.maxRT &&
    a.flowLabel === b.flowLabel &&
    a.ttlOrHopLimit === b.ttlOrHopLimit &&
    a.tosOrTrafficClass === b.tosOrTrafficClass &&
    a.userPriority === b.userPriority
  );
}
