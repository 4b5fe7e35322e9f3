import { TCP_FLAG_KEEP_ALIVE_RESTART, TCP_FLAG_MAX_RT_RESTART, TCP_FLAG_UPDATE_RCV_WND, type OffloadBlockState } from '@ndis-chimney/types';

/** Flags that tell the target to do something once. */
const COMMANDS = TCP_FLAG_KEEP_ALIVE_RESTART | TCP_FLAG_MAX_RT_RESTART | TCP_FLAG_UPDATE_RCV_WND;

/** The members of a state structure by name; bytes as text. */
export type StateValues = ReadonlyMap<string, unknown>;

/** The values in a state structure, without its header and what hangs on it. */
export function valuesOf(structure: unknown): StateValues {
  const values = new Map<string, unknown>();
  for (const [name, value] of Object.entries(structure ?? {})) {
    if (typeof value === 'number') values.set(name, value);
    else if (value instanceof Uint8Array) values.set(name, value.join('.'));
  }
  return values;
}

/** Cached values without what is none: the commands in the flags of a connection, and a neighbor's age, which grows. */
export function cachedValuesOf(structure: unknown): StateValues {
  const values = new Map(valuesOf(structure));
  const flags = values.get('flags');
  if (typeof flags === 'number') values.set('flags', flags & ~COMMANDS);
  values.delete('hostReachabilityDelta');
  return values;
}

/** The first member that differs, as text; null when none does. */
export function differenceOf(expected: StateValues, found: StateValues): string | null {
  for (const [name, value] of expected) {
    const other = found.get(name);
    if (other !== value) return `${name} is ${String(other)}, not ${String(value)}`;
  }
  return null;
}

/** What the host has supplied of an object: its constant values, and its cached ones as of the last update. */
export class SuppliedState {
  readonly constant: StateValues;
  cached: StateValues;
  /** Counts the beginnings and ends of updates: what was read between two equal counts, nobody was changing. */
  version = 0;
  /** How the last update that has ended ended. */
  lastUpdate: 'none' | 'done' | 'failed' = 'none';

  constructor(state: OffloadBlockState) {
    this.constant = valuesOf(state.const);
    this.cached = cachedValuesOf(state.cached);
  }

  /** An update goes down. */
  updating(): void {
    this.version++;
  }

  /** It has ended. A block without cached state links, and supplies nothing. */
  updated(state: OffloadBlockState | null, isDone: boolean): void {
    this.version++;
    const cached = state?.cached ?? null;
    if (cached === null) return;
    this.lastUpdate = isDone ? 'done' : 'failed';
    if (isDone) this.cached = cachedValuesOf(cached);
  }
}
