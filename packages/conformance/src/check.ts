/** What a subject did wrong: thrown by a case. */
export class ConformanceFailure extends Error {
  override readonly name = 'ConformanceFailure';
}

/** @throws ConformanceFailure with this sentence, unless the condition holds. */
export function check(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new ConformanceFailure(sentence);
}

/** @throws ConformanceFailure that names both values, unless they are the same; lists and plain objects by their content. */
export function checkEqual(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [show(actual), show(expected)];
  if (found !== wanted) throw new ConformanceFailure(`${what}: expected ${wanted}, found ${found}`);
}

/** @throws ConformanceFailure unless both lists hold the very same objects, in the same order. */
export function checkSame(actual: readonly unknown[], expected: readonly unknown[], what: string): void {
  check(actual.length === expected.length, `${what}: expected ${expected.length}, found ${actual.length}`);
  for (let at = 0; at < expected.length; at++) check(actual[at] === expected[at], `${what}: number ${at} is another one`);
}

/** @throws ConformanceFailure that names the first difference, unless the bytes are the same. */
export function checkBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  const end = Math.min(actual.length, expected.length);
  for (let at = 0; at < end; at++) {
    if (actual[at] !== expected[at]) throw new ConformanceFailure(`${what}: byte ${at} is ${actual[at]}, not ${expected[at]}`);
  }
  check(actual.length === expected.length, `${what}: ${actual.length} bytes, not ${expected.length}`);
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `bytes ${value.join(' ')}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return typeof value === 'string' ? `'${value}'` : String(value);
}
