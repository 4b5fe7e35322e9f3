import {
  OFFLOAD_TARGET_IPV4_ID_MAX,
  OFFLOAD_TARGET_IPV4_ID_MIN,
  OFFLOAD_TARGET_IPV6_FRAGMENT_ID_MIN,
} from '@ndis-chimney/types';

/**
 * IPv4 identifications of a target: 0x8000 to 0xFFFF, round and round. The lower half is the host's, so that the two
 * never use the same one (`sending-data-from-an-offload-target.md`).
 */
export class Ipv4Identification {
  private last: number;

  /** @param start where in the range to begin; any number. */
  constructor(start = 0) {
    this.last = start;
  }

  next(): number {
    this.last = (this.last + 1) & (OFFLOAD_TARGET_IPV4_ID_MAX - OFFLOAD_TARGET_IPV4_ID_MIN);
    return OFFLOAD_TARGET_IPV4_ID_MIN | this.last;
  }
}

/**
 * IPv6 fragment identifications of a target: 0x80000000 to 0xFFFFFFFF, as int32 bit patterns. For whoever must send
 * fragments; a target should not.
 */
export class Ipv6FragmentIdentification {
  private last: number;

  /** @param start where in the range to begin; any number. */
  constructor(start = 0) {
    this.last = start;
  }

  next(): number {
    this.last = (this.last + 1) & 0x7FFFFFFF;
    return OFFLOAD_TARGET_IPV6_FRAGMENT_ID_MIN | this.last;
  }
}
