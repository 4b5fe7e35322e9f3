export type { Tap, Taps } from './tap.ts';
export { tapMiniportDriver, tapProtocolDriver, type MiniportTaps, type ProtocolTaps } from './tap-drivers.ts';
