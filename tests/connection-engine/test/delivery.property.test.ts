import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { link, membersOf, present, tcpBlock, under, pathBlock, neighborBlock } from '@ndis-chimney/kit';
import { REGION } from '@ndis-chimney/offload-target';
import { OffloadHandle, type NetBufferList, type Random, type TcpOffloadState } from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { DeliveryModel } from './delivery-model.ts';
import { World, pattern } from './world.ts';

/** Seeds by size of the run: `TEST_SIZE=ci npm test`. */
const SEEDS = { test: 400, ci: 10_000, nightly: 100_000 }[process.env['TEST_SIZE'] ?? 'test'] ?? 400;
const STEPS = 30;
const PUSH_MS = 500;

/** A connection and the model of it, fed with the same. */
class Delivery {
  readonly world: World;
  readonly model: DeliveryModel;
  private readonly random: Random;
  private readonly handle: OffloadHandle;
  private readonly requests: NetBufferList[] = [];
  private readonly got: Uint8Array[] = [];
  private received = 0;
  private percent = 100;
  private hasFin = false;

  constructor(seed: number, Model: typeof DeliveryModel = DeliveryModel) {
    this.random = new DeterministicRuntime(`delivery ${seed}`).random;
    this.world = new World({ bufferBytes: 1_000_000 }, seed);
    const indicationSize = this.pick([0, 0, 1, 100, 1000]);
    const appetite = (byteCount: number): number => Math.floor((byteCount * this.percent) / 100);
    this.model = new Model(indicationSize, appetite);
    this.world.appetite = appetite;
    this.handle = this.offload(indicationSize);
    const { calls } = this.world.host;
    calls.on('protocolTcpOffloadReceiveComplete', (_context: unknown, list: NetBufferList) => {
      for (const nbl of membersOf(list)) {
        this.world.story.push(`receive ${nbl.status === 0 ? 'SUCCESS' : statusText(nbl.status)} ${nbl.tcpOffloadBytesTransferred}`);
        this.got.push(placedIn(nbl));
      }
    });
    const taken: Uint8Array[] = [];
    this.world.taken.set(this.handle, taken);
    // One stream, whichever way its parts come up.
    taken.push = (...chunks) => this.got.push(...chunks);
  }

  private offload(indicationSize: number): OffloadHandle {
    const { binding } = this.world.host;
    const handle = new OffloadHandle(binding, 'connection');
    const block = tcpBlock(handle);
    const { cached } = block.state as TcpOffloadState;
    present(cached).initialRcvWnd = 1_000_000;
    present(cached).rcvIndicationSize = indicationSize;
    this.world.host.initiate(under(neighborBlock(new OffloadHandle(binding, 'neighbor')), under(pathBlock(new OffloadHandle(binding, 'path')), block)));
    this.world.settle();
    this.world.story.length = 0;
    return handle;
  }

  private pick<T>(choices: readonly T[]): T {
    return present(choices[this.random.nextInt(choices.length)]);
  }

  private size(): number {
    return this.pick([0, 1, 2, 99, 100, 101, this.random.nextInt(3000)]);
  }

  step(): void {
    switch (this.random.nextInt(10)) {
      case 0:
      case 1:
      case 2:
      case 3:
        this.arrive();
        break;
      case 4:
      case 5:
      case 6:
        this.post();
        break;
      case 7:
        this.percent = this.pick([0, 30, 100]);
        break;
      case 8:
        this.pass();
        break;
      default:
        if (this.random.nextInt(8) === 0) this.end();
    }
  }

  private arrive(): void {
    const byteCount = this.size();
    if (byteCount === 0 || this.hasFin) return;
    const isPushed = this.random.nextInt(3) === 0;
    const bytes = pattern(byteCount, this.received);
    this.received += byteCount;
    this.world.raise((events) => {
      events.received(0, bytes, 0, byteCount, isPushed ? REGION.PUSH : 0);
      bytes.fill(0xEE);
    });
    this.model.segment(byteCount, isPushed);
  }

  private post(): void {
    const size = this.size();
    const nbl = link([this.world.host.list(size)]);
    nbl.tcpReceiveNoPush = this.random.nextInt(2) === 0;
    nbl.tcpReceiveBytesTransferred = this.pick([0, 0, 0, 7]);
    this.requests.push(nbl);
    this.world.host.binding.offloadTcpReceive(this.handle, nbl);
    this.world.settle();
    this.model.post(size, nbl.tcpReceiveNoPush, nbl.tcpReceiveBytesTransferred);
  }

  private pass(): void {
    this.world.runtime.advance(PUSH_MS);
    this.model.pushTimerExpired();
  }

  private end(): void {
    if (this.hasFin) return;
    this.hasFin = true;
    this.world.raise((events) => {
      events.fin(0);
    });
    this.model.fin();
  }

  /** What the host saw is what the model says, and the timer runs when it says so. */
  compare(context: string): void {
    const { world, model } = this;
    expect({ context, story: world.story, isTimerRunning: world.runtime.clock.pendingTimers > 0 }).toEqual({ context, story: model.story, isTimerRunning: model.isTimerRunning });
    expect(world.violations).toEqual([]);
  }

  /** Takes the connection back: not a byte is lost, or comes twice, or out of order (CHIM-ST-007, CHIM-TRM-013). */
  finish(context: string): void {
    const { delegated, buffered } = this.world.terminate(this.handle);
    this.model.upload();
    this.world.story.pop();
    expect(buffered.length).toBe(this.model.buffered);
    this.compare(context);
    const stream = Uint8Array.from([...this.got.flatMap((part) => [...part]), ...buffered]);
    const expected = pattern(this.received);
    expect({ context, length: stream.length, differsAt: expected.findIndex((byte, index) => byte !== stream[index]) }).toEqual({ context, length: this.received, differsAt: -1 });
    expect((delegated.rcvNxt - present(this.world.engine.records.get(0)).rcvNxt) | 0).toBe(this.received + (this.hasFin ? 1 : 0));
    this.world.host.free(this.requests);
    expect(this.world.ndis.outstanding.netBufferLists).toBe(0);
  }
}

/** The bytes that were placed in a request: those its data start was moved over. */
function placedIn(nbl: NetBufferList): Uint8Array {
  return present(present(nbl.firstNetBuffer).mdlChain).buffer.slice(0, nbl.tcpOffloadBytesTransferred);
}

function statusText(status: number): string {
  return status === (0xC0231001 | 0) ? 'UPLOAD_IN_PROGRESS' : 'INVALID_STATE';
}

/** Runs one sequence to its end, comparing after each step. */
function follow(delivery: Delivery, name: string): void {
  for (let step = 0; step < STEPS; step++) {
    delivery.step();
    delivery.compare(`${name} step ${step}`);
  }
  delivery.finish(name);
}

class ForgetsPush extends DeliveryModel {
  override segment(byteCount: number): void {
    super.segment(byteCount, false);
  }
}

class ForgetsTimer extends DeliveryModel {
  override pushTimerExpired(): void {
    if (this.posted.length !== 1) super.pushTimerExpired();
  }
}

class IndicatesAgain extends DeliveryModel {
  override segment(byteCount: number, isPushed: boolean): void {
    const { buffered } = this;
    this.buffered = 0;
    super.segment(buffered + byteCount, isPushed);
  }
}

describe('the delivery algorithm', () => {
  it(`CHIM-RCV-003 to CHIM-RCV-013, CHIM-RXI-001 to CHIM-RXI-007: does what the flowcharts say, for ${SEEDS} seeds`, () => {
    for (let seed = 0; seed < SEEDS; seed++) follow(new Delivery(seed), `seed ${seed}`);
  }, 600_000);

  it.each([
    ['PSH does not matter', ForgetsPush],
    ['the push timer is forgotten for a request that is alone', ForgetsTimer],
    ['refused data is indicated again', IndicatesAgain],
  ])('the comparison finds a target in which %s', (_what, Mutant) => {
    expect(() => {
      for (let seed = 0; seed < 200; seed++) follow(new Delivery(seed, Mutant), `seed ${seed}`);
    }).toThrow(/seed/);
  });
});
