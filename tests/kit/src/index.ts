export * from '@ndis-chimney/conformance/probes';

export { MuxStack, createMuxStack, type MuxStackOptions } from './mux-stack.ts';
export { ProbeStack, createProbeStack, type ProbeStackOptions } from './probe-stack.ts';
export { STACK_SHAPES } from './shapes.ts';
export { Snapshots, type SnapshotSubjects } from './snapshot.ts';
export { terminateAllOf } from './take-down.ts';
