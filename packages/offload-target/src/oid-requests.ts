import {
  IpOffloadStats,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_INVALID_DATA,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_SUCCESS,
  OID_IP4_OFFLOAD_STATS,
  OID_IP6_OFFLOAD_STATS,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  OID_PNP_QUERY_POWER,
  OID_PNP_SET_POWER,
  TICKS_PER_SECOND_VALUES,
  TcpOffloadStats,
  isNdisTcpConnectionOffloadParametersHeader,
  type NDIS_STATUS,
  type NdisOidRequest,
  type NdisTcpConnectionOffloadParameters,
} from '@ndis-chimney/types';

import type { OffloadAdapter } from './offload-adapter.ts';

/** Answers an OID request; one that sets the power may have to wait. */
export function answerOid(adapter: OffloadAdapter, request: NdisOidRequest): NDIS_STATUS {
  const isSet = request.requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation;
  switch (request.oid) {
    case OID_TCP_CONNECTION_OFFLOAD_PARAMETERS:
      return isSet ? setParameters(adapter, request) : NDIS_STATUS_NOT_SUPPORTED;
    case OID_TCP4_OFFLOAD_STATS:
    case OID_TCP6_OFFLOAD_STATS: {
      const statistics = request.oid === OID_TCP4_OFFLOAD_STATS ? adapter.statistics4 : adapter.statistics6;
      if (isSet) statistics.resetTcp();
      else answer(request, new TcpOffloadStats()).copyFrom(statistics.tcp);
      return NDIS_STATUS_SUCCESS;
    }
    case OID_IP4_OFFLOAD_STATS:
    case OID_IP6_OFFLOAD_STATS: {
      const statistics = request.oid === OID_IP4_OFFLOAD_STATS ? adapter.statistics4 : adapter.statistics6;
      if (isSet) statistics.resetIp();
      else answer(request, new IpOffloadStats()).copyFrom(statistics.ip);
      return NDIS_STATUS_SUCCESS;
    }
    case OID_PNP_SET_POWER:
      return isSet ? adapter.power.set(request) : NDIS_STATUS_NOT_SUPPORTED;
    case OID_PNP_QUERY_POWER:
      return isSet ? NDIS_STATUS_NOT_SUPPORTED : NDIS_STATUS_SUCCESS;
    default:
      return NDIS_STATUS_NOT_SUPPORTED;
  }
}

/** The structure the requester wants filled: its own, or else the one given here. */
function answer<T extends object>(request: NdisOidRequest, own: T): T {
  request.informationBuffer ??= own;
  request.bytesWritten = request.informationBufferLength;
  return request.informationBuffer as T;
}

/** Takes over how TCP shall run. Of it the base uses the clock rate, the push timer and what makes neighbors stale. */
function setParameters(adapter: OffloadAdapter, request: NdisOidRequest): NDIS_STATUS {
  const parameters = request.informationBuffer as NdisTcpConnectionOffloadParameters | null;
  if (parameters === null || !isNdisTcpConnectionOffloadParametersHeader(parameters.header)) return NDIS_STATUS_INVALID_DATA;
  const rates: readonly number[] = TICKS_PER_SECOND_VALUES;
  if (!rates.includes(parameters.ticksPerSecond)) return NDIS_STATUS_INVALID_DATA;
  adapter.parameters.copyFrom(parameters);
  request.bytesRead = request.informationBufferLength;
  return NDIS_STATUS_SUCCESS;
}
