/** How many walks, and how many of them over a thousand objects. */
interface Size {
  readonly walks: number;
  readonly largeWalks: number;
}

/** The same walks at every size, from one seed: a larger size goes on where a smaller one stops. */
const SIZES: Readonly<Record<string, Size>> = {
  test: { walks: 200, largeWalks: 2 },
  ci: { walks: 2000, largeWalks: 20 },
  nightly: { walks: 20_000, largeWalks: 200 },
};

/** The size that TEST_SIZE names: `test` unless it says otherwise. @throws Error for a size that there is not. */
export function sizeNow(): Size {
  const name = process.env['TEST_SIZE'] ?? 'test';
  const size = SIZES[name];
  if (size === undefined) throw new Error(`TEST_SIZE is ${name}, not one of ${Object.keys(SIZES).join(', ')}`);
  return size;
}
