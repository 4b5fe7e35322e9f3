import { NDIS_STATUS_OFFLOAD_VLAN_ENTRIES, NDIS_STATUS_OFFLOAD_VLAN_MISMATCH, NDIS_STATUS_SUCCESS, type NDIS_STATUS } from '@ndis-chimney/types';

/**
 * Whether a neighbor may be offloaded, as far as its VLAN goes.
 * @param interfaceVlanIds VLANs the interface is configured with; 0, or none, stands for all.
 * @param vlanId `VlanId` of the neighbor. @param hasEntry false when the target cannot track another VLAN.
 * @returns NDIS_STATUS_SUCCESS, NDIS_STATUS_OFFLOAD_VLAN_ENTRIES or NDIS_STATUS_OFFLOAD_VLAN_MISMATCH.
 *
 * Source: `determining-whether-to-fail-an-offload-request-because-of-802-1q-infor.md`.
 */
export function vlanAdmission(interfaceVlanIds: readonly number[], vlanId: number, hasEntry: boolean): NDIS_STATUS {
  if (vlanId === 0) return NDIS_STATUS_SUCCESS;
  if (!hasEntry) return NDIS_STATUS_OFFLOAD_VLAN_ENTRIES;
  const isRestricted = interfaceVlanIds.length > 0 && !interfaceVlanIds.includes(0);
  return isRestricted && !interfaceVlanIds.includes(vlanId) ? NDIS_STATUS_OFFLOAD_VLAN_MISMATCH : NDIS_STATUS_SUCCESS;
}

/**
 * The 802.1Q tag (TCI) of the frames of a connection: priority in the upper 3 bits, CFI 0, VLAN in the lower 12.
 * @param userPriority `UserPriority` of the connection; 0 for a target without 802.1p.
 * @returns null when the frames carry no tag.
 *
 * Source: `sending-802-1q-marked-and-802-1p-marked-packets-on-an-offloaded-tcp-co.md`.
 */
export function vlanTag(vlanId: number, userPriority: number): number | null {
  return vlanId === 0 && userPriority === 0 ? null : ((userPriority & 0x7) << 13) | (vlanId & 0xFFF);
}

/**
 * Whether a frame that arrived is taken for a connection.
 * @param tag the frame's tag (TCI), null when it has none.
 *
 * Source: `receiving-802-1q-marked-and-802-1p-marked-packets-on-an-offloaded-tcp-.md`.
 */
export function acceptsVlanTag(vlanId: number, tag: number | null): boolean {
  return vlanId === 0 || (tag !== null && (tag & 0xFFF) === vlanId);
}
