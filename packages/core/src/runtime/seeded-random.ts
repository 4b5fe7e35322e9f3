import type { Random } from '@ndis-chimney/types';

/**
 * A reproducible stream: Chris Doty-Humphrey's sfc32 (PractRand), seeded through the MurmurHash3 finalizer. Not for
 * secrets.
 */
export class SeededRandom implements Random {
  /** What the stream was made from; forks derive from it. */
  readonly seed: string;
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** @param seed any text or number; equal seeds give equal streams. */
  constructor(seed: string | number) {
    this.seed = String(seed);
    this.a = hash(this.seed, 0x9e3779b9 | 0);
    this.b = hash(this.seed, 0x243f6a88);
    this.c = hash(this.seed, 0xb7e15162 | 0);
    // The first numbers after seeding still show the seed's pattern.
    for (let i = 0; i < 12; i++) this.nextUint32();
  }

  nextUint32(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  nextFloat(): number {
    return this.nextUint32() / 0x1_0000_0000;
  }

  nextInt(limit: number): number {
    if (!Number.isInteger(limit) || limit < 1 || limit > 0x1_0000_0000) {
      throw new TypeError(`Random.nextInt: limit ${limit} is not a whole number from 1 to 2^32`);
    }
    // Numbers beyond the last whole multiple of limit are drawn again, or small results would be likelier.
    const fair = 0x1_0000_0000 - (0x1_0000_0000 % limit);
    let drawn = this.nextUint32();
    while (drawn >= fair) drawn = this.nextUint32();
    return drawn % limit;
  }

  fork(label: string): SeededRandom {
    // With its length no label can be taken for two.
    return new SeededRandom(`${this.seed}/${label.length}:${label}`);
  }
}

function hash(text: string, salt: number): number {
  let h = salt;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x85ebca6b);
    h = (h << 13) | (h >>> 19);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
