import {
  NDIS_STATUS_SUCCESS,
  TCP_FLAG_KEEP_ALIVE_ENABLED,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type OffloadHandle,
  type OffloadLayer,
  type TcpOffloadState,
  type TcpOffloadStateCached,
} from '@ndis-chimney/types';

import { stateEntryTaps, type StateOperation } from '../completion-taps.ts';
import { blocksOf } from '../connection-book.ts';
import type { FaultScope } from '../fault-scope.ts';
import type { Fault, FaultTaps } from '../fault.ts';
import { BOTH, oneOf, strikeTree } from './common.ts';

/** A state operation succeeds and the driver never hears of it. */
function unheard(scope: FaultScope, operation: StateOperation, effect: string, isMeant: (tree: MiniportOffloadBlockList) => boolean = () => true): FaultTaps {
  return {
    miniport: stateEntryTaps((called, next, tree, context) => {
      const adapter = scope.adapter(context);
      const strike = called === operation && isMeant(tree) ? strikeTree(scope, operation, tree, adapter.name, effect) : null;
      if (strike === null) next(tree);
      else scope.deferrals.later(0, () => { adapter.completeTree(operation, tree, NDIS_STATUS_SUCCESS); });
    }),
  };
}

function hasLayer(layer: OffloadLayer): (tree: MiniportOffloadBlockList) => boolean {
  return (tree) => blocksOf(tree).some(({ header }) => offloadLayerOf(header.type) === layer);
}

/** B10: an invalidate changes nothing. */
const goesOnWhenInvalid: Fault = {
  id: 'B10',
  title: 'goes on sending on objects that were invalidated',
  symptom: 'What was in flight, and what is retransmitted, leaves by a route or to a MAC address that does not hold any more.',
  caughtBy: '',
  edges: BOTH,
  operations: ['InvalidateOffload'],
  parameters: {},
  inject: (scope) => unheard(scope, 'InvalidateOffload', 'succeeded, but the driver was not told'),
};

interface CachedState {
  copyFrom(from: CachedState): CachedState;
}

/** B11: cached state is not what the host last said. */
const keepsOldCachedState: Fault = {
  id: 'B11',
  title: 'keeps old cached state',
  symptom: 'update: the new TTL, MSS or flags never take effect. query: the host is told what held at the initiate, and offers that again.',
  caughtBy: '',
  edges: BOTH,
  operations: ['UpdateOffload', 'QueryOffload'],
  parameters: { mode: oneOf('update: updates succeed without effect; query: queries answer with the cached state of the initiate.', 'update', 'query') },
  inject: (scope) => (scope.text('mode') === 'update' ? unheard(scope, 'UpdateOffload', 'succeeded, but the driver was not told') : staleAnswers(scope)),
};

function staleAnswers(scope: FaultScope): FaultTaps {
  const offered = new WeakMap<OffloadHandle, CachedState>();
  return {
    miniport: {
      miniportInitiateOffload: (next, context, tree) => {
        for (const { ndisOffloadHandle, state } of blocksOf(tree)) {
          const cached = (state?.cached ?? null) as CachedState | null;
          if (ndisOffloadHandle === null || cached === null) continue;
          const Kind = cached.constructor as new () => CachedState;
          offered.set(ndisOffloadHandle, new Kind().copyFrom(cached));
        }
        next(context, tree);
      },
    },
    adapter: ({ name }) => ({
      queryOffloadStateComplete: (next, tree) => {
        const stale = blocksOf(tree).flatMap(({ ndisOffloadHandle, state }) => {
          const from = ndisOffloadHandle === null ? undefined : offered.get(ndisOffloadHandle);
          const cached = (state?.cached ?? null) as CachedState | null;
          return from === undefined || cached === null ? [] : [{ cached, from }];
        });
        if (stale.length > 0 && strikeTree(scope, 'QueryOffload', tree, name, 'answered with the cached state of the initiate') !== null) {
          for (const { cached, from } of stale) cached.copyFrom(from);
        }
        next(tree);
      },
    }),
  };
}

interface Flagged {
  readonly cached: TcpOffloadStateCached;
  readonly flags: number;
}

/** C4: keepalive is never on. */
const ignoresKeepAlive: Fault = {
  id: 'C4',
  title: 'ignores that keepalive is on',
  symptom: 'Connections whose peer is gone stay for ever: no probe is sent, and the table of connections grows.',
  caughtBy: '',
  edges: BOTH,
  operations: ['InitiateOffload', 'UpdateOffload'],
  parameters: {},
  inject: (scope) => {
    const changed = new WeakMap<MiniportOffloadBlockList, Flagged[]>();
    /** The driver reads the flags while it has the tree; then they are the host's again. */
    const restore = (tree: MiniportOffloadBlockList): void => {
      for (const { cached, flags } of changed.get(tree) ?? []) cached.flags = flags;
      changed.delete(tree);
    };
    return {
      miniport: stateEntryTaps((operation, next, tree, context) => {
        const { name } = scope.adapter(context);
        const flagged: Flagged[] = [];
        for (const { block, connection } of scope.book.connectionsOf(tree)) {
          const cached = (block.state as TcpOffloadState | null)?.cached ?? null;
          const isMeant = (operation === 'InitiateOffload' || operation === 'UpdateOffload') && cached !== null && (cached.flags & TCP_FLAG_KEEP_ALIVE_ENABLED) !== 0;
          if (!isMeant || scope.strike({ operation, connection, adapter: name, subject: block }, 'keepalive not switched on') === null) continue;
          flagged.push({ cached, flags: cached.flags });
          cached.flags &= ~TCP_FLAG_KEEP_ALIVE_ENABLED;
        }
        if (flagged.length > 0) changed.set(tree, flagged);
        next(tree);
      }),
      adapter: () => ({
        initiateOffloadComplete: (next, tree) => {
          restore(tree);
          next(tree);
        },
        updateOffloadComplete: (next, tree) => {
          restore(tree);
          next(tree);
        },
      }),
    };
  },
};

/** E2: a path MTU that drops is not taken over. */
const ignoresPathMtu: Fault = {
  id: 'E2',
  title: 'ignores a new path MTU',
  symptom: 'Segments are as large as before and vanish on the way: the connection stalls as soon as there is much to send.',
  caughtBy: '',
  edges: ['target'],
  operations: ['UpdateOffload'],
  parameters: {},
  inject: (scope) => unheard(scope, 'UpdateOffload', 'path update succeeded, but the driver was not told', hasLayer('path')),
};

/** E3: a neighbor that moves is not followed. */
const ignoresNeighbor: Fault = {
  id: 'E3',
  title: 'ignores a new MAC address of a neighbor',
  symptom: 'Segments go to a station that is not there any more, until the host takes the connections back.',
  caughtBy: '',
  edges: ['target'],
  operations: ['UpdateOffload'],
  parameters: {},
  inject: (scope) => unheard(scope, 'UpdateOffload', 'neighbor update succeeded, but the driver was not told', hasLayer('neighbor')),
};

export const staleFaults: readonly Fault[] = [goesOnWhenInvalid, keepsOldCachedState, ignoresKeepAlive, ignoresPathMtu, ignoresNeighbor];
