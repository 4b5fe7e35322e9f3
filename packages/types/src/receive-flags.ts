/**
 * NDIS_RECEIVE_FLAGS_RESOURCES: the receiver of an ordinary receive indication may use the NBLs during the call only.
 * Source: `nf-ndis-ndismindicatereceivenetbufferlists.md`.
 */
export const NDIS_RECEIVE_FLAGS_RESOURCES = 0x2;
