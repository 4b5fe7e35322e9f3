/**
 * TCP_OFFLOAD_STATS: counters of one interface and one IP version, offloaded connections only. Kept and written by the
 * target; the buffer of `OID_TCP4_OFFLOAD_STATS` and `OID_TCP6_OFFLOAD_STATS`.
 *
 * In both statistics structures the 64-bit counters are plain numbers, exact to 2^53; the 32-bit ones are int32 bit
 * patterns and wrap. A target with nothing offloaded indicates a corrupt packet and does not count it; otherwise it
 * preferably does the same, or drops and counts it.
 *
 * Source: `ns-ndischimney-_tcp_offload_stats.md`.
 */
export class TcpOffloadStats {
  /** Segments received, with errors too. 64 bits. */
  inSegments = 0;
  /** Segments sent, without those that only retransmit. 64 bits. */
  outSegments = 0;
  /** Connections in ESTABLISHED or CLOSE-WAIT. */
  currentlyEstablished = 0;
  /** Transitions from ESTABLISHED or CLOSE-WAIT straight to CLOSED. */
  resetEstablished = 0;
  /** Segments with at least one retransmitted byte. */
  retransmittedSegments = 0;
  /** Segments dropped for TCP errors. */
  inErrors = 0;
  /** Segments sent with RST. */
  outResets = 0;

  /** Copies every counter. */
  copyFrom(from: TcpOffloadStats): this {
    this.inSegments = from.inSegments;
    this.outSegments = from.outSegments;
    this.currentlyEstablished = from.currentlyEstablished;
    this.resetEstablished = from.resetEstablished;
    this.retransmittedSegments = from.retransmittedSegments;
    this.inErrors = from.inErrors;
    this.outResets = from.outResets;
    return this;
  }
}

/**
 * IP_OFFLOAD_STATS: counters of one interface and one IP version, offloaded connections only. Kept and written by the
 * target; the buffer of `OID_IP4_OFFLOAD_STATS` and `OID_IP6_OFFLOAD_STATS`. Number formats and the rule for corrupt
 * packets are those of {@link TcpOffloadStats}. Source: `ns-ndischimney-_ip_offload_stats.md`.
 */
export class IpOffloadStats {
  /** Datagrams received, with errors too. 64 bits. */
  inReceives = 0;
  /** Bytes of those, IP header included. 64 bits. */
  inOctets = 0;
  /** Datagrams delivered. 64 bits. */
  inDelivers = 0;
  /** Datagrams handed to the target's IP layer. 64 bits. */
  outRequests = 0;
  /** Bytes of those, IP header included. 64 bits. */
  outOctets = 0;
  /** Discarded for a bad header; bad addresses do not count. */
  inHeaderErrors = 0;
  /** Valid header, but the frame is too short for the datagram. */
  inTruncatedPackets = 0;
  /** Discarded for lack of resources. */
  inDiscards = 0;
  /** Outgoing, discarded for lack of resources. */
  outDiscards = 0;
  /** Outgoing, no offloaded path found. */
  outNoRoutes = 0;

  /** Copies every counter. */
  copyFrom(from: IpOffloadStats): this {
    this.inReceives = from.inReceives;
    this.inOctets = from.inOctets;
    this.inDelivers = from.inDelivers;
    this.outRequests = from.outRequests;
    this.outOctets = from.outOctets;
    this.inHeaderErrors = from.inHeaderErrors;
    this.inTruncatedPackets = from.inTruncatedPackets;
    this.inDiscards = from.inDiscards;
    this.outDiscards = from.outDiscards;
    this.outNoRoutes = from.outNoRoutes;
    return this;
  }
}
