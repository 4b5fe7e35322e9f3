import type { NetBufferList, TcpOffloadState, TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { FaultyConnection } from '../connection-book.ts';
import type { Held } from '../deferrals.ts';
import type { FaultScope } from '../fault-scope.ts';
import type { Fault, FaultTaps } from '../fault.ts';
import { membersOf } from '../net-buffer-lists.ts';
import { BOTH, dropOrdinary, oneOf, wholeNumber } from './common.ts';

const OPERATIONS = ['TerminateOffload'] as const;

/** Strikes at what a connection comes back with. @param change does what `effect` says; it may give indicated data back to the driver. */
function atHandBack(
  scope: FaultScope,
  effect: string,
  isThere: (delegated: TcpOffloadStateDelegated) => boolean,
  change: (delegated: TcpOffloadStateDelegated, giveBack: (list: NetBufferList) => void) => void,
): FaultTaps {
  return {
    adapter: (adapter) => ({
      terminateOffloadComplete: (next, tree) => {
        for (const { block, connection } of scope.book.connectionsOf(tree)) {
          const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
          if (delegated === null || !isThere(delegated) || scope.strike({ operation: 'TerminateOffload', connection, adapter: adapter.name, subject: block }, effect) === null) continue;
          change(delegated, (list) => {
            scope.deferrals.later(0, () => { adapter.returnToDriver(list); });
          });
        }
        next(tree);
      },
    }),
  };
}

/** B5: received data is lost on the way back. */
const losesBufferedData: Fault = {
  id: 'B5',
  title: 'loses received data when a connection is taken back',
  symptom: 'Bytes are missing from the stream: they were acknowledged, so the peer does not send them again.',
  caughtBy: '',
  edges: ['target'],
  operations: OPERATIONS,
  parameters: { bytes: wholeNumber('How many bytes are lost, from the end; 0: all of them.', 0, 0, 0x7FFF_FFFF) },
  inject: (scope) =>
    atHandBack(
      scope,
      'BufferedData lost',
      ({ bufferedData }) => bufferedData !== null,
      (delegated, giveBack) => {
        const { bufferedData } = delegated;
        const last = membersOf(bufferedData).at(-1)?.firstNetBuffer ?? null;
        if (scope.number('bytes') > 0 && last !== null) {
          last.dataLength -= Math.min(scope.number('bytes'), last.dataLength);
        } else if (bufferedData !== null) {
          delegated.bufferedData = null;
          giveBack(bufferedData);
        }
      },
    ),
};

/** B6: segments that arrive during a terminate do not get to the host. */
const keepsSegments: Fault = {
  id: 'B6',
  title: 'does not pass up the segments that arrive during a terminate',
  symptom: 'Segments are gone that the host should have processed: the peer has to send them again.',
  caughtBy: '',
  edges: ['target'],
  operations: ['ReceiveNetBufferLists'],
  parameters: {},
  inject: (scope) => {
    const terminating = new Map<string, number>();
    const count = (adapter: string, change: number): void => {
      terminating.set(adapter, (terminating.get(adapter) ?? 0) + change);
    };
    return {
      miniport: {
        miniportTerminateOffload: (next, context, tree) => {
          count(scope.adapter(context).name, 1);
          next(context, tree);
        },
      },
      adapter: (adapter) => ({
        terminateOffloadComplete: (next, tree) => {
          next(tree);
          count(adapter.name, -1);
        },
        indicateReceiveNetBufferLists: (next, list, portNumber, numberOfNetBufferLists, receiveFlags) => {
          const isMeant = (terminating.get(adapter.name) ?? 0) > 0;
          if (!isMeant || scope.strike({ operation: 'ReceiveNetBufferLists', connection: null, adapter: adapter.name, subject: list }, `${numberOfNetBufferLists} packets kept during a terminate`) === null) {
            next(list, portNumber, numberOfNetBufferLists, receiveFlags);
          } else {
            dropOrdinary(scope, adapter, list, receiveFlags);
          }
        },
      }),
    };
  },
};

/** B9: a disconnect outlives its connection. */
const disconnectsAfterTerminate: Fault = {
  id: 'B9',
  title: 'completes a disconnect after the terminate of its connection',
  symptom: 'The disconnect ends when its connection is gone: memory is freed twice, the FIN may be sent twice or never.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadDisconnect'],
  parameters: {},
  inject: (scope) => {
    const held = new Map<FaultyConnection, Held>();
    return {
      adapter: ({ name }) => ({
        tcpOffloadDisconnectComplete: (next, nbl) => {
          const connection = scope.book.ofNbl(nbl);
          const strike = connection === null ? null : scope.strike({ operation: 'TcpOffloadDisconnect', connection, adapter: name, subject: nbl }, 'completion held back until after the terminate');
          if (connection === null || strike === null) next(nbl);
          else held.set(connection, scope.deferrals.hold(() => { strike.attempt(() => { next(nbl); }); }));
        },
        terminateOffloadComplete: (next, tree) => {
          const connections = scope.book.connectionsOf(tree);
          next(tree);
          for (const { connection } of connections) {
            held.get(connection)?.release();
            held.delete(connection);
          }
        },
      }),
    };
  },
};

const VARIABLES = ['rcvNxt', 'sndUna', 'sndNxt', 'sndMax', 'sndWnd', 'rcvWnd', 'cWnd', 'ssThresh'] as const;

/** B12: state is off by some when it is handed back. */
const stateIsOff: Fault = {
  id: 'B12',
  title: 'hands a connection back with a variable that is off',
  symptom: 'After the upload the connection is reset, or stalls: host and peer disagree about sequence numbers or windows.',
  caughtBy: '',
  edges: ['target'],
  operations: OPERATIONS,
  parameters: { variable: oneOf('Which delegated variable.', ...VARIABLES), by: wholeNumber('By how much it is off.', 1, -0x8000_0000, 0x7FFF_FFFF) },
  inject: (scope) => {
    const variable = scope.text('variable') as (typeof VARIABLES)[number];
    const by = scope.number('by');
    return atHandBack(scope, `${variable} off by ${by}`, () => true, (delegated) => {
      // Sequence numbers and windows alike are 32 bits.
      delegated[variable] = (delegated[variable] + by) | 0;
    });
  },
};

/** D9: the timestamp clock runs backwards across the hand-over. */
const timestampsRunBackwards: Fault = {
  id: 'D9',
  title: 'hands a connection back with a timestamp clock that is behind',
  symptom: 'The host sends timestamps older than the target\'s: the peer drops its segments as old duplicates (PAWS).',
  caughtBy: '',
  edges: ['target'],
  operations: OPERATIONS,
  parameters: { ticks: wholeNumber('By how many ticks it is behind.', 10_000, 1, 0x7FFF_FFFF) },
  inject: (scope) =>
    atHandBack(scope, `TsTime ${scope.number('ticks')} ticks behind`, () => true, (delegated) => {
      delegated.tsTime = (delegated.tsTime - scope.number('ticks')) | 0;
    }),
};

export const handBackFaults: readonly Fault[] = [losesBufferedData, keepsSegments, disconnectsAfterTerminate, stateIsOff, timestampsRunBackwards];
