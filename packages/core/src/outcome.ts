/** Outcome of the short form of a data downcall: the driver below was not called. No driver can return it. */
export const NOT_CROSSED: object = { toString: (): string => 'NOT_CROSSED' };

/** Outcome of the short form: something was thrown, by the driver below or because an argument is missing. */
class Thrown {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** A function, for a call is shorter in bytecode than a construction; see `Binding`. */
export function thrown(error: unknown): Thrown {
  return new Thrown(error);
}

export function isThrown(outcome: unknown): outcome is Thrown {
  return typeof outcome === 'object' && outcome !== null && outcome.constructor === Thrown;
}
