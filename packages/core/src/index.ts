export { Ndis } from './ndis.ts';
export type { AddAdapterResult, NdisOptions, PoolUsage, ViolationListener } from './ndis.ts';
export type { ObserverRank } from './observer-list.ts';
export { NDIS_RECEIVE_FLAGS_RESOURCES } from './non-offload-path.ts';
export { RULES } from './rules.ts';
export type { CoreRule } from './rules.ts';
