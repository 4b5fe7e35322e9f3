import type { NDIS_STATUS } from './status.ts';
import * as statuses from './status.ts';

/**
 * A status for people: `NDIS_STATUS_UPLOAD_IN_PROGRESS (0xC0231001)`, or `NDIS_STATUS 0x........` where status.ts has
 * no name for it. Takes the signed and the unsigned spelling of a value. For messages and traces, not for hot paths.
 */
export function formatNdisStatus(status: NDIS_STATUS): string {
  const hex = `0x${(status >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
  const named = Object.entries(statuses).find(([, value]) => value === (status | 0));
  return named === undefined ? `NDIS_STATUS ${hex}` : `${named[0]} (${hex})`;
}
