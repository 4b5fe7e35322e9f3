import { TIMEOUT_DELTA_NOT_RUNNING, type TcpOffloadStateDelegated } from '@ndis-chimney/types';

/**
 * What is left of a timer that went on while nobody ran it: a stopped one stays stopped, one that has run out fires at
 * once on the side that inherits it. @param timeoutDelta ticks, as in the delegated state.
 * Source: `retransmit-timer.md`, `keepalive-timer.md`, `persist-timer.md`, `fin-wait-2-timer.md`.
 */
export function remainingTicks(timeoutDelta: number, elapsedTicks: number): number {
  if (timeoutDelta === TIMEOUT_DELTA_NOT_RUNNING) return TIMEOUT_DELTA_NOT_RUNNING;
  return Math.max(0, (timeoutDelta >>> 0) - elapsedTicks) | 0;
}

/** Lets time pass in delegated state that was held for a while: its timers go on, and the timestamp to echo gets older. */
export function ageDelegatedState(delegated: TcpOffloadStateDelegated, elapsedTicks: number): void {
  if (elapsedTicks <= 0) return;
  const { keepAlive, retransmit } = delegated;
  keepAlive.timeoutDelta = remainingTicks(keepAlive.timeoutDelta, elapsedTicks);
  retransmit.timeoutDelta = remainingTicks(retransmit.timeoutDelta, elapsedTicks);
  delegated.tsRecentAge = (delegated.tsRecentAge + elapsedTicks) | 0;
}
