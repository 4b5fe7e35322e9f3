import { OffloadStateHeader } from './offload-state-header.ts';

/** Bytes of {@link PathOffloadStateConst} on x64. Source: `ns-ndischimney-_path_offload_state_const.md`. */
export const SIZEOF_PATH_OFFLOAD_STATE_CONST = 0x18;
/** Bytes of {@link PathOffloadStateCached} on x64. Source: `ns-ndischimney-_path_offload_state_cached.md`. */
export const SIZEOF_PATH_OFFLOAD_STATE_CACHED = 0x0C;
/** Bytes of {@link PathOffloadStateDelegated} on x64. Source: `ns-ndischimney-_path_offload_state_delegated.md`. */
export const SIZEOF_PATH_OFFLOAD_STATE_DELEGATED = 0x08;

const NO_ADDRESS: Uint8Array = new Uint8Array(0);

/**
 * PATH_OFFLOAD_STATE_CONST: the two ends of an IP path. Written by the host at the initiate, not returned by a
 * terminate. In C both addresses are pointers to constant bytes that live as long as the tree: point them at your own
 * array, never write through them, and keep a copy of the structure rather than the arrays.
 * Source: `ns-ndischimney-_path_offload_state_const.md`.
 */
export class PathOffloadStateConst {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_PATH_OFFLOAD_STATE_CONST);
  /** 4 bytes (IPv4) or 16 (IPv6), network byte order; empty until set. The block's `header.type` gives the family. */
  sourceAddress: Uint8Array = NO_ADDRESS;
  /** As `sourceAddress`. */
  destinationAddress: Uint8Array = NO_ADDRESS;

  /**
   * Copies every member, the address bytes into arrays of their own. Those two arrays are all that it allocates: the
   * arrays it had may be somebody else's.
   */
  copyFrom(from: PathOffloadStateConst): this {
    this.header.copyFrom(from.header);
    this.sourceAddress = from.sourceAddress.slice();
    this.destinationAddress = from.destinationAddress.slice();
    return this;
  }
}

/**
 * PATH_OFFLOAD_STATE_CACHED: what the host owns and may update about a path. Written by the host at the initiate and by
 * updates. Source: `ns-ndischimney-_path_offload_state_cached.md`.
 */
export class PathOffloadStateCached {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_PATH_OFFLOAD_STATE_CACHED);
  /** Path MTU in bytes (RFC 1191, RFC 1981); updated after ICMP. */
  pathMtu = 0;

  /** Copies every member, allocating nothing. */
  copyFrom(from: PathOffloadStateCached): this {
    this.header.copyFrom(from.header);
    this.pathMtu = from.pathMtu;
    return this;
  }
}

/**
 * PATH_OFFLOAD_STATE_DELEGATED: a header and no variables; a path delegates nothing.
 * Source: `ns-ndischimney-_path_offload_state_delegated.md`.
 */
export class PathOffloadStateDelegated {
  readonly header: OffloadStateHeader = new OffloadStateHeader(SIZEOF_PATH_OFFLOAD_STATE_DELEGATED);

  /** Copies every member, allocating nothing. */
  copyFrom(from: PathOffloadStateDelegated): this {
    this.header.copyFrom(from.header);
    return this;
  }
}
