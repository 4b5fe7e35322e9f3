import type { BrokenIntermediate } from './broken-intermediate.ts';
import { brokenChainedData } from './chained-data.ts';
import { brokenData } from './data.ts';
import { brokenIndications } from './indications.ts';
import { brokenLifeCycle } from './life-cycle.ts';
import { brokenOids } from './oids.ts';
import { brokenRegistration } from './registration.ts';
import { brokenShortage } from './shortage.ts';
import { brokenSpread } from './spread.ts';
import { brokenState } from './state.ts';
import { brokenStoppedCalls } from './stopped-calls.ts';
import { brokenUpperEdges } from './upper-edges.ts';

/** All broken intermediate drivers, by area. */
export const brokenIntermediates: readonly BrokenIntermediate[] = [
  ...brokenRegistration,
  ...brokenLifeCycle,
  ...brokenOids,
  ...brokenState,
  ...brokenChainedData,
  ...brokenData,
  ...brokenIndications,
  ...brokenUpperEdges,
  ...brokenSpread,
  ...brokenShortage,
  ...brokenStoppedCalls,
];
