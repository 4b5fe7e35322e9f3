/**
 * TCP sequence numbers: 32 bits that wrap, kept as int32. They are compared only by their distance (RFC 793 section
 * 3.3), which is right while the two are less than 2^31 apart.
 */

/** How far `a` is ahead of `b`; negative when it is behind. */
export function seqDelta(a: number, b: number): number {
  return (a - b) | 0;
}

/** True when `a` is before `b`. */
export function seqLess(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** The number `byteCount` after `seq`. */
export function seqAdd(seq: number, byteCount: number): number {
  return (seq + byteCount) | 0;
}
