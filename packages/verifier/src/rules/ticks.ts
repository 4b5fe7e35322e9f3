/** Milliseconds in ticks of a clock, not rounded. */
export function elapsedTicks(ms: number, ticksPerSecond: number): number {
  return (ms * ticksPerSecond) / 1000;
}

/**
 * How far two clocks may be apart after so many ticks: each is read somewhere inside a tick, and a clock of a NIC is no
 * better than one in a hundred.
 */
export function slackTicks(ticks: number): number {
  return 2 + Math.abs(ticks) / 100;
}
