import { TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON } from '@ndis-chimney/types';

import { sinkSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';

const { TcpIndicateAbort, TcpIndicateRetrieve, TcpIndicateSendBacklogChange } = TCP_OFFLOAD_EVENT_TYPE;

/** Sink targets that tell events in another way, or not at all. */
function telling(does: string, fails: string, says: RegExp, change: (eventType: number, information: number) => readonly (readonly [eventType: number, information: number])[]): Broken {
  return {
    does,
    fails,
    says,
    subject: sinkSubject,
    taps: () => ({
      tcpOffloadEventHandler: (next, handle, eventType, information) => {
        for (const told of change(eventType, information)) next(handle, ...told);
      },
    }),
  };
}

export const brokenEventsUnasked: readonly Broken[] = [
  telling('calls broken hardware a state that is invalid', 'target-events-hardware-alarm', /the reason of the upload that is asked for/, (eventType, information) => [
    [eventType, eventType === TcpIndicateRetrieve ? TCP_UPLOAD_REASON.InvalidState : information],
  ]),
  telling('does not tell the abort of a connection whose hardware is broken', 'target-events-hardware-alarm', /the events of a hardware failure that the target has found did not come/, (eventType, information) =>
    eventType === TcpIndicateAbort ? [] : [[eventType, information]],
  ),
  telling('tells of every change of the send backlog twice', 'target-events-backlog-change', /send backlogs that were told when it was 10000 bytes/, (eventType, information) => [
    [eventType, information],
    ...(eventType === TcpIndicateSendBacklogChange ? [[eventType, information] as const] : []),
  ]),
  telling('rounds the send backlog', 'target-events-backlog-change', /send backlogs that were told/, (eventType, information) => [
    [eventType, eventType === TcpIndicateSendBacklogChange ? information & ~0xFFF : information],
  ]),
];
