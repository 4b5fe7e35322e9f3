import { blocksScenarios } from './blocks.ts';
import { capabilitiesScenarios } from './capabilities.ts';
import { disconnectScenarios } from './disconnect.ts';
import { eventsScenarios } from './events.ts';
import { forwardScenarios } from './forward.ts';
import { initiateScenarios } from './initiate.ts';
import { intermediateScenarios } from './intermediate.ts';
import { invalidateScenarios } from './invalidate.ts';
import { lifeCycleScenarios } from './life-cycle.ts';
import { netBufferListsScenarios } from './net-buffer-lists.ts';
import { powerScenarios } from './power.ts';
import { queryScenarios } from './query.ts';
import { receiveIndicationScenarios } from './receive-indication.ts';
import { receiveReturnScenarios } from './receive-return.ts';
import { receiveScenarios } from './receive.ts';
import { sendScenarios } from './send.ts';
import { stateScenarios } from './state.ts';
import { terminateScenarios } from './terminate.ts';
import { timersScenarios } from './timers.ts';
import { timestampsScenarios } from './timestamps.ts';
import { updateScenarios } from './update.ts';
import { vlanScenarios } from './vlan.ts';
import type { Scenario } from './scenario.ts';

/** All scenarios, by rule group. */
export const scenarios: readonly Scenario[] = [
  ...initiateScenarios,
  ...queryScenarios,
  ...updateScenarios,
  ...invalidateScenarios,
  ...terminateScenarios,
  ...sendScenarios,
  ...receiveScenarios,
  ...receiveIndicationScenarios,
  ...receiveReturnScenarios,
  ...forwardScenarios,
  ...disconnectScenarios,
  ...eventsScenarios,
  ...intermediateScenarios,
  ...netBufferListsScenarios,
  ...blocksScenarios,
  ...timersScenarios,
  ...timestampsScenarios,
  ...stateScenarios,
  ...vlanScenarios,
  ...capabilitiesScenarios,
  ...powerScenarios,
  ...lifeCycleScenarios,
];
