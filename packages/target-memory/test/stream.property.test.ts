import type { MemoryPeer, MemoryTargetOptions } from '@ndis-chimney/target-memory';
import { NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, netBufferListBytes, type NetBufferList } from '@ndis-chimney/types';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { chainOf, concat, createNbl, createPieces, expectBytes, free, type HostConnection, must, pattern, placedBytes } from './host-connection.ts';
import { World } from './world.ts';

const MSS = 1460;

/** Sizes that are interesting: none, one, around a segment, and anything. */
const size = fc.oneof(fc.constantFrom(0, 1, 2, MSS - 1, MSS, MSS + 1), fc.integer({ min: 0, max: 3000 }));

type Command =
  | { readonly do: 'send'; readonly nbls: readonly (readonly number[])[]; readonly mdlBytes: number }
  | { readonly do: 'post'; readonly sizes: readonly number[]; readonly isNoPush: boolean }
  | { readonly do: 'postInside'; readonly size: number }
  | { readonly do: 'write'; readonly size: number }
  | { readonly do: 'read' }
  | { readonly do: 'appetite'; readonly percent: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'upload'; readonly handsBack: boolean };

const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ do: fc.constant('send' as const), nbls: fc.array(fc.array(size, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }), mdlBytes: fc.constantFrom(1, 7, 100, 10_000) }),
  fc.record({ do: fc.constant('post' as const), sizes: fc.array(size, { minLength: 1, maxLength: 3 }), isNoPush: fc.boolean() }),
  fc.record({ do: fc.constant('postInside' as const), size }),
  fc.record({ do: fc.constant('write' as const), size }),
  fc.record({ do: fc.constant('read' as const) }),
  fc.record({ do: fc.constant('appetite' as const), percent: fc.constantFrom(0, 30, 100) }),
  fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(0, 1, 3, 600) }),
  fc.record({ do: fc.constant('upload' as const), handsBack: fc.boolean() }),
);

const options: fc.Arbitrary<MemoryTargetOptions> = fc.record({
  latencyMs: fc.constantFrom(0, 0, 1, 5),
  jitterMs: fc.constantFrom(0, 3),
  maxSegmentBytes: fc.constantFrom(13, 100, MSS, 65_535),
  peerWindowBytes: fc.constantFrom(60, 1000, 262_144),
  bufferBytes: fc.constantFrom(60, 1000, 262_144),
});

/** A host and a peer that follow a list of commands, and know what must come of it. */
class Conversation {
  readonly world: World;
  connection: HostConnection;
  private readonly indicationSize: number;
  private peer!: MemoryPeer;
  /** Bytes the host sent and the peer read; bytes the peer wrote and the host got. */
  private sentBytes = 0;
  private readonly read: Uint8Array[] = [];
  private readCount = 0;
  private writtenBytes = 0;
  private readonly got: Uint8Array[] = [];
  private readonly writes: Promise<void>[] = [];
  private unfinishedWrites = 0;
  /** Every NBL handed down, with how often it came back. */
  private readonly returned = new Map<NetBufferList, number>();
  private postNext = -1;

  constructor(target: MemoryTargetOptions, seed: number, indicationSize: number) {
    this.world = new World(target, seed);
    this.indicationSize = indicationSize;
    this.connection = this.world.offload({ cached: (cached) => (cached.rcvIndicationSize = indicationSize) });
    this.world.host.during = (call) => {
      if (call.call === 'indicate') this.got.push(call.bytes);
      if (call.call === 'receive') this.got.push(...call.nbls.map(placedBytes));
      if (call.call === 'receive' || call.call === 'send') for (const nbl of call.nbls) this.returned.set(nbl, must(this.returned.get(nbl)) + 1);
      // Not while the connection is offered again: then the host has no name for it yet.
      const isOurs = this.connection.handle.state === 'offloaded';
      if ((call.call === 'indicate' || call.call === 'receive') && this.postNext >= 0 && isOurs) {
        const next = this.postNext;
        this.postNext = -1;
        this.track(this.connection.post([next]));
      }
    };
  }

  async start(): Promise<this> {
    this.peer = await this.world.target.accept();
    return this;
  }

  private track(nbls: readonly NetBufferList[]): void {
    for (const nbl of nbls) this.returned.set(nbl, 0);
  }

  async run(step: Command): Promise<void> {
    switch (step.do) {
      case 'send':
        this.send(step.nbls, step.mdlBytes);
        break;
      case 'post':
        this.track(this.connection.post(step.sizes, step.isNoPush));
        break;
      case 'postInside':
        this.postNext = step.size;
        break;
      case 'write':
        this.writes.push(
          this.peer.write(pattern(step.size, this.writtenBytes)).then(() => {
            this.unfinishedWrites--;
          }),
        );
        this.unfinishedWrites++;
        this.writtenBytes += step.size;
        break;
      case 'read':
        this.readOnce();
        break;
      case 'appetite':
        this.world.host.appetite = (bytes) => Math.floor((bytes.length * step.percent) / 100);
        break;
      case 'pass':
        await this.world.pass(step.ms);
        break;
      case 'upload':
        this.upload(step.handsBack);
        break;
    }
  }

  private send(nbls: readonly (readonly number[])[], mdlBytes: number): void {
    const list = nbls.map((sizes) => {
      const pieces = sizes.map((length) => {
        const piece = pattern(length, this.sentBytes);
        this.sentBytes += length;
        return piece;
      });
      return createPieces(this.world, pieces, mdlBytes);
    });
    this.track(list);
    this.connection.send(...list);
  }

  private readOnce(): void {
    void this.peer.read().then((chunk) => {
      if (chunk === null) return;
      this.read.push(chunk);
      this.readCount += chunk.length;
    });
  }

  /** Takes the connection back and offers it again, with the data that came along. */
  private upload(handsBack: boolean): void {
    const { world } = this;
    world.settle();
    const finished = world.host.completed('send').length;
    const { delegated, chain, bufferedBytes } = this.connection.terminate();
    for (const nbl of chain) this.returned.set(nbl, must(this.returned.get(nbl)) + 1);
    // What was not acknowledged is sent again, from its first byte on, by NBLs of one NET_BUFFER each.
    const unsent = [...world.host.completed('send').slice(finished).filter(({ status }) => status === NDIS_STATUS_UPLOAD_IN_PROGRESS), ...chain];
    const again = unsent.map((nbl) => createNbl(world, netBufferListBytes(nbl)));
    this.track(again);
    if (!handsBack && bufferedBytes.length > 0) this.got.push(bufferedBytes);
    const bufferedData = handsBack && bufferedBytes.length > 0 ? createNbl(world, bufferedBytes) : null;
    this.connection = world.offload({
      chain: chainOf(again),
      cached: (cached) => (cached.rcvIndicationSize = this.indicationSize),
      delegated: (offered) => {
        offered.copyFrom(delegated);
        offered.bufferedData = bufferedData;
      },
    });
    if (bufferedData !== null) free(world, [bufferedData]);
  }

  /** Lets everything that is under way arrive, and checks that it has. */
  async finish(): Promise<void> {
    const { world } = this;
    world.host.appetite = (bytes) => bytes.length;
    const ended = this.peer.end().then(() => {
      this.unfinishedWrites = 0;
    });
    for (let i = 0; i < 20_000 && (this.readCount < this.sentBytes || this.unfinishedWrites > 0); i++) {
      if (this.readCount < this.sentBytes) this.readOnce();
      // Lifts what a refusal blocked, and gives requests that wait to be filled what they wait for.
      if (i % 4 === 0 && this.unfinishedWrites > 0) this.track(this.connection.post([0, 5000]));
      await world.pass(10);
    }
    this.track(this.connection.post([0, 0]));
    await world.pass(1000);
    await ended;
    await Promise.all(this.writes);
    const disconnect = this.connection.close();
    await world.pass(100);
    expect(disconnect.status).toBe(NDIS_STATUS_SUCCESS);
    this.connection.terminate();
    expectBytes(concat(this.read), pattern(this.sentBytes));
    expectBytes(concat(this.got), pattern(this.writtenBytes));
    expect([...this.returned.values()].every((count) => count === 1)).toBe(true);
    expect(world.host.deepestReceiveCall).toBeLessThanOrEqual(1);
    expect(world.runtime.clock.pendingTimers).toBe(0);
    free(world, [...this.returned.keys(), disconnect]);
    world.expectClean();
  }
}

describe('whatever happens on a connection', () => {
  it('CHIM-ST-007, CHIM-ST-008: both streams arrive whole and in order, every NBL comes back once, nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), options, fc.constantFrom(0, 0, 1, 100), fc.array(command, { maxLength: 25 }), async (seed, target, indicationSize, commands) => {
        const conversation = await new Conversation(target, seed, indicationSize).start();
        for (const step of commands) await conversation.run(step);
        await conversation.finish();
      }),
      { numRuns: 150 },
    );
  });
});
