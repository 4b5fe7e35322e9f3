/** Any method, as far as it has to be known to be called. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- parameters are contravariant: only any takes every method
type Method = (...args: any[]) => any;

/** What is put in place of a method: it gets the method, to go on with, before the arguments. */
export type Tap<Original extends Method> = (next: Original, ...args: Parameters<Original>) => ReturnType<Original>;

/** Taps for some methods of an object. */
export type Taps<Tapped> = {
  readonly [Key in keyof Tapped as Required<Tapped>[Key] extends Method ? Key : never]?: Required<Tapped>[Key] extends Method ? Tap<Required<Tapped>[Key]> : never;
};

/**
 * Puts taps in front of methods of one object, in place: the object stays the one that everybody knows, and only calls
 * that go through it as a method are tapped. A second tap of a method goes in front of the first. Methods the object
 * does not have are left out.
 */
export function tap(object: object, taps: Readonly<Record<string, ((next: Method, ...args: never[]) => unknown) | undefined>>): void {
  const tapped = object as Record<string, Method | undefined>;
  for (const [name, around] of Object.entries(taps)) {
    const original = tapped[name];
    if (original === undefined || around === undefined) continue;
    const next: Method = (...args) => Reflect.apply(original, object, args) as unknown;
    Object.defineProperty(object, name, { value: (...args: never[]) => around(next, ...args), configurable: true, writable: true, enumerable: false });
  }
}

/** Taps of several parties as those of one: where two tap the same method, the later is in front. */
export function composeTaps<All extends object>(several: readonly All[]): All {
  const composed: Record<string, (next: Method, ...args: never[]) => unknown> = {};
  for (const taps of several) {
    for (const [name, outer] of Object.entries(taps) as [string, ((next: Method, ...args: never[]) => unknown) | undefined][]) {
      if (outer === undefined) continue;
      const inner = composed[name];
      composed[name] = inner === undefined ? outer : (next, ...args) => outer((...passed: never[]) => inner(next, ...passed), ...args);
    }
  }
  return composed as All;
}
