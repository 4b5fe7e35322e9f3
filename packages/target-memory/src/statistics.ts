import { IpOffloadStats, TcpOffloadStats } from '@ndis-chimney/types';

/**
 * What one adapter counts for one IP version. Every segment of an offloaded connection counts as one datagram with
 * headers that carry no options; nothing is lost on the way, so the counters of errors and discards stay at what
 * forwarded segments and the host's refusals add to them.
 *
 * Source: `maintaining-and-reporting-chimney-specific-statistics.md`.
 */
export class TrafficStatistics {
  readonly tcp: TcpOffloadStats = new TcpOffloadStats();
  readonly ip: IpOffloadStats = new IpOffloadStats();
  private readonly headerBytes: number;

  /** @param headerBytes bytes of the IP and TCP headers of this IP version. */
  constructor(headerBytes: number) {
    this.headerBytes = headerBytes;
  }

  /** A segment left. @param isRepeated it has bytes that were sent before. @param hasNew it has bytes that were not. */
  countOut(byteCount: number, isRepeated: boolean, hasNew: boolean): void {
    const { tcp, ip } = this;
    ip.outRequests++;
    ip.outOctets += this.headerBytes + byteCount;
    if (isRepeated) tcp.retransmittedSegments = (tcp.retransmittedSegments + 1) | 0;
    if (!isRepeated || hasNew) tcp.outSegments++;
  }

  /** An RST left. */
  countReset(): void {
    this.tcp.outResets = (this.tcp.outResets + 1) | 0;
    this.countOut(0, false, true);
  }

  /** A segment arrived. */
  countIn(byteCount: number): void {
    const { tcp, ip } = this;
    tcp.inSegments++;
    ip.inReceives++;
    ip.inOctets += this.headerBytes + byteCount;
    ip.inDelivers++;
  }

  /** A segment that arrived was dropped for an error in its header. */
  countError(): void {
    this.tcp.inErrors = (this.tcp.inErrors + 1) | 0;
    this.ip.inDelivers--;
  }

  /** Sets the TCP counters to zero. How many connections are established is no counter. */
  resetTcp(): void {
    const { currentlyEstablished } = this.tcp;
    this.tcp.copyFrom(new TcpOffloadStats());
    this.tcp.currentlyEstablished = currentlyEstablished;
  }

  /** Sets the IP counters to zero. */
  resetIp(): void {
    this.ip.copyFrom(new IpOffloadStats());
  }
}
