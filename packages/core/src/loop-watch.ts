/**
 * Finds out whether a linked list closes into a loop, without memory: Brent's method. A mark stays on one member while
 * the walk goes twice as far each time; a walk that meets its mark again goes round.
 */
export class LoopWatch {
  private mark: object | null = null;
  private steps = 0;
  private limit = 1;

  /** To be called with every member, in order. @returns true when the walk has been here before. */
  closesAt(member: object): boolean {
    if (member === this.mark) return true;
    if (++this.steps === this.limit) {
      this.mark = member;
      this.steps = 0;
      this.limit *= 2;
    }
    return false;
  }
}
