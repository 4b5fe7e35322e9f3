export { createStack, intermediateFactories, targetEnvironment } from './create-stack.ts';
export type { IntermediateFactory, StackOptions, StackOptionsWithMemoryTarget, StackOptionsWithTarget } from './create-stack.ts';
export { Stack, composeStack } from './stack.ts';
export type { IntermediateDriver, StackParts } from './stack.ts';
export { createTarget, requireTargetPlugin } from '@ndis-chimney/offload-target';
