export { CallLog, type ProbeCall, type ProbeHook } from './call-log.ts';
export { bytesOf, createList, link, membersOf, textOf, textsOf, type Content } from './lists.ts';
export { MuxStack, createMuxStack, type MuxStackOptions } from './mux-stack.ts';
export { present } from './present.ts';
export { ProbeBinding, ProbeHost, type ProbeHostOptions } from './probe-host.ts';
export { ProbeStack, createProbeStack, type ProbeStackOptions } from './probe-stack.ts';
export {
  ProbeContext,
  ProbeTarget,
  type CompleteTreeOptions,
  type IndicationAnswer,
  type PendingTree,
  type ProbeOperation,
  type ProbeTargetOptions,
} from './probe-target.ts';
export { STACK_SHAPES } from './shapes.ts';
export { Snapshots, type SnapshotSubjects } from './snapshot.ts';
export { START_SEQ, neighborState, pathState, tcpState } from './states.ts';
export { terminateAllOf } from './take-down.ts';
export { blocksOf, neighborBlock, newTree, pathBlock, siblings, tcpBlock, under, type ProbeTree, type TreeShape } from './trees.ts';
