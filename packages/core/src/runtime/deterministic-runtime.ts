import { ManualClock } from './manual-clock.ts';
import { SeededDpcQueue } from './seeded-dpc-queue.ts';
import { SeededRandom } from './seeded-random.ts';

/** Promise continuations that may be chained before {@link DeterministicRuntime.drive} takes them for idle. */
const CONTINUATION_TURNS = 32;

/** Clock, randomness and DPC queue from one seed: everything a run depends on besides its input. */
export class DeterministicRuntime {
  readonly clock: ManualClock = new ManualClock();
  readonly random: SeededRandom;
  readonly dpcQueue: SeededDpcQueue;

  /** @param seed equal seeds give equal runs. */
  constructor(seed: string | number = 0) {
    this.random = new SeededRandom(seed);
    this.dpcQueue = new SeededDpcQueue(this.random.fork('dpc order'));
  }

  /** Runs DPCs until none is queued. Time stands still. */
  settle(): void {
    this.dpcQueue.run();
  }

  /** Lets `ms` pass, timer by timer, running after each what it queued. */
  advance(ms: number): void {
    const untilMs = this.clock.now() + ms;
    this.settle();
    while (this.clock.fireNext(untilMs)) this.settle();
    this.clock.advance(untilMs - this.clock.now());
    this.settle();
  }

  /**
   * Runs until a promise is settled: DPCs, then what awaits them, then the next timer, and again. For what has promises
   * at its face, such as opening and closing a stack.
   * @throws Error when nothing is left to run and the promise is still open.
   */
  async drive<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    for (;;) {
      this.settle();
      // A promise that waits for another takes a few turns to hear of it.
      for (let turn = 0; turn < CONTINUATION_TURNS && this.dpcQueue.isIdle; turn++) await Promise.resolve();
      if (isSettled) return promise;
      if (this.dpcQueue.isIdle && !this.clock.fireNext()) throw new Error('DeterministicRuntime.drive: nothing is left to run, and the promise is not settled');
    }
  }
}
