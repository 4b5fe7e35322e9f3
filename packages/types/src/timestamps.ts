/**
 * The arithmetic of TCP timestamps on a connection that changes hands: 32-bit ticks that wrap, int32 bit patterns. Who
 * takes the connection over lets its own clock run on from where the giver's was, so that timestamps never go back.
 *
 * Source: `calculating-the-timestamp-delta.md`.
 */

/** `NicDelta` (or `StackDelta`): what the connection's timestamps are ahead of the taker's clock. @param tsTime the giver's. */
export function timestampDelta(tsTime: number, clockTicks: number): number {
  return (tsTime - clockTicks) | 0;
}

/** The timestamp to send now, and the `TsTime` to hand over (`generating-a-timestamp.md`). */
export function timestampAt(clockTicks: number, delta: number): number {
  return (clockTicks + delta) | 0;
}

/** The round trip that an echoed timestamp measures, in ticks (`calculating-the-merged-round-trip-time.md`). */
export function mergedRoundTripTicks(clockTicks: number, delta: number, tsEchoed: number): number {
  return (clockTicks + delta - tsEchoed) | 0;
}
