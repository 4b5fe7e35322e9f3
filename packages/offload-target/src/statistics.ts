import { IpOffloadStats, TcpOffloadStats } from '@ndis-chimney/types';

import type { TrafficCounts } from './traffic-counts.ts';

/**
 * What one adapter has counted for one IP version since it came up or was told to start over. The engine counts
 * segments and datagrams, the target connections.
 *
 * Source: `maintaining-and-reporting-chimney-specific-statistics.md`.
 */
export class TrafficStatistics {
  readonly tcp: TcpOffloadStats = new TcpOffloadStats();
  readonly ip: IpOffloadStats = new IpOffloadStats();

  /** Adds what an engine has counted. */
  add(counts: TrafficCounts): void {
    const { tcp, ip } = this;
    tcp.inSegments += counts.inSegments;
    tcp.outSegments += counts.outSegments;
    tcp.retransmittedSegments = (tcp.retransmittedSegments + counts.retransmittedSegments) | 0;
    tcp.inErrors = (tcp.inErrors + counts.inErrors) | 0;
    tcp.outResets = (tcp.outResets + counts.outResets) | 0;
    ip.inReceives += counts.inReceives;
    ip.inOctets += counts.inOctets;
    ip.inDelivers += counts.inDelivers;
    ip.outRequests += counts.outRequests;
    ip.outOctets += counts.outOctets;
    ip.inHeaderErrors = (ip.inHeaderErrors + counts.inHeaderErrors) | 0;
    ip.inTruncatedPackets = (ip.inTruncatedPackets + counts.inTruncatedPackets) | 0;
    ip.inDiscards = (ip.inDiscards + counts.inDiscards) | 0;
    ip.outDiscards = (ip.outDiscards + counts.outDiscards) | 0;
    ip.outNoRoutes = (ip.outNoRoutes + counts.outNoRoutes) | 0;
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
