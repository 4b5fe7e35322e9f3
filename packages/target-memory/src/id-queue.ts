const NONE = -1;
/** Mark of a number that is not in the queue. */
const OUT = -2;
const FIRST_CAPACITY = 16;

/** Small whole numbers in the order they came, any of which can be taken out: 8 bytes each. */
export class IdQueue {
  first: number = NONE;
  private last = NONE;
  private nexts: Int32Array = new Int32Array(0);
  private befores: Int32Array = new Int32Array(0);

  has(id: number): boolean {
    return (this.nexts[id] ?? OUT) !== OUT;
  }

  /** Puts a number behind the others, unless it is there. */
  append(id: number): void {
    if (this.has(id)) return;
    if (id >= this.nexts.length) this.grow(id + 1);
    this.nexts[id] = NONE;
    this.befores[id] = this.last;
    if (this.last === NONE) this.first = id;
    else this.nexts[this.last] = id;
    this.last = id;
  }

  /** Takes a number out, if it is there. */
  remove(id: number): void {
    if (!this.has(id)) return;
    const next = this.nexts[id]!;
    const before = this.befores[id]!;
    if (before === NONE) this.first = next;
    else this.nexts[before] = next;
    if (next === NONE) this.last = before;
    else this.befores[next] = before;
    this.nexts[id] = OUT;
  }

  /** The number behind one that is there; -1 when that is the last. */
  after(id: number): number {
    return this.nexts[id]!;
  }

  private grow(needed: number): void {
    let capacity = Math.max(FIRST_CAPACITY, this.nexts.length);
    while (capacity < needed) capacity *= 2;
    const nexts = new Int32Array(capacity).fill(OUT);
    const befores = new Int32Array(capacity);
    nexts.set(this.nexts);
    befores.set(this.befores);
    this.nexts = nexts;
    this.befores = befores;
  }
}
