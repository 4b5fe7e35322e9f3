import { blocksRules } from './blocks.ts';
import { capabilitiesRules } from './capabilities.ts';
import { disconnectRules } from './disconnect.ts';
import { eventsRules } from './events.ts';
import { forwardRules } from './forward.ts';
import { initiateRules } from './initiate.ts';
import { intermediateRules } from './intermediate.ts';
import { invalidateRules } from './invalidate.ts';
import { lifeCycleRules } from './life-cycle.ts';
import { netBufferListsRules } from './net-buffer-lists.ts';
import { powerRules } from './power.ts';
import { queryRules } from './query.ts';
import { receiveIndicationRules } from './receive-indication.ts';
import { receiveReturnRules } from './receive-return.ts';
import { receiveRules } from './receive.ts';
import { sendRules } from './send.ts';
import { stateRules } from './state.ts';
import { terminateRules } from './terminate.ts';
import { timersRules } from './timers.ts';
import { timestampsRules } from './timestamps.ts';
import { updateRules } from './update.ts';
import { vlanRules } from './vlan.ts';
import type { Rule } from '../rule.ts';

/** Every rule of the chimney, decided or not, by group. */
export const RULES: readonly Rule[] = [
  ...initiateRules,
  ...queryRules,
  ...updateRules,
  ...invalidateRules,
  ...terminateRules,
  ...sendRules,
  ...receiveRules,
  ...receiveIndicationRules,
  ...receiveReturnRules,
  ...forwardRules,
  ...disconnectRules,
  ...eventsRules,
  ...intermediateRules,
  ...netBufferListsRules,
  ...blocksRules,
  ...timersRules,
  ...timestampsRules,
  ...stateRules,
  ...vlanRules,
  ...capabilitiesRules,
  ...powerRules,
  ...lifeCycleRules,
];
