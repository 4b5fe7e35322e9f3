/** One call that a probe driver received: which entry, with exactly which arguments. */
export interface ProbeCall {
  readonly entry: string;
  readonly args: readonly unknown[];
}

/** What a test puts in place of an entry's default answer. It gets the entry's arguments. */
export type ProbeHook = (...args: never[]) => unknown;

/**
 * Everything a probe driver was called with, in order, and what it answers. By itself a probe does nothing; a hook is
 * how a test makes one entry do something: call back into NDIS, refuse, throw.
 */
export class CallLog {
  readonly calls: ProbeCall[] = [];
  private readonly hooks = new Map<string, ProbeHook>();

  /** Makes an entry run `hook` from now on; what it returns is the entry's answer, unless that is undefined. */
  on(entry: string, hook: ProbeHook): void {
    this.hooks.set(entry, hook);
  }

  /** As {@link on}, for the next call only. */
  once(entry: string, hook: ProbeHook): void {
    this.hooks.set(entry, (...args) => {
      this.hooks.delete(entry);
      return hook(...args);
    });
  }

  /** Gives an entry its default answer back. */
  off(entry: string): void {
    this.hooks.delete(entry);
  }

  /** Records a call and answers it. For probe drivers. */
  answer<Result>(entry: string, args: readonly unknown[], otherwise: Result): Result {
    this.calls.push({ entry, args });
    const hook = this.hooks.get(entry);
    if (hook === undefined) return otherwise;
    const answer = hook(...(args as never[]));
    return answer === undefined ? otherwise : (answer as Result);
  }

  /** Names of the entries that were called, in order. */
  get entries(): string[] {
    return this.calls.map(({ entry }) => entry);
  }

  /** Arguments of every call of one entry, in order. */
  of(entry: string): (readonly unknown[])[] {
    return this.calls.filter((call) => call.entry === entry).map(({ args }) => args);
  }

  /** How often an entry was called. */
  count(entry: string): number {
    return this.of(entry).length;
  }

  /** Forgets the calls, not the hooks. */
  clear(): void {
    this.calls.length = 0;
  }
}
