import { NDIS_STATUS_FAILURE, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, NetBufferList, netBufferListDataLength } from '@ndis-chimney/types';

import { DATA_OPERATIONS, STATE_OPERATIONS, dataCompletionTaps, stateCompletionTaps } from '../completion-taps.ts';
import type { FaultyConnection } from '../connection-book.ts';
import type { FaultScope, Strike } from '../fault-scope.ts';
import type { Fault } from '../fault.ts';
import { linkList, membersOf, takeStruck } from '../net-buffer-lists.ts';
import { BOTH, delayMs, oneOf, strikeNbl, strikeTree, wholeNumber } from './common.ts';

const EVERYTHING = [...DATA_OPERATIONS, ...STATE_OPERATIONS];

/** A1: a completion is held back until the faults are healed. */
const neverCompletes: Fault = {
  id: 'A1',
  title: 'does not complete a request',
  symptom: 'The host waits for ever: writes, disconnects, terminates and everything that waits for them hang.',
  caughtBy: 'CHIM-TRM-007 (by ChimneyHost, when the connection is taken back)',
  edges: BOTH,
  operations: EVERYTHING,
  parameters: {},
  inject: (scope) => ({
    adapter: ({ name }) => ({
      ...dataCompletionTaps((operation, next, list) => {
        const { rest, struck } = takeStruck(list, (nbl) => strikeNbl(scope, operation, nbl, name, 'completion held back'));
        for (const { nbl } of struck) scope.deferrals.hold(() => { next(nbl); });
        if (rest !== null) next(rest);
      }),
      ...stateCompletionTaps((operation, next, tree) => {
        const strike = strikeTree(scope, operation, tree, name, 'completion held back');
        if (strike === null) next(tree);
        else scope.deferrals.hold(() => { next(tree); });
      }),
    }),
  }),
};

/** A2: a completion is made twice. */
const completesTwice: Fault = {
  id: 'A2',
  title: 'completes a request twice',
  symptom: 'A request that is over ends again: lists are corrupted, memory is used after it was freed. At a host: indicated NBLs are returned twice.',
  caughtBy: 'CHIM-NBL-001, CHIM-BLK-008, CHIM-RET-002 (host)',
  edges: ['target', 'intermediate', 'host'],
  operations: [...EVERYTHING, 'TcpOffloadReceiveReturn'],
  parameters: { delayMs: delayMs('How long after the first the second completion comes, in milliseconds.', 0) },
  inject: (scope) => {
    const again = (strike: Strike, complete: () => void): void => {
      if (scope.number('delayMs') === 0) strike.attempt(complete);
      else scope.deferrals.later(scope.number('delayMs'), () => { strike.attempt(complete); });
    };
    const pass = (operation: string, adapter: string, next: (list: NetBufferList) => void, list: NetBufferList): void => {
      const struck = membersOf(list).flatMap((nbl) => {
        const strike = strikeNbl(scope, operation, nbl, adapter, 'completed twice');
        return strike === null ? [] : [{ nbl, strike }];
      });
      next(list);
      for (const { nbl, strike } of struck) again(strike, () => { next(nbl); });
    };
    if (scope.ground.edge === 'host') return { binding: ({ adapterName }) => ({ offloadTcpReceiveReturn: (next, list) => { pass('TcpOffloadReceiveReturn', adapterName, next, list); } }) };
    return {
      adapter: ({ name }) => ({
        ...dataCompletionTaps((operation, next, list) => { pass(operation, name, next, list); }),
        ...stateCompletionTaps((operation, next, tree) => {
          const strike = strikeTree(scope, operation, tree, name, 'completed twice');
          next(tree);
          if (strike !== null) again(strike, () => { next(tree); });
        }),
      }),
    };
  },
};

/** A4: a completion comes long after it should have, perhaps after the terminate of its connection. */
const completesLate: Fault = {
  id: 'A4',
  title: 'completes a request very late',
  symptom: 'A request ends long after the host has given it up, also after its connection was terminated: what it refers to may be gone.',
  caughtBy: 'CHIM-TRM-007 (by ChimneyHost, when the connection is taken back first)',
  edges: BOTH,
  operations: DATA_OPERATIONS,
  parameters: { delayMs: delayMs('How late, in milliseconds.', 30_000) },
  inject: (scope) => ({
    adapter: ({ name }) =>
      dataCompletionTaps((operation, next, list) => {
        const effect = `completion delayed by ${scope.number('delayMs')} ms`;
        const { rest, struck } = takeStruck(list, (nbl) => strikeNbl(scope, operation, nbl, name, effect));
        for (const { nbl, strike } of struck) {
          scope.deferrals.later(scope.number('delayMs'), () => { strike.attempt(() => { next(nbl); }); });
        }
        if (rest !== null) next(rest);
      }),
  }),
};

/** A5: a completion is overtaken by later ones. */
const completesOutOfOrder: Fault = {
  id: 'A5',
  title: 'completes requests out of order',
  symptom: 'A later request ends before an earlier one, also of another connection or kind: who goes by the order frees the wrong thing.',
  caughtBy: '',
  edges: BOTH,
  operations: DATA_OPERATIONS,
  parameters: {
    distance: wholeNumber('How many later completions overtake it.', 1, 1, 1000),
    delayMs: delayMs('After so many milliseconds it goes on although nothing has overtaken it.', 1000),
  },
  inject: (scope) => ({
    adapter: ({ name }) => {
      const overtaken: { left: number; readonly release: () => void }[] = [];
      return dataCompletionTaps((operation, next, list) => {
        const effect = `overtaken by ${scope.number('distance')}`;
        const { rest, struck } = takeStruck(list, (nbl) => (overtaken.length > 0 ? null : strikeNbl(scope, operation, nbl, name, effect)));
        for (const { nbl } of struck) {
          let isOver = false;
          const release = (): void => {
            if (isOver) return;
            isOver = true;
            const at = overtaken.findIndex((one) => one.release === release);
            if (at >= 0) overtaken.splice(at, 1);
            next(nbl);
          };
          overtaken.push({ left: scope.number('distance'), release });
          scope.deferrals.later(Math.max(scope.number('delayMs'), 1), release);
        }
        if (rest === null) return;
        const passing = membersOf(rest).length;
        next(rest);
        for (const one of [...overtaken]) {
          one.left -= passing;
          if (one.left <= 0) one.release();
        }
      });
    },
  }),
};

/** A6: a list of completions is not the list it should be. */
const completesForeign: Fault = {
  id: 'A6',
  title: 'completes a list in part, or with an NBL that is not its own',
  symptom: 'partial: NBLs leak. foreign: NBLs are stolen from their owner.',
  caughtBy: 'CHIM-NBL-001 (foreign)',
  edges: BOTH,
  operations: ['TcpOffloadSend', 'TcpOffloadReceive', 'TcpOffloadForward'],
  parameters: { mode: oneOf('foreign: one NBL too many; partial: only the first NBL of a list of several.', 'foreign', 'partial') },
  inject: (scope) => ({
    adapter: ({ name }) =>
      dataCompletionTaps((operation, next, list) => {
        const members = membersOf(list);
        const isPartial = scope.text('mode') === 'partial';
        if (operation === 'TcpOffloadDisconnect' || (isPartial && members.length < 2)) {
          next(list);
          return;
        }
        const strike = strikeNbl(scope, operation, list, name, isPartial ? `${members.length - 1} of ${members.length} NBLs left out` : 'foreign NBL added');
        if (strike === null) {
          next(list);
        } else if (isPartial) {
          list.next = null;
          const rest = linkList(members.slice(1));
          if (rest !== null) scope.deferrals.hold(() => { next(rest); });
          next(list);
        } else {
          const foreign = new NetBufferList();
          linkList([...members, foreign]);
          // What was refused is the driver's still: it completes its own then.
          if (!strike.attempt(() => { next(list); })) {
            linkList(members);
            next(list);
          }
        }
      }),
  }),
};

/** A7: the status of a send is a lie. */
const liesAboutSends: Fault = {
  id: 'A7',
  title: 'completes a send with the wrong status',
  symptom: 'not-sent: the send succeeds and the peer never gets its bytes. sent: the send fails and the peer has its bytes; whoever sends again, sends twice.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadSend'],
  parameters: { mode: oneOf('not-sent: success without a transmission; sent: failure in spite of one.', 'not-sent', 'sent') },
  inject: (scope) => {
    if (scope.text('mode') === 'sent') {
      return {
        adapter: ({ name }) =>
          dataCompletionTaps((operation, next, list) => {
            for (const nbl of operation === 'TcpOffloadSend' ? membersOf(list) : []) {
              if (nbl.status !== NDIS_STATUS_SUCCESS || strikeNbl(scope, operation, nbl, name, 'sent, but completed with failure') === null) continue;
              nbl.status = NDIS_STATUS_FAILURE;
              nbl.tcpOffloadBytesTransferred = 0;
            }
            next(list);
          }),
      };
    }
    return swallowedSends(scope);
  },
};

/** Sends that never reach the driver succeed, each after the one before it. */
function swallowedSends(scope: FaultScope): ReturnType<Fault['inject']> {
  /** The send of a connection that the driver, or a swallowed send, was given last. */
  const inFlight = new Map<FaultyConnection, Set<NetBufferList>>();
  const behind = new WeakMap<NetBufferList, NetBufferList[]>();
  const flush = (connection: FaultyConnection): NetBufferList[] => {
    const nbls = [...(inFlight.get(connection) ?? [])];
    inFlight.delete(connection);
    return nbls.flatMap((nbl) => {
      const waiting = behind.get(nbl) ?? [];
      behind.delete(nbl);
      return waiting;
    });
  };
  return {
    miniport: {
      miniportTcpOffloadSend: (next, context, offloadContext, list) => {
        const connection = scope.book.ofContext(offloadContext);
        const adapter = scope.adapter(context);
        const members = membersOf(list);
        const { rest, struck } = takeStruck(list, (nbl) => strikeNbl(scope, 'TcpOffloadSend', nbl, adapter.name, 'not sent, but completed with success'));
        const sent = connection === null ? new Set<NetBufferList>() : (inFlight.get(connection) ?? new Set());
        if (connection !== null) inFlight.set(connection, sent);
        for (const { nbl } of struck) {
          nbl.status = NDIS_STATUS_SUCCESS;
          nbl.tcpOffloadBytesTransferred = netBufferListDataLength(nbl);
        }
        const lies = new Set(struck.map(({ nbl }) => nbl));
        const atOnce: NetBufferList[] = [];
        let before = [...sent].at(-1);
        for (const nbl of members) {
          if (!lies.has(nbl)) sent.add((before = nbl));
          else if (before === undefined) atOnce.push(nbl);
          else behind.set(before, [...(behind.get(before) ?? []), nbl]);
        }
        if (atOnce.length > 0) scope.deferrals.later(0, () => { adapter.completeSends(atOnce); });
        return rest === null ? NDIS_STATUS_PENDING : next(context, offloadContext, rest);
      },
    },
    adapter: (adapter) => ({
      tcpOffloadSendComplete: (next, list) => {
        const complete = membersOf(list).flatMap((nbl) => {
          const connection = scope.book.ofNbl(nbl);
          if (connection !== null) inFlight.get(connection)?.delete(nbl);
          const waiting = behind.get(nbl) ?? [];
          behind.delete(nbl);
          return [nbl, ...waiting];
        });
        next(linkList(complete) ?? list);
      },
      terminateOffloadComplete: (next, tree) => {
        const complete = scope.book.connectionsOf(tree).flatMap(({ connection }) => flush(connection));
        adapter.completeSends(complete);
        next(tree);
      },
    }),
  };
}

export const completionFaults: readonly Fault[] = [neverCompletes, completesTwice, completesLate, completesOutOfOrder, completesForeign, liesAboutSends];
