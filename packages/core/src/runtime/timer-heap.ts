import type { Timer, TimerRoutine } from '@ndis-chimney/types';

/** What a clock does besides keeping the heap: say the time, and be told that the earliest deadline may have changed. */
export interface TimerHeapOwner {
  now(): number;
  rearm(): void;
}

/**
 * The running timers of one clock: a binary heap by deadline, and by start order where deadlines are equal. Timers are
 * allocated once; starting and cancelling allocate nothing.
 */
export class TimerHeap {
  private readonly owner: TimerHeapOwner;
  private readonly heap: HeapTimer[] = [];
  private nextOrder = 0;

  constructor(owner: TimerHeapOwner) {
    this.owner = owner;
  }

  /** When the next timer is due, or Infinity. */
  get nextDueMs(): number {
    return this.heap[0]?.dueMs ?? Infinity;
  }

  /** Timers running. */
  get size(): number {
    return this.heap.length;
  }

  createTimer(routine: TimerRoutine): Timer {
    return new HeapTimer(this, routine);
  }

  /** Takes the earliest timer out if it is due by `nowMs`, or returns null. */
  takeDue(nowMs: number): HeapTimer | null {
    const first = this.heap[0];
    if (first === undefined || first.dueMs > nowMs) return null;
    this.removeAt(0);
    return first;
  }

  /** @internal */
  start(timer: HeapTimer, delayMs: number): void {
    if (Number.isNaN(delayMs)) throw new TypeError('Timer.start: delayMs is not a number');
    if (timer.heapIndex >= 0) this.removeAt(timer.heapIndex);
    timer.dueMs = this.owner.now() + Math.max(0, delayMs);
    timer.order = this.nextOrder++;
    this.heap.push(timer);
    this.up(this.heap.length - 1, timer);
    this.owner.rearm();
  }

  /** @internal */
  cancel(timer: HeapTimer): boolean {
    if (timer.heapIndex < 0) return false;
    this.removeAt(timer.heapIndex);
    this.owner.rearm();
    return true;
  }

  private removeAt(index: number): void {
    const removed = this.heap[index];
    const last = this.heap.pop();
    if (removed === undefined || last === undefined) return;
    removed.heapIndex = -1;
    if (last === removed) return;
    this.down(index, last);
    this.up(last.heapIndex, last);
  }

  private up(index: number, timer: HeapTimer): void {
    let at = index;
    while (at > 0) {
      const parentIndex = (at - 1) >> 1;
      const parent = this.heap[parentIndex];
      if (parent === undefined || !isBefore(timer, parent)) break;
      this.heap[at] = parent;
      parent.heapIndex = at;
      at = parentIndex;
    }
    this.heap[at] = timer;
    timer.heapIndex = at;
  }

  private down(index: number, timer: HeapTimer): void {
    let at = index;
    for (;;) {
      let childIndex = 2 * at + 1;
      let child = this.heap[childIndex];
      if (child === undefined) break;
      const right = this.heap[childIndex + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        childIndex++;
      }
      if (!isBefore(child, timer)) break;
      this.heap[at] = child;
      child.heapIndex = at;
      at = childIndex;
    }
    this.heap[at] = timer;
    timer.heapIndex = at;
  }
}

function isBefore(a: HeapTimer, b: HeapTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

/** One timer of a {@link TimerHeap}. */
export class HeapTimer implements Timer {
  private readonly heap: TimerHeap;
  private readonly routine: TimerRoutine;
  dueMs = 0;
  /** Start order, which decides between equal deadlines. */
  order = 0;
  /** Place in the heap; -1 unless running. */
  heapIndex = -1;

  constructor(heap: TimerHeap, routine: TimerRoutine) {
    this.heap = heap;
    this.routine = routine;
  }

  get isRunning(): boolean {
    return this.heapIndex >= 0;
  }

  start(delayMs: number): void {
    this.heap.start(this, delayMs);
  }

  cancel(): boolean {
    return this.heap.cancel(this);
  }

  /** Runs the routine. */
  fire(): void {
    this.routine.timerExpired(this);
  }
}
