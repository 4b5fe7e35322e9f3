export { DeterministicRuntime, ManualClock } from '@ndis-chimney/core/runtime';

export { CallLog, type ProbeCall, type ProbeHook } from './call-log.ts';
export { bytesOf, createInPieces, createList, link, membersOf, textOf, textsOf, type Content, type Pieces } from './lists.ts';
export { present } from './present.ts';
export { ProbeBinding, ProbeHost, type ProbeHostOptions } from './probe-host.ts';
export {
  ProbeContext,
  ProbeTarget,
  type CompleteOneOptions,
  type CompleteTreeOptions,
  type IndicationAnswer,
  type PendingTree,
  type ProbeOperation,
  type ProbeRequest,
  type ProbeTargetOptions,
} from './probe-target.ts';
export { START_SEQ, neighborState, pathState, tcpState } from './states.ts';
export { blocksOf, neighborBlock, newTree, pathBlock, referenceBlock, siblings, tcpBlock, under, type ProbeTree, type TreeShape } from './trees.ts';
