export { DeterministicRuntime } from './deterministic-runtime.ts';
export { ManualClock } from './manual-clock.ts';
export { MicrotaskDpcQueue } from './microtask-dpc-queue.ts';
export { SeededDpcQueue } from './seeded-dpc-queue.ts';
export { SeededRandom } from './seeded-random.ts';
export { SystemClock } from './system-clock.ts';
