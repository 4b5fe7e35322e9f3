import {
  NDIS_DEVICE_POWER_STATE,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_SUCCESS,
  OID_PNP_SET_POWER,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  type NDIS_STATUS,
  type NdisOidRequest,
} from '@ndis-chimney/types';

import type { EdgeRecord } from './record/edge-record.ts';

/** What a request that has ended says about its edge: what may be offloaded, and how awake the adapter is. */
export function noteOid(edge: EdgeRecord, { oid, requestType, informationBuffer }: NdisOidRequest, status: NDIS_STATUS): void {
  if (status !== NDIS_STATUS_SUCCESS) return;
  const isSet = requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation;
  if (isSet && oid === OID_TCP_CONNECTION_OFFLOAD_PARAMETERS) edge.isCapabilitySet = true;
  else if (!isSet && oid === OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG) edge.isCapabilityQueried = true;
  else if (isSet && oid === OID_PNP_SET_POWER) edge.powerState = typeof informationBuffer === 'number' ? informationBuffer : NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0;
}
