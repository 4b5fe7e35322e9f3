import { expect } from 'vitest';

/** Expects rows of arguments to be the very same objects and values, not just equal ones. */
export function expectSame(actual: readonly (readonly unknown[])[], expected: readonly (readonly unknown[])[]): void {
  expect(actual.map((row) => row.length)).toEqual(expected.map((row) => row.length));
  actual.forEach((row, at) => {
    row.forEach((value, column) => {
      expect(value).toBe(expected[at]?.[column]);
    });
  });
}
