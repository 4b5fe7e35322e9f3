import { show } from './option-schema.ts';

/**
 * What a target has room for and how it behaves, whatever its engine. All are optional; left out, there is no limit.
 * Capacities are per adapter. What exceeds one fails with the status that the page of `NdisMInitiateOffloadComplete`
 * has for it.
 */
export interface TargetLimits {
  /** Connections. Default 4096. `NDIS_STATUS_OFFLOAD_TCP_ENTRIES`. */
  readonly connectionCapacity?: number;
  /** Paths. `NDIS_STATUS_OFFLOAD_PATH_ENTRIES`. */
  readonly pathCapacity?: number;
  /** Neighbors. `NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES`. */
  readonly neighborCapacity?: number;
  /** Different source MACs besides the interface's own; 0: they are not configurable. `NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES`. */
  readonly hardwareAddressCapacity?: number;
  /** Different source IP addresses. `NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES`. */
  readonly ipAddressCapacity?: number;
  /** Different VLANs but 0. `NDIS_STATUS_OFFLOAD_VLAN_ENTRIES`. */
  readonly vlanCapacity?: number;
  /** VLANs the interface is configured with. Default: none. `NDIS_STATUS_OFFLOAD_VLAN_MISMATCH`. */
  readonly interfaceVlanIds?: readonly number[];
  /** Largest path MTU, in bytes. `NDIS_STATUS_OFFLOAD_PATH_MTU`. */
  readonly maxPathMtuBytes?: number;
  /** Largest `InitialRcvWnd`, in bytes. `NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW`. */
  readonly maxReceiveWindowBytes?: number;
  /** Most send data that a connection may bring along, in bytes. `NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER`. */
  readonly maxInheritedSendBytes?: number;
  /** Most received data that a connection may bring along, in bytes. `NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER`. */
  readonly maxInheritedReceiveBytes?: number;
  /** Received bytes kept per connection while the host wants none; with `InitialRcvWnd`, the smaller, the receive window. Default 262144. */
  readonly bufferBytes?: number;
  /** Send bytes that should be outstanding, as long as the engine says nothing else. Default: not supported. */
  readonly sendBacklogBytes?: number;
  /** How long an engine may take to answer, in milliseconds; then its connection ends as with failed hardware. Default 10000. */
  readonly answerTimeoutMs?: number;
  /** Goes on with connections that depend on something invalid until the host takes them back. Default false. */
  readonly isInvalidateLenient?: boolean;
  /** Bytes of the largest packet. Default 1500. */
  readonly mtuBytes?: number;
  /** Bits per second that the link is announced with. Default 10 Gbit/s. */
  readonly linkSpeed?: number;
  /** SACK both ways. Default true. */
  readonly hasSack?: boolean;
}

/** The limits with their defaults filled in. */
export type ResolvedLimits = Required<TargetLimits>;

const DEFAULTS: ResolvedLimits = {
  connectionCapacity: 4096,
  pathCapacity: Infinity,
  neighborCapacity: Infinity,
  hardwareAddressCapacity: Infinity,
  ipAddressCapacity: Infinity,
  vlanCapacity: Infinity,
  interfaceVlanIds: [],
  maxPathMtuBytes: Infinity,
  maxReceiveWindowBytes: Infinity,
  maxInheritedSendBytes: Infinity,
  maxInheritedReceiveBytes: Infinity,
  bufferBytes: 262_144,
  sendBacklogBytes: -1,
  answerTimeoutMs: 10_000,
  isInvalidateLenient: false,
  mtuBytes: 1500,
  linkSpeed: 10_000_000_000,
  hasSack: true,
};

/** Largest of the limits that go into a 32-bit member. */
const LARGEST_32_BITS = 0x7FFF_FFFF;
const LARGEST_VLAN_ID = 4094;
const THIRTY_TWO_BITS: readonly (keyof TargetLimits)[] = ['connectionCapacity', 'bufferBytes', 'mtuBytes', 'sendBacklogBytes'];

/**
 * Fills in the defaults. @param who whose limits they are, for the message.
 * @throws TypeError that names a limit that does not exist or whose value is not allowed.
 */
export function resolveLimits(who: string, limits: TargetLimits): ResolvedLimits {
  const resolved: Record<string, unknown> = { ...DEFAULTS };
  for (const [key, value] of Object.entries(limits) as [keyof TargetLimits, unknown][]) {
    if (!Object.hasOwn(DEFAULTS, key)) throw new TypeError(`${who}: there is no limit ${key} (there are ${Object.keys(DEFAULTS).join(', ')})`);
    if (value === undefined) continue;
    const expected = whatIsExpected(key, value);
    if (expected !== '') throw new TypeError(`${who}: limit ${key} is ${expected}, not ${show(value)}`);
    resolved[key] = value;
  }
  return resolved as unknown as ResolvedLimits;
}

/** What a limit should have been, or nothing when it is. */
function whatIsExpected(key: keyof TargetLimits, value: unknown): string {
  if (key === 'interfaceVlanIds') {
    const isList = Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0 && id <= LARGEST_VLAN_ID);
    return isList ? '' : `a list of whole numbers from 0 to ${LARGEST_VLAN_ID}`;
  }
  if (typeof DEFAULTS[key] === 'boolean') return typeof value === 'boolean' ? '' : 'true or false';
  if (THIRTY_TWO_BITS.includes(key)) return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= LARGEST_32_BITS ? '' : `a whole number from 0 to ${LARGEST_32_BITS}`;
  return typeof value === 'number' && value >= 0 ? '' : 'a number from 0';
}
