export { conformanceAbilities } from './conformance-abilities.ts';
export type { MemoryTargetAbilities, MemoryTargetAbility } from './conformance-abilities.ts';
export { MemoryPeer } from './memory-peer.ts';
export type { MemoryPeerState, SocketAddress } from './memory-peer.ts';
export { MemoryTarget, createMemoryTarget } from './memory-target.ts';
export type { MemoryPeerMode, MemoryTargetOptions } from './options.ts';
export { memoryTargetPlugin, memoryTargetPlugin as default } from './plugin.ts';
