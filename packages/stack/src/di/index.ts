export { CLOCK, DPC_QUEUE, HOST, HOST_OPTIONS, INTERMEDIATES, NDIS, RANDOM, STACK, TARGET, TARGET_OPTIONS, TARGET_PLUGIN, VERIFY } from './tokens.ts';
export { registerHost, registerIntermediates, registerRuntime, registerStack, registerTarget, registerVerifier } from './register.ts';
export type { RuntimeParts } from './register.ts';
