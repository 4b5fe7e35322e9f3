/** A value that a test knows to be there. @throws Error when it is not. */
export function present<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new Error('there is no such thing');
  return value;
}
