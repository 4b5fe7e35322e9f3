import { AssertionError } from 'node:assert';

/**
 * Checks by identity, for objects that are linked to half the world: a deep comparison of two NET_BUFFER_LISTs says
 * nothing, and printing one takes pages. What fails is an AssertionError, so that a test that noticed something can be
 * told from one that broke down.
 */

/** @throws AssertionError unless the condition holds. */
export function isTrue(condition: boolean, what: string): asserts condition {
  if (!condition) throw new AssertionError({ message: what });
}

/** @throws AssertionError unless both are the same object, or the same number or text. */
export function isSame(actual: unknown, expected: unknown, what: string): void {
  isTrue(Object.is(actual, expected), `${what}: it is ${nameOf(actual)}, not ${nameOf(expected)}`);
}

/** @throws AssertionError unless both lists hold the same objects in the same order. */
export function areSame(actual: readonly unknown[], expected: readonly unknown[], what: string): void {
  isTrue(actual.length === expected.length, `${what}: there are ${actual.length}, not ${expected.length}`);
  actual.forEach((one, at) => {
    isSame(one, expected[at], `${what}, number ${at + 1}`);
  });
}

/** @returns the one member of a list. @throws AssertionError when there is not exactly one. */
export function only<T>(list: readonly T[], what: string): T {
  const [first] = list;
  isTrue(list.length === 1 && first !== undefined, `${what}: there are ${list.length}, not one`);
  return first;
}

function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return `one ${value.constructor.name}`;
}
