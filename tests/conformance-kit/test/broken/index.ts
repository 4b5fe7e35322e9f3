import type { Broken } from './broken-target.ts';
import { brokenInitiate } from './initiate.ts';
import { brokenQuery } from './query.ts';
import { brokenUpdate } from './update.ts';
import { brokenUpdateResume } from './update-resume.ts';
import { brokenInvalidate } from './invalidate.ts';
import { brokenTerminate } from './terminate.ts';
import { brokenTerminateReceives } from './terminate-receives.ts';
import { brokenTerminateSends } from './terminate-sends.ts';
import { brokenUploadAll } from './upload-all.ts';
import { brokenSend } from './send.ts';
import { brokenReceive } from './receive.ts';
import { brokenReceiveIndication } from './receive-indication.ts';
import { brokenReceiveReturn } from './receive-return.ts';
import { brokenForward } from './forward.ts';
import { brokenReassembly } from './reassembly.ts';
import { brokenDisconnect } from './disconnect.ts';
import { brokenEvents } from './events.ts';
import { brokenEventsNeighbor } from './events-neighbor.ts';
import { brokenEventsUnasked } from './events-unasked.ts';
import { brokenStateStructures } from './state-structures.ts';
import { brokenLongLife } from './long-life.ts';
import { brokenNetBufferLists } from './net-buffer-lists.ts';
import { brokenBlocks } from './blocks.ts';
import { brokenTimers } from './timers.ts';
import { brokenTimestamps } from './timestamps.ts';
import { brokenState } from './state.ts';
import { brokenVlan } from './vlan.ts';
import { brokenCapabilities } from './capabilities.ts';
import { brokenStatistics } from './statistics.ts';
import { brokenAddressFamilies } from './address-families.ts';
import { brokenPower } from './power.ts';

/** All broken targets, by rule group. */
export const brokenTargets: readonly Broken[] = [
  ...brokenInitiate,
  ...brokenQuery,
  ...brokenUpdate,
  ...brokenUpdateResume,
  ...brokenInvalidate,
  ...brokenTerminate,
  ...brokenTerminateSends,
  ...brokenTerminateReceives,
  ...brokenUploadAll,
  ...brokenSend,
  ...brokenReceive,
  ...brokenReceiveIndication,
  ...brokenReceiveReturn,
  ...brokenForward,
  ...brokenReassembly,
  ...brokenDisconnect,
  ...brokenEvents,
  ...brokenEventsNeighbor,
  ...brokenNetBufferLists,
  ...brokenBlocks,
  ...brokenTimers,
  ...brokenTimestamps,
  ...brokenState,
  ...brokenVlan,
  ...brokenCapabilities,
  ...brokenStatistics,
  ...brokenAddressFamilies,
  ...brokenPower,
  ...brokenStateStructures,
  ...brokenEventsUnasked,
  ...brokenLongLife,
];
