import { ManualClock } from './manual-clock.ts';
import { SeededDpcQueue } from './seeded-dpc-queue.ts';
import { SeededRandom } from './seeded-random.ts';

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
}
