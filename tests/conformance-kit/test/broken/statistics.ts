import { blocksOf } from '@ndis-chimney/conformance/probes';
import {
  IpOffloadStats,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_NOT_SUPPORTED,
  OID_IP4_OFFLOAD_STATS,
  OID_IP6_OFFLOAD_STATS,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  PathOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStats,
} from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';

type Counters = Omit<TcpOffloadStats, 'copyFrom'> & Omit<IpOffloadStats, 'copyFrom'>;

/** Answers queries of statistics with something changed. */
function counting(change: (statistics: Partial<Counters>) => void): Broken['taps'] {
  return () => ({
    miniportOidRequest: (next, context, request) => {
      const status = next(context, request);
      const { informationBuffer: buffer, requestType } = request;
      const isQuery = requestType === NDIS_REQUEST_TYPE.NdisRequestQueryInformation;
      if (isQuery && (buffer instanceof TcpOffloadStats || buffer instanceof IpOffloadStats)) change(buffer);
      return status;
    },
  });
}

/** Takes requests about one OID for requests about another. */
function mistaking(from: number, to: number, kind: 'set' | 'both' = 'both'): Broken['taps'] {
  return () => ({
    miniportOidRequest: (next, context, request) => {
      const { oid, requestType } = request;
      const isMeant = kind === 'both' || requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation;
      if (oid === from && isMeant) request.oid = to;
      const status = next(context, request);
      request.oid = oid;
      return status;
    },
  });
}

export const brokenStatistics: readonly Broken[] = [
  { does: 'counts IPv6 connections as IPv4', fails: 'target-statistics-established', says: /established connections after two of IPv4 and one of IPv6/, taps: mistaking(OID_TCP6_OFFLOAD_STATS, OID_TCP4_OFFLOAD_STATS) },
  {
    does: 'counts connections that went back as reset',
    fails: 'target-statistics-established',
    says: /connections that were reset, though they went back/,
    taps: counting((statistics) => {
      statistics.resetEstablished = 2;
    }),
  },
  {
    does: 'keeps no statistics',
    fails: 'target-statistics-established',
    says: /status of a query of statistics/,
    taps: () => ({
      miniportOidRequest: (next, context, request) => (request.oid === OID_IP4_OFFLOAD_STATS ? NDIS_STATUS_NOT_SUPPORTED : next(context, request)),
    }),
  },
  {
    does: 'counts octets without headers',
    fails: 'target-statistics-traffic-4',
    says: /octets were counted in \d+ datagrams that left with 3000 bytes/,
    taps: counting((statistics) => {
      if (statistics.outOctets !== undefined) statistics.outOctets -= 40 * (statistics.outRequests ?? 0);
    }),
  },
  {
    does: 'counts what was received twice',
    fails: 'target-statistics-traffic-4',
    says: /octets were counted in \d+ datagrams that arrived with 2000 bytes/,
    taps: counting((statistics) => {
      if (statistics.inOctets !== undefined) statistics.inOctets += 2000;
    }),
  },
  {
    does: 'counts traffic of both IP versions as one',
    fails: 'target-statistics-traffic-4',
    says: /counters of IPv6, of which there was nothing/,
    taps: mistaking(OID_IP6_OFFLOAD_STATS, OID_IP4_OFFLOAD_STATS),
  },
  {
    does: 'counts IPv6 headers as IPv4 headers',
    fails: 'target-statistics-traffic-6',
    says: /octets were counted in \d+ datagrams that left with 3000 bytes/,
    taps: counting((statistics) => {
      if (statistics.outOctets !== undefined) statistics.outOctets -= 20 * (statistics.outRequests ?? 0);
    }),
  },
  {
    does: 'counts segments that were delivered as errors too',
    fails: 'target-statistics-traffic-6',
    says: /errors, discards, resets and repetitions/,
    taps: counting((statistics) => {
      if (statistics.inErrors !== undefined) statistics.inErrors = 1;
    }),
  },
  { does: 'starts IP over when TCP is to', fails: 'target-statistics-reset', says: /all statistics after those of tcp version 4 were reset/, taps: mistaking(OID_TCP4_OFFLOAD_STATS, OID_IP4_OFFLOAD_STATS, 'set') },
  { does: 'starts IPv4 over when IPv6 is to', fails: 'target-statistics-reset', says: /counters started over that nobody reset|all statistics after those of tcp version 6 were reset/, taps: mistaking(OID_TCP6_OFFLOAD_STATS, OID_TCP4_OFFLOAD_STATS, 'set') },
  {
    does: 'counts no resets',
    fails: 'target-statistics-resets',
    says: /after the host aborted the other/,
    taps: counting((statistics) => {
      if (statistics.outResets !== undefined) statistics.outResets = 0;
    }),
  },
  {
    does: 'does not notice that connections were reset',
    fails: 'target-statistics-resets',
    says: /after the peer reset one of two/,
    taps: counting((statistics) => {
      if (statistics.resetEstablished !== undefined) statistics.resetEstablished = 0;
    }),
  },
  {
    does: 'counts ordinary packets',
    fails: 'target-statistics-ordinary',
    says: /counters after ordinary packets alone/,
    taps: (environment) => {
      let packets = 0;
      return {
        miniportSendNetBufferLists: (next, ...args) => {
          packets++;
          next(...args);
        },
        ...counting((statistics) => {
          if (statistics.outRequests !== undefined) statistics.outRequests += packets;
        })(environment),
      };
    },
  },
  {
    does: 'does not know the MTU of a path',
    fails: 'target-initiate-segment-size',
    says: /octets left in \d+ datagrams over a path with an MTU of 1280 to a peer with an MSS of 9000/,
    taps: () => ({
      miniportInitiateOffload: (next, context, tree) => {
        for (const { state } of blocksOf(tree)) {
          const cached = state?.cached;
          if (cached instanceof PathOffloadStateCached) cached.pathMtu = 9000;
        }
        next(context, tree);
      },
    }),
  },
  {
    does: 'does not know what its peers take in one segment',
    fails: 'target-initiate-segment-size',
    says: /bytes of data left in \d+ datagrams over a path with an MTU of 1500 to a peer with an MSS of 400/,
    taps: () => ({
      miniportInitiateOffload: (next, context, tree) => {
        for (const { state } of blocksOf(tree)) {
          const constant = state?.const;
          if (constant instanceof TcpOffloadStateConst) constant.remoteMss = 9000;
        }
        next(context, tree);
      },
    }),
  },
  {
    does: 'does not hear of an update of a path',
    fails: 'target-update-mtu-meanwhile',
    says: /octets left in \d+ datagrams over a path with an MTU of 576/,
    taps: () => ({
      miniportUpdateOffload: (next, context, tree) => {
        for (const { state } of blocksOf(tree)) {
          const cached = state?.cached;
          if (cached instanceof PathOffloadStateCached) cached.pathMtu = 1500;
        }
        next(context, tree);
      },
    }),
  },
];
