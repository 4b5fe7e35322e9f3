/**
 * Timestamps stay monotonic across an offload and back although host and NIC have clocks of their own: each side adds
 * a delta to its clock, and hands over the sum. All numbers are 32-bit patterns that wrap.
 *
 * Source: `calculating-the-timestamp-delta.md`, `generating-a-timestamp.md`,
 * `calculating-the-merged-round-trip-time.md`.
 */

/** The timestamp of a segment sent now, and `tsTime` when the state is given away: the own clock plus the own delta. */
export function timestampOf(time: number, delta: number): number {
  return (time + delta) | 0;
}

/** The delta of whoever takes a connection over: `tsTime` minus the own clock. 0 before a host's first offload. */
export function timestampDelta(tsTime: number, time: number): number {
  return (tsTime - time) | 0;
}

/** A round-trip time from an echoed timestamp: the timestamp that would be sent now, minus the one that came back. */
export function mergedRoundTrip(time: number, delta: number, echoed: number): number {
  return (time + delta - echoed) | 0;
}
