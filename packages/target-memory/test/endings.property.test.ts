import type { MemoryPeer, MemoryTargetOptions } from '@ndis-chimney/target-memory';
import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  OFFLOAD_STATE_TYPE,
  netBufferListDataLength,
  type NetBufferList,
} from '@ndis-chimney/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { createPieces, free, type HostConnection, listOf, must, pattern, reference } from './host-connection.ts';
import { FLAG, segment } from './segments.ts';
import { FIRST_RECEIVE_SEQ, World } from './world.ts';

const size = fc.oneof(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 3000 }));

const command = fc.oneof(
  fc.record({ do: fc.constant('send' as const), sizes: fc.array(size, { minLength: 1, maxLength: 4 }), pieces: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('post' as const), sizes: fc.array(size, { minLength: 1, maxLength: 3 }), isNoPush: fc.boolean() }),
  fc.record({ do: fc.constant('write' as const), size }),
  fc.record({ do: fc.constant('forward' as const), at: fc.integer({ min: -10, max: 200 }), length: fc.integer({ min: 0, max: 200 }), flags: fc.constantFrom(0, FLAG.PSH, FLAG.FIN, FLAG.URG, FLAG.RST) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 600) }),
  fc.record({ do: fc.constantFrom('read', 'refuse', 'accept', 'pause', 'restart', 'settleNothing') }),
  fc.record({ do: fc.constantFrom('close', 'abort', 'peerEnd', 'peerReset', 'invalidate') }),
);

const options: fc.Arbitrary<MemoryTargetOptions> = fc.record({
  latencyMs: fc.constantFrom(0, 0, 2),
  jitterMs: fc.constantFrom(0, 2),
  maxSegmentBytes: fc.constantFrom(50, 1460),
  peerWindowBytes: fc.constantFrom(60, 1000, 262_144),
  bufferBytes: fc.constantFrom(60, 262_144),
});

type Command = typeof command extends fc.Arbitrary<infer Each> ? Each : never;

/** A host that does anything a host may do, and notes what it handed down. */
class Ordeal {
  readonly world: World;
  private readonly connection: HostConnection;
  private readonly peer: MemoryPeer;
  private readonly sends: { readonly nbl: NetBufferList; readonly length: number }[] = [];
  private readonly others: NetBufferList[] = [];
  private isClosed = false;
  private isPaused = false;
  private pausesOver = 0;
  private pauses = 0;

  constructor(target: MemoryTargetOptions, seed: number) {
    this.world = new World(target, seed);
    this.connection = this.world.offload();
    this.peer = must(this.world.target.peerOf(40_000));
  }

  async run(step: Command): Promise<void> {
    const { connection, peer, world } = this;
    const isBlocked = this.isPaused;
    switch (step.do) {
      case 'send':
        if (!isBlocked && !this.isClosed) this.send(step.sizes, step.pieces);
        break;
      case 'post':
        if (!isBlocked) this.others.push(...connection.post(step.sizes, step.isNoPush));
        break;
      case 'write':
        peer.write(pattern(step.size)).catch(() => undefined);
        break;
      case 'forward': {
        const seq = (FIRST_RECEIVE_SEQ + step.at) | 0;
        if (!isBlocked) this.others.push(...connection.forward(segment({ seq, bytes: pattern(step.length), flags: step.flags | FLAG.ACK })));
        break;
      }
      case 'pass':
        await world.pass(step.ms);
        break;
      case 'close':
        if (!isBlocked && !this.isClosed) this.others.push(connection.close(pattern(5)));
        if (!isBlocked) this.isClosed = true;
        break;
      case 'abort':
        if (!isBlocked) this.others.push(connection.abort());
        if (!isBlocked) this.isClosed = true;
        break;
      case 'pause':
        if (isBlocked) break;
        this.isPaused = true;
        this.pauses++;
        world.ndis.pauseAdapter(world.miniport, () => this.pausesOver++);
        break;
      case 'restart':
        if (!isBlocked || this.pausesOver < this.pauses) break;
        world.ndis.restartAdapter(world.miniport);
        this.isPaused = false;
        break;
      default:
        this.runSimple(step.do);
    }
  }

  private runSimple(step: string): void {
    const { world, peer, connection } = this;
    if (step === 'read') peer.read().catch(() => undefined);
    else if (step === 'refuse') world.host.appetite = () => 0;
    else if (step === 'accept') world.host.appetite = (bytes) => bytes.length;
    else if (step === 'peerEnd') peer.end().catch(() => undefined);
    else if (step === 'peerReset') peer.reset();
    else if (step === 'invalidate' && !connection.handle.invalid) {
      world.host.binding.invalidateOffload(reference(OFFLOAD_STATE_TYPE.TcpOffloadState, connection.handle));
      world.settle();
    }
  }

  private send(sizes: readonly number[], pieces: number): void {
    const list = sizes.map((length) => {
      const nbl = createPieces(this.world, Array.from({ length: pieces }, () => pattern(length)), 100);
      this.sends.push({ nbl, length: length * pieces });
      return nbl;
    });
    this.connection.send(...list);
  }

  /** Takes the connection back, and checks that everything came back, once and as it should. */
  async finish(hasState: boolean): Promise<void> {
    const { world, connection } = this;
    let chain: NetBufferList[];
    if (hasState) {
      ({ chain } = connection.terminate());
    } else {
      const block = reference(OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, connection.handle);
      world.host.binding.terminateOffload(block);
      world.settle();
      chain = listOf(block.netBufferListChain);
    }
    await world.drain();
    expect(must(world.host.calls.at(-1)).call).toBe('terminate');
    const completed = world.host.completed('send');
    // CHIM-TRM-007, CHIM-SND-011: each by one way, and in the order they were handed down.
    const order = [...completed, ...chain].map((nbl) => this.sends.findIndex((sent) => sent.nbl === nbl));
    expect(order).toEqual(this.sends.map((_, index) => index));
    let hasFailed = false;
    for (const nbl of completed) this.checkSend(nbl, must(this.sends.find((sent) => sent.nbl === nbl)).length, (hasFailed ||= nbl.status !== NDIS_STATUS_SUCCESS));
    const ended = [...world.host.completed('receive'), ...world.host.completed('forward'), ...world.host.completed('disconnect')];
    expect(new Set(ended).size).toBe(ended.length);
    expect(ended.length).toBe(this.others.length);
    expect(this.others.every((nbl) => ended.includes(nbl))).toBe(true);
    const allowed = [NDIS_STATUS_SUCCESS, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_INVALID_STATE];
    expect(ended.every(({ status }) => allowed.includes(status))).toBe(true);
    expect(world.host.deepestReceiveCall).toBeLessThanOrEqual(1);
    expect([this.pausesOver, world.runtime.clock.pendingTimers]).toEqual([this.pauses, 0]);
    free(world, [...this.sends.map(({ nbl }) => nbl), ...this.others]);
    world.expectClean();
  }

  /** CHIM-SND-008, CHIM-SND-010: after the first that failed all fail, and data starts are where the count says. */
  private checkSend(nbl: NetBufferList, length: number, hasFailed: boolean): void {
    expect(nbl.status === NDIS_STATUS_SUCCESS).toBe(!hasFailed);
    expect(netBufferListDataLength(nbl)).toBe(length - nbl.tcpOffloadBytesTransferred);
    if (!hasFailed) expect(nbl.tcpOffloadBytesTransferred).toBe(length);
  }
}

describe('however a connection ends', () => {
  it('every request comes back once, in order, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), options, fc.array(command, { maxLength: 25 }), fc.boolean(), async (seed, target, commands, hasState) => {
        const ordeal = new Ordeal(target, seed);
        for (const step of commands) await ordeal.run(step);
        await ordeal.finish(hasState);
      }),
      { numRuns: 300 },
    );
  });
});
