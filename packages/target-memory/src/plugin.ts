import { OFFLOAD_TARGET_API_VERSION, type OffloadTargetPlugin } from '@ndis-chimney/types';

import { createMemoryTarget, type MemoryTarget } from './memory-target.ts';
import { memoryTargetOptionsSchema, type MemoryTargetOptions } from './options.ts';

/** The memory target as a plugin: what `createStack({ target })`, a command's `--target` and the conformance kit load. */
export const memoryTargetPlugin: OffloadTargetPlugin<MemoryTargetOptions, MemoryTarget> = {
  name: 'target-memory',
  apiVersion: OFFLOAD_TARGET_API_VERSION,
  optionsSchema: memoryTargetOptionsSchema,
  create: createMemoryTarget,
};
