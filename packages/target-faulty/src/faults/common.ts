import { NDIS_RECEIVE_FLAGS_RESOURCES, type MiniportOffloadBlockList, type NetBufferList } from '@ndis-chimney/types';

import type { StateOperation } from '../completion-taps.ts';
import type { FaultScope, Strike } from '../fault-scope.ts';
import type { FaultParameterSchema } from '../fault.ts';
import type { FaultyAdapter } from '../faulty-adapter.ts';

/** A day: longer delays are A1. */
const LONGEST_MS = 86_400_000;

/** Whoever has an upper edge. */
export const BOTH = ['target', 'intermediate'] as const;

/** A parameter in milliseconds. */
export function delayMs(description: string, byDefault: number): FaultParameterSchema {
  return { type: 'number', description, default: byDefault, minimum: 0, maximum: LONGEST_MS };
}

/** A parameter that is one of several words, the first by default. */
export function oneOf(description: string, first: string, ...others: string[]): FaultParameterSchema {
  return { type: 'string', description, default: first, enum: [first, ...others] };
}

/** A parameter that is a whole number. */
export function wholeNumber(description: string, byDefault: number, minimum: number, maximum: number): FaultParameterSchema {
  return { type: 'integer', description, default: byDefault, minimum, maximum };
}

/** Strikes at the completion, or the call, of one NBL. */
export function strikeNbl(scope: FaultScope, operation: string, nbl: NetBufferList, adapter: string, effect: string): Strike | null {
  return scope.strike({ operation, connection: scope.book.ofNbl(nbl), adapter, subject: nbl }, effect);
}

/** Strikes at a state operation. */
export function strikeTree(scope: FaultScope, operation: StateOperation, tree: MiniportOffloadBlockList, adapter: string, effect: string): Strike | null {
  return scope.strike({ operation, connection: scope.book.ofTree(tree), adapter, subject: tree }, effect);
}

/** The parameter of faults that can strike by themselves. */
export const periodMs: Readonly<Record<'periodMs', FaultParameterSchema>> = {
  periodMs: delayMs('Makes an occasion (operation Timer) every so many milliseconds; 0: calls are the only occasions.', 0),
};

/** Runs `work` every `periodMs` while the adapter is up. */
export function periodically(scope: FaultScope, adapter: FaultyAdapter, work: () => void): void {
  const period = scope.number('periodMs');
  if (period === 0) return;
  const tick = (): void => {
    // Before its attributes are set an adapter is not in the list, and when it has halted it is not there any more.
    if (scope.ground.isHealed || scope.ground.adapters.get(adapter.context) !== adapter) return;
    work();
    scope.deferrals.later(period, tick);
  };
  scope.deferrals.later(period, tick);
}

/** Packets of the ordinary receive path go back to the driver that would have indicated them. */
export function dropOrdinary(scope: FaultScope, adapter: FaultyAdapter, list: NetBufferList, receiveFlags: number): void {
  // With the flag the driver has them back when its call returns.
  if ((receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) === 0) scope.deferrals.later(0, () => { adapter.returnOrdinary(list); });
}
