/**
 * Power state of a device: the buffer of `OID_PNP_SET_POWER` and `OID_PNP_QUERY_POWER`. Before a state other than D0
 * the host terminates every offloaded connection. Source: `power-management-for-offload-targets.md`, ntddndis.h.
 */
export const NDIS_DEVICE_POWER_STATE = {
  NdisDeviceStateUnspecified: 0,
  /** Working. */
  NdisDeviceStateD0: 1,
  NdisDeviceStateD1: 2,
  NdisDeviceStateD2: 3,
  /** Deepest sleep. */
  NdisDeviceStateD3: 4,
  /** End marker. */
  NdisDeviceStateMaximum: 5,
} as const;
/** A value of {@link NDIS_DEVICE_POWER_STATE}. */
export type NDIS_DEVICE_POWER_STATE = (typeof NDIS_DEVICE_POWER_STATE)[keyof typeof NDIS_DEVICE_POWER_STATE];
