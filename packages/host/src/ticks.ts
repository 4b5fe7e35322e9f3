import { RTT_VAR_SCALE, SRTT_SCALE, type TcpOffloadStateDelegated } from '@ndis-chimney/types';

/** Milliseconds in ticks of so many a second, rounded up: a timer never fires early. */
export function ticksFromMs(ms: number, ticksPerSecond: number): number {
  return Math.ceil((ms * ticksPerSecond) / 1000);
}

/** Ticks of so many a second in milliseconds. */
export function msFromTicks(ticks: number, ticksPerSecond: number): number {
  return (ticks * 1000) / ticksPerSecond;
}

/** A clock in ticks, 32 bits that wrap. @param nowMs milliseconds of a monotonic clock. */
export function tickCount(nowMs: number, ticksPerSecond: number): number {
  return Math.floor((nowMs * ticksPerSecond) / 1000) | 0;
}

/** A round-trip time and its variation, in ticks. */
export interface RoundTrip {
  /** Smoothed round-trip time, ticks. */
  readonly srttTicks: number;
  /** Round-trip time variation, ticks. */
  readonly rttVarTicks: number;
}

/**
 * Writes a round trip into delegated state the way it is exchanged: SRtt times 8, RttVar times 4.
 * Source: `offload-state-objects.md`.
 */
export function writeRoundTrip(delegated: TcpOffloadStateDelegated, { srttTicks, rttVarTicks }: RoundTrip): void {
  delegated.sRtt = Math.round(srttTicks * SRTT_SCALE);
  delegated.rttVar = Math.round(rttVarTicks * RTT_VAR_SCALE);
}

/** The round trip in delegated state, in ticks. */
export function readRoundTrip(delegated: TcpOffloadStateDelegated): RoundTrip {
  return { srttTicks: delegated.sRtt / SRTT_SCALE, rttVarTicks: delegated.rttVar / RTT_VAR_SCALE };
}
