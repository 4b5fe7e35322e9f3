// The delivery algorithm as a reader of its three flowcharts would write it down: numbers of bytes in plain lists, no
// queues of buffers, no timers but a flag. It says what the host must see.

export interface Posted {
  readonly size: number;
  readonly isNoPush: boolean;
  /** Bytes that were in it when it was posted. */
  readonly prefilled: number;
  placed: number;
}

export class DeliveryModel {
  readonly story: string[] = [];
  posted: Posted[] = [];
  /** Bytes that were refused, or came after such. */
  buffered = 0;
  isTimerRunning = false;
  private isBufferedPushed = false;
  private hasFin = false;
  private isFinTold = false;
  private readonly indicationSize: number;
  private readonly appetite: (byteCount: number) => number;

  constructor(indicationSize: number, appetite: (byteCount: number) => number) {
    this.indicationSize = indicationSize;
    this.appetite = appetite;
  }

  /** E1. */
  segment(byteCount: number, isPushed: boolean): void {
    if (this.posted.length === 0 && this.buffered > 0) {
      this.buffered += byteCount;
      this.isBufferedPushed = isPushed;
    } else {
      this.deliver(byteCount, isPushed);
    }
    this.settle();
  }

  /** E2. */
  post(size: number, isNoPush: boolean, prefilled: number): void {
    if (this.isFinTold) {
      this.story.push('receive INVALID_STATE 0');
      return;
    }
    this.posted.push({ size, isNoPush, prefilled, placed: 0 });
    if (this.buffered > 0) {
      const { buffered } = this;
      this.buffered = 0;
      this.deliver(buffered, this.isBufferedPushed);
    }
    this.settle();
  }

  /** E3. */
  pushTimerExpired(): void {
    if (!this.isTimerRunning) return;
    this.isTimerRunning = false;
    const [head] = this.posted;
    if (head?.isNoPush === false && isStarted(head)) this.complete();
    this.settle();
  }

  fin(): void {
    this.hasFin = true;
    this.settle();
  }

  /** A terminate: what is posted ends, what is buffered goes along. */
  upload(): void {
    for (const { placed } of this.posted) this.story.push(`receive UPLOAD_IN_PROGRESS ${placed}`);
    this.posted = [];
    this.isTimerRunning = false;
  }

  private complete(): void {
    const head = this.posted.shift();
    this.story.push(`receive SUCCESS ${head?.placed ?? 0}`);
  }

  private deliver(byteCount: number, isPushed: boolean): void {
    let left = byteCount;
    let hasCompleted = false;
    // PLACE 1 and 2.
    for (let [head] = this.posted; head !== undefined && left > 0; [head] = this.posted) {
      const here = Math.min(head.size - head.placed, left);
      head.placed += here;
      left -= here;
      if (head.placed < head.size) break;
      this.complete();
      hasCompleted = true;
    }
    // PLACE 3.
    if (hasCompleted) this.isTimerRunning = false;
    // PLACE 4.
    if (left > 0) {
      this.indicate(left, isPushed);
      return;
    }
    // PLACE 5 to 8.
    const [head] = this.posted;
    if (head === undefined || head.placed === 0 || head.isNoPush) return;
    if (isPushed) {
      this.complete();
      this.isTimerRunning = false;
    } else {
      this.isTimerRunning = true;
    }
  }

  private indicate(byteCount: number, isPushed: boolean): void {
    let left = byteCount;
    while (left > 0) {
      const amount = this.indicationSize === 0 ? left : Math.min(this.indicationSize, left);
      const taken = this.appetite(amount);
      this.story.push(taken === amount ? `indicate ${amount}` : `indicate ${amount} took ${taken}`);
      left -= taken;
      if (taken < amount) break;
    }
    this.buffered = left;
    this.isBufferedPushed = isPushed;
  }

  /** What follows when nothing is going on: a request that came with data in it, and the FIN. */
  private settle(): void {
    const [head] = this.posted;
    if (head?.placed === 0 && head.prefilled > 0 && !head.isNoPush) this.isTimerRunning = true;
    if (!this.hasFin || this.isFinTold || this.buffered > 0) return;
    if (head !== undefined && isStarted(head)) {
      this.complete();
      this.isTimerRunning = false;
    }
    this.isFinTold = true;
    this.story.push('TcpIndicateDisconnect 0');
  }
}

function isStarted({ placed, prefilled }: Posted): boolean {
  return placed > 0 || prefilled > 0;
}
