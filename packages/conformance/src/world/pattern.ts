/** Of all bytes of a stream, number n is n modulo this: a prime, so that no power of two of them repeats. */
const PERIOD = 251;

/** Bytes `from` up to `from + count` of the stream that cases send either way: each byte tells its place. */
export function pattern(from: number, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; at++) bytes[at] = (from + at) % PERIOD;
  return bytes;
}

/** The `count` bytes before the first of {@link pattern}: what a stream was before a connection was offered. */
export function patternBefore(count: number): Uint8Array<ArrayBuffer> {
  return pattern(PERIOD * Math.ceil(count / PERIOD) - count, count);
}
