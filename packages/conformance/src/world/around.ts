type Method = (...args: unknown[]) => unknown;
type Watch<Args extends never[]> = (next: Method, ...args: Args) => unknown;

/** Puts a function in front of a method of one object, in place: the object stays the one that everybody knows. */
export function around<Args extends never[]>(object: object, name: string, watch: Watch<Args>): void {
  const original = (object as Record<string, Method | undefined>)[name];
  if (original === undefined) return;
  const next: Method = (...args) => Reflect.apply(original, object, args);
  Object.defineProperty(object, name, { value: (...args: Args) => watch(next, ...args), configurable: true, writable: true, enumerable: false });
}

/** As {@link around}, for the time of one call. */
export function during<Args extends never[]>(object: object, name: string, watch: Watch<Args>, run: () => unknown): unknown {
  const own = Object.getOwnPropertyDescriptor(object, name);
  around(object, name, watch);
  try {
    return run();
  } finally {
    if (own === undefined) Reflect.deleteProperty(object, name);
    else Object.defineProperty(object, name, own);
  }
}
