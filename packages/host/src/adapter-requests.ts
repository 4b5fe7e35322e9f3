import {
  IpOffloadStats,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_CLOSING,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisOidRequest,
  OID_IP4_OFFLOAD_STATS,
  OID_IP6_OFFLOAD_STATS,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  TcpOffloadStats,
  type NDIS_OID,
  type NDIS_STATUS,
  type NdisTcpConnectionOffload,
} from '@ndis-chimney/types';

import type { HostAdapter } from './host-adapter.ts';
import type { ChimneyStatistics } from './results.ts';

/** OID requests of one binding. */
export class AdapterRequests {
  private readonly adapter: HostAdapter;
  private readonly pending = new Map<NdisOidRequest, (status: NDIS_STATUS) => void>();

  constructor(adapter: HostAdapter) {
    this.adapter = adapter;
  }

  get isIdle(): boolean {
    return this.pending.size === 0;
  }

  /**
   * `NdisOidRequest`. @param onEnd called with the final status, before this returns when it is there at once.
   * @returns NDIS_STATUS_PENDING when it is not.
   */
  start(request: NdisOidRequest, onEnd: (status: NDIS_STATUS) => void): NDIS_STATUS {
    this.pending.set(request, onEnd);
    let status: NDIS_STATUS;
    try {
      status = this.adapter.binding.oidRequest(request);
    } catch (error) {
      this.pending.delete(request);
      throw error;
    }
    if (status !== NDIS_STATUS_PENDING) this.ended(request, status);
    return status;
  }

  /** `ProtocolOidRequestComplete`. */
  ended(request: NdisOidRequest, status: NDIS_STATUS): void {
    const onEnd = this.pending.get(request);
    this.pending.delete(request);
    onEnd?.(status);
    this.adapter.checkEmpty();
  }

  /**
   * Asks, or sets. A binding that is being closed takes no more requests: NDIS_STATUS_CLOSING.
   * @returns the status, and for a query what was answered.
   */
  request(oid: NDIS_OID, isSet: boolean, buffer: object | number | null): Promise<{ readonly status: NDIS_STATUS; readonly answer: unknown }> {
    if (this.adapter.isClosing) return Promise.resolve({ status: NDIS_STATUS_CLOSING, answer: null });
    return new Promise((resolve) => {
      const request = oidRequest(oid, isSet, buffer);
      this.start(request, (status) => {
        resolve({ status, answer: request.informationBuffer });
      });
    });
  }

  /** The capabilities as they are now; null when there are none. NDIS answers this one at once. */
  queryCapabilities(): NdisTcpConnectionOffload | null {
    const request = oidRequest(OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG, false, null);
    const status = this.start(request, () => undefined);
    return status === NDIS_STATUS_SUCCESS ? (request.informationBuffer as NdisTcpConnectionOffload | null) : null;
  }

  /** The four statistics OIDs. */
  async statistics(): Promise<ChimneyStatistics> {
    const ask = async <Stats extends object>(oid: NDIS_OID, stats: Stats): Promise<Stats | null> => {
      const { status } = await this.request(oid, false, stats);
      return status === NDIS_STATUS_SUCCESS ? stats : null;
    };
    const [tcp4, tcp6, ip4, ip6] = await Promise.all([
      ask(OID_TCP4_OFFLOAD_STATS, new TcpOffloadStats()),
      ask(OID_TCP6_OFFLOAD_STATS, new TcpOffloadStats()),
      ask(OID_IP4_OFFLOAD_STATS, new IpOffloadStats()),
      ask(OID_IP6_OFFLOAD_STATS, new IpOffloadStats()),
    ]);
    return { tcp4, tcp6, ip4, ip6 };
  }

  /** Sets the counters of one IP version to zero; what is passed does not count. */
  async resetStatistics(isIPv6: boolean): Promise<NDIS_STATUS> {
    const [tcp, ip] = isIPv6 ? [OID_TCP6_OFFLOAD_STATS, OID_IP6_OFFLOAD_STATS] : [OID_TCP4_OFFLOAD_STATS, OID_IP4_OFFLOAD_STATS];
    const ended = await Promise.all([this.request(tcp, true, new TcpOffloadStats()), this.request(ip, true, new IpOffloadStats())]);
    return ended.find(({ status }) => status !== NDIS_STATUS_SUCCESS)?.status ?? NDIS_STATUS_SUCCESS;
  }
}

/** A request to ask or set something. */
export function oidRequest(oid: NDIS_OID, isSet: boolean, buffer: object | number | null): NdisOidRequest {
  const request = new NdisOidRequest();
  request.requestType = isSet ? NDIS_REQUEST_TYPE.NdisRequestSetInformation : NDIS_REQUEST_TYPE.NdisRequestQueryInformation;
  request.oid = oid;
  request.informationBuffer = buffer;
  return request;
}
