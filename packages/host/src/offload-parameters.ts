import { DEFAULT_PUSH_TIMEOUT_MS, DEFAULT_TICKS_PER_SECOND, NdisTcpConnectionOffloadParameters, TICKS_PER_SECOND_VALUES } from '@ndis-chimney/types';

import { ticksFromMs } from './ticks.ts';

/** How targets are to run TCP, in units that do not depend on the clock rate. */
export interface OffloadParametersOptions {
  /** Ticks per second of all timers: 10, 100 or 1000. Default 1000. */
  readonly ticksPerSecond?: number;
  /** Segments received before an ACK is due. Default 2 (RFC 1122 section 4.2.3.2). */
  readonly ackFrequency?: number;
  /** Delayed-ACK timer, milliseconds; at most 255 ticks. Default 200. */
  readonly delayedAckMs?: number;
  /** Retransmissions of a segment before the target may ask for the upload. Default 5. */
  readonly maximumRetransmissions?: number;
  /** Retransmissions after which a neighbor is in doubt. Default 3. */
  readonly doubtReachabilityRetransmissions?: number;
  /** Silly-window timer, milliseconds. Default 200. */
  readonly swsPreventionMs?: number;
  /** Duplicate ACKs that trigger a fast retransmit. Default 3 (RFC 5681 section 3.2). */
  readonly duplicateAckThreshold?: number;
  /** Push timer, milliseconds. Default 500. */
  readonly pushMs?: number;
  /** Time without progress after which a neighbor is stale, milliseconds. Default 30000 (RFC 4861 section 10). */
  readonly nceStaleMs?: number;
}

/**
 * The parameters of OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, with every time in ticks of the rate that is set with them.
 * @throws TypeError for a rate that is none, and for what does not fit its member.
 */
export function createOffloadParameters(options: OffloadParametersOptions = {}): NdisTcpConnectionOffloadParameters {
  const { ticksPerSecond = DEFAULT_TICKS_PER_SECOND } = options;
  const rates: readonly number[] = TICKS_PER_SECOND_VALUES;
  if (!rates.includes(ticksPerSecond)) throw new TypeError(`createOffloadParameters: ticksPerSecond is ${ticksPerSecond}, not ${rates.join(', ')}`);
  const count = (name: keyof OffloadParametersOptions, byDefault: number, bits: number): number => fit(name, options[name] ?? byDefault, bits);
  const ticks = (name: keyof OffloadParametersOptions, byDefaultMs: number, bits: number): number => fit(name, ticksFromMs(options[name] ?? byDefaultMs, ticksPerSecond), bits);
  const parameters = new NdisTcpConnectionOffloadParameters();
  parameters.ticksPerSecond = ticksPerSecond;
  parameters.tcpAckFrequency = count('ackFrequency', 2, 8);
  parameters.tcpDelayedAckTicks = ticks('delayedAckMs', 200, 8);
  parameters.tcpMaximumRetransmissions = count('maximumRetransmissions', 5, 8);
  parameters.tcpDoubtReachabilityRetransmissions = count('doubtReachabilityRetransmissions', 3, 8);
  parameters.tcpSwsPreventionTicks = ticks('swsPreventionMs', 200, 32);
  parameters.tcpDuplicateAckThreshold = count('duplicateAckThreshold', 3, 32);
  parameters.tcpPushTicks = ticks('pushMs', DEFAULT_PUSH_TIMEOUT_MS, 32);
  parameters.nceStaleTicks = ticks('nceStaleMs', 30_000, 32);
  return parameters;
}

function fit(name: string, value: number, bits: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** bits) throw new TypeError(`createOffloadParameters: ${name} comes to ${value}, which does not fit ${bits} bits`);
  return value | 0;
}
