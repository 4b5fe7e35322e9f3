/**
 * The clocks by which host and target tell whether a neighbor is still there. All are ticks, 32 bits that wrap.
 *
 * Source: `making-a-neighborreachabilityquery-indication.md`.
 */

/**
 * Ticks of one clock in those of another: the host's ticks in a NIC's, or the other way round. Rounded down, as ages
 * are: what is younger than a tick has no age.
 */
export function convertTicks(ticks: number, fromTicksPerSecond: number, toTicksPerSecond: number): number {
  return Math.floor((ticks * toTicksPerSecond) / fromTicksPerSecond);
}

/** HRT or NRT: when a neighbor was last confirmed. @param delta HRD or NRD, the ticks since then. */
export function reachabilityTime(nowTicks: number, delta: number): number {
  return (nowTicks - delta) >>> 0;
}

/**
 * True when nobody has heard of a neighbor for too long: a target has to ask before it transmits.
 * @param now the target's clock. @param nicTime NRT, the target's last proof. @param hostTime HRT, the host's.
 * @param nceStaleTicks `NceStaleTicks` of the adapter; 0: neighbors do not get stale.
 */
export function isNeighborStale(now: number, nicTime: number, hostTime: number, nceStaleTicks: number): boolean {
  return nceStaleTicks !== 0 && (now - nicTime) >>> 0 > nceStaleTicks >>> 0 && (now - hostTime) >>> 0 > nceStaleTicks >>> 0;
}
