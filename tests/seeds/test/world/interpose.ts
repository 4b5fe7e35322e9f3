/** A method, whatever its arguments. */
export type Method = (...args: unknown[]) => unknown;

/** What comes in place of a method. `proceed` is the method itself. */
export type Around = (args: readonly unknown[], proceed: Method) => unknown;

/** Puts `around` in place of a method of one object; other objects of its class keep theirs. */
export function wrapMethod(object: object, name: string, around: Around): void {
  const methods = object as Record<string, Method>;
  const method = methods[name];
  if (method === undefined) throw new TypeError(`wrapMethod: there is no method ${name}`);
  const proceed: Method = (...args) => method.apply(object, args);
  methods[name] = (...args) => around(args, proceed);
}

/** The same handlers, with every call of one of them going through `around`. The original is left alone. */
export function wrapHandlers<Handlers extends object>(handlers: Handlers, around: (name: string, args: readonly unknown[], proceed: Method) => unknown): Handlers {
  return new Proxy(handlers, {
    get(original, name) {
      const member: unknown = Reflect.get(original, name);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      const proceed: Method = (...args) => (member as Method).apply(original, args);
      return (...args: unknown[]) => around(name, args, proceed);
    },
  });
}

/** The same handlers, except for those in `changed`. The original is left alone. */
export function overlay<Handlers extends object>(handlers: Handlers, changed: Partial<Handlers>): Handlers {
  return new Proxy(handlers, {
    get: (original, name): unknown => (name in changed ? Reflect.get(changed, name) : Reflect.get(original, name)),
  });
}
