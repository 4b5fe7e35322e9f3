import { initiateCases } from './initiate.ts';
import { initiateDataCases } from './initiate-data.ts';
import { initiateLimitsCases } from './initiate-limits.ts';
import { queryCases } from './query.ts';
import { updateCases } from './update.ts';
import { updateResumeCases } from './update-resume.ts';
import { invalidateCases } from './invalidate.ts';
import { terminateCases } from './terminate.ts';
import { terminateReceiveCases } from './terminate-receives.ts';
import { terminateSendCases } from './terminate-sends.ts';
import { uploadAllCases } from './upload-all.ts';
import { sendCases } from './send.ts';
import { sendInheritedCases } from './send-inherited.ts';
import { receiveCases } from './receive.ts';
import { receiveEndingsCases } from './receive-endings.ts';
import { receiveIndicationCases } from './receive-indication.ts';
import { receiveStreamCases } from './receive-stream.ts';
import { receiveReturnCases } from './receive-return.ts';
import { forwardCases } from './forward.ts';
import { reassemblyCases } from './reassembly.ts';
import { disconnectCases } from './disconnect.ts';
import { disconnectAbortiveCases } from './disconnect-abortive.ts';
import { eventsCases } from './events.ts';
import { eventsNeighborCases } from './events-neighbor.ts';
import { eventsUploadCases } from './events-upload.ts';
import { netBufferListsCases } from './net-buffer-lists.ts';
import { blocksCases } from './blocks.ts';
import { timersCases } from './timers.ts';
import { timestampsCases } from './timestamps.ts';
import { stateCases } from './state.ts';
import { vlanCases } from './vlan.ts';
import { capabilitiesCases } from './capabilities.ts';
import { statisticsCases } from './statistics.ts';
import { addressFamiliesCases } from './address-families.ts';
import { powerCases } from './power.ts';
import { stateStructuresCases } from './state-structures.ts';
import { eventsUnaskedCases } from './events-unasked.ts';
import { longLifeCases } from './long-life.ts';
import type { TargetCase } from './target-case.ts';

/** All cases for offload targets, by rule group. */
export const targetCases: readonly TargetCase[] = [
  ...initiateCases,
  ...initiateDataCases,
  ...initiateLimitsCases,
  ...queryCases,
  ...updateCases,
  ...updateResumeCases,
  ...invalidateCases,
  ...terminateCases,
  ...terminateSendCases,
  ...terminateReceiveCases,
  ...uploadAllCases,
  ...sendCases,
  ...sendInheritedCases,
  ...receiveCases,
  ...receiveEndingsCases,
  ...receiveIndicationCases,
  ...receiveStreamCases,
  ...receiveReturnCases,
  ...forwardCases,
  ...reassemblyCases,
  ...disconnectCases,
  ...disconnectAbortiveCases,
  ...eventsCases,
  ...eventsUploadCases,
  ...eventsNeighborCases,
  ...netBufferListsCases,
  ...blocksCases,
  ...timersCases,
  ...timestampsCases,
  ...stateCases,
  ...vlanCases,
  ...capabilitiesCases,
  ...statisticsCases,
  ...addressFamiliesCases,
  ...powerCases,
  ...stateStructuresCases,
  ...eventsUnaskedCases,
  ...longLifeCases,
];
