/** Bytes of an IP and a TCP header without options, for each IP version. */
const HEADER_BYTES_4 = 40;
const HEADER_BYTES_6 = 60;

/**
 * What an engine counts of one IP version until it tells the target (`EngineEvents.counted`). The members are those of
 * `TcpOffloadStats` and `IpOffloadStats` that only the engine knows.
 *
 * Source: `maintaining-and-reporting-chimney-specific-statistics.md`.
 */
export class TrafficCounts {
  readonly isIPv6: boolean;
  inSegments = 0;
  outSegments = 0;
  retransmittedSegments = 0;
  inErrors = 0;
  outResets = 0;
  inReceives = 0;
  inOctets = 0;
  inDelivers = 0;
  outRequests = 0;
  outOctets = 0;
  inHeaderErrors = 0;
  inTruncatedPackets = 0;
  inDiscards = 0;
  outDiscards = 0;
  outNoRoutes = 0;
  /** True when something was counted. */
  isDue = false;
  private readonly headerBytes: number;

  constructor(isIPv6: boolean) {
    this.isIPv6 = isIPv6;
    this.headerBytes = isIPv6 ? HEADER_BYTES_6 : HEADER_BYTES_4;
  }

  /** A segment left. @param isRepeated it has bytes that were sent before. @param hasNew it has bytes that were not. */
  countOut(byteCount: number, isRepeated: boolean, hasNew: boolean): void {
    this.isDue = true;
    this.outRequests++;
    this.outOctets += this.headerBytes + byteCount;
    if (isRepeated) this.retransmittedSegments++;
    if (!isRepeated || hasNew) this.outSegments++;
  }

  /** A segment with RST left. */
  countReset(): void {
    this.outResets++;
    this.countOut(0, false, true);
  }

  /** A segment arrived. @param byteCount its payload. */
  countIn(byteCount: number): void {
    this.isDue = true;
    this.inSegments++;
    this.inReceives++;
    this.inOctets += this.headerBytes + byteCount;
    this.inDelivers++;
  }

  /** A segment that arrived, and was counted, was dropped for an error in its TCP header. */
  countError(): void {
    this.inErrors++;
    this.inDelivers--;
  }

  /** Starts over, after the target was told. */
  clear(): void {
    this.isDue = false;
    this.inSegments = 0;
    this.outSegments = 0;
    this.retransmittedSegments = 0;
    this.inErrors = 0;
    this.outResets = 0;
    this.inReceives = 0;
    this.inOctets = 0;
    this.inDelivers = 0;
    this.outRequests = 0;
    this.outOctets = 0;
    this.inHeaderErrors = 0;
    this.inTruncatedPackets = 0;
    this.inDiscards = 0;
    this.outDiscards = 0;
    this.outNoRoutes = 0;
  }
}
