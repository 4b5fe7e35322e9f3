import { NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_OFFLOAD_RESUME, TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON, type NeighborOffloadState, type OffloadHandle } from '@ndis-chimney/types';

import type { FaultScope, Strike } from '../fault-scope.ts';
import type { Fault } from '../fault.ts';
import type { FaultyAdapter } from '../faulty-adapter.ts';
import { BOTH, oneOf, wholeNumber } from './common.ts';

const { TcpIndicateAbort, TcpIndicateDisconnect, TcpIndicateRetrieve, TcpIndicateSendBacklogChange } = TCP_OFFLOAD_EVENT_TYPE;

function strikeEvent(scope: FaultScope, { name }: FaultyAdapter, handle: OffloadHandle, effect: string, operation = 'TcpOffloadEvent'): Strike | null {
  return scope.strike({ operation, connection: scope.book.ofHandle(handle), adapter: name, subject: handle }, effect);
}

/** B13: a pause is not heard, or a resume is not sent. */
const pauseOrResumeIsLost: Fault = {
  id: 'B13',
  title: 'does not send a resume, or does not hear a pause',
  symptom: 'At a target: after a pause nothing is ever offloaded again. At a host or above an intermediate driver: connections are offered to a target that takes none, one failure after the other.',
  caughtBy: '',
  edges: ['target', 'intermediate', 'host'],
  operations: ['IndicateStatus'],
  parameters: {},
  inject: (scope) => {
    const { edge } = scope.ground;
    const operation = 'IndicateStatus';
    return {
      ...(edge === 'target' && {
        adapter: ({ name }) => ({
          indicateStatusEx: (next, indication) => {
            if (indication.statusCode !== NDIS_STATUS_OFFLOAD_RESUME || scope.strike({ operation, connection: null, adapter: name, subject: indication }, 'NDIS_STATUS_OFFLOAD_RESUME not indicated') === null) next(indication);
          },
        }),
      }),
      ...(edge !== 'target' && {
        protocol: {
          protocolStatusEx: (next, context, indication) => {
            const source = indication.sourceHandle as { readonly name?: string } | null;
            if (indication.statusCode !== NDIS_STATUS_OFFLOAD_PAUSE || scope.strike({ operation, connection: null, adapter: source?.name ?? null, subject: indication }, 'NDIS_STATUS_OFFLOAD_PAUSE not heard') === null) next(context, indication);
          },
        },
      }),
    };
  },
};

/** C7: the end of the peer's stream is reported wrongly. */
const endIsWrong: Fault = {
  id: 'C7',
  title: 'reports a FIN or RST not at all, twice, or before the last data',
  symptom: 'lost: half closed for ever. twice: the end is handled twice. early: the stream is cut short.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadEvent', 'TcpOffloadReceiveIndicate'],
  parameters: { mode: oneOf('lost; twice; early: the FIN comes before data that is indicated.', 'lost', 'twice', 'early') },
  inject: (scope) => {
    const mode = scope.text('mode');
    const ended = new WeakSet<OffloadHandle>();
    return {
      adapter: (adapter) => ({
        tcpOffloadEventHandler: (next, handle, eventType, information) => {
          const isEnd = eventType === TcpIndicateDisconnect || eventType === TcpIndicateAbort;
          if (eventType === TcpIndicateDisconnect && ended.delete(handle)) return;
          const strike = isEnd && mode !== 'early' ? strikeEvent(scope, adapter, handle, mode === 'lost' ? 'end not indicated' : 'end indicated twice') : null;
          if (strike === null || mode === 'twice') next(handle, eventType, information);
          if (strike !== null && mode === 'twice') strike.attempt(() => { next(handle, eventType, information); });
        },
        tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
          if (mode === 'early' && !ended.has(handle) && strikeEvent(scope, adapter, handle, 'FIN indicated before data', 'TcpOffloadReceiveIndicate') !== null) {
            adapter.events?.tcpOffloadEventHandler(handle, TcpIndicateDisconnect, 0);
            ended.add(handle);
          }
          return next(handle, nbl, status, bytesConsumed);
        },
      }),
    };
  },
};

/** C8: what must be uploaded is not. */
const doesNotAskForUpload: Fault = {
  id: 'C8',
  title: 'does not ask for an upload that it needs',
  symptom: 'Urgent data, fragments or a timer that ran out leave the connection with a target that has stopped processing it: it stalls.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadEvent'],
  parameters: {},
  inject: (scope) => ({
    adapter: (adapter) => ({
      tcpOffloadEventHandler: (next, handle, eventType, information) => {
        const isNeeded = eventType === TcpIndicateRetrieve && information !== TCP_UPLOAD_REASON.LowActivity;
        if (!isNeeded || strikeEvent(scope, adapter, handle, `upload not requested, reason ${information}`) === null) next(handle, eventType, information);
      },
    }),
  }),
};

/** C9: the send backlog is wrong. */
const backlogIsWrong: Fault = {
  id: 'C9',
  title: 'reports a wrong send backlog',
  symptom: 'Small: the sender does not keep the connection busy. Large: it floods the target.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadEvent'],
  parameters: { bytes: wholeNumber('The backlog that is reported.', 0, 0, 0xFFFF_FFFF) },
  inject: (scope) => ({
    adapter: (adapter) => ({
      tcpOffloadEventHandler: (next, handle, eventType, information) => {
        const isBacklog = eventType === TcpIndicateSendBacklogChange;
        const bytes = scope.number('bytes');
        next(handle, eventType, isBacklog && strikeEvent(scope, adapter, handle, `backlog ${bytes} in place of ${information}`) !== null ? bytes : information);
      },
    }),
  }),
};

/** E1: the host vouches for a neighbor it knows nothing of. */
const staleNeighborAnswer: Fault = {
  id: 'E1',
  title: 'vouches for a neighbor that it has not heard of for long',
  symptom: 'The target goes on sending to a neighbor that is gone, and never learns its new address.',
  caughtBy: '',
  edges: ['host'],
  operations: ['IndicateOffloadEvent'],
  parameters: { ticks: wholeNumber('What the host answers: its last proof, in ticks ago.', 1, 1, 0x7FFF_FFFF) },
  inject: (scope) => ({
    protocol: {
      protocolIndicateOffloadEvent: (next, context, block, indicationCode) => {
        next(context, block, indicationCode);
        const cached = (block.state as NeighborOffloadState | null)?.cached ?? null;
        const adapter = block.offloadHandle?.binding.adapterName ?? null;
        if (cached === null || scope.strike({ operation: 'IndicateOffloadEvent', connection: null, adapter, subject: block }, `neighbor confirmed, ${scope.number('ticks')} ticks ago`) === null) return;
        cached.hostReachabilityDelta = scope.number('ticks');
      },
    },
  }),
};

export const indicationFaults: readonly Fault[] = [pauseOrResumeIsLost, endIsWrong, doesNotAskForUpload, backlogIsWrong, staleNeighborAnswer];
