import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { ChimneyHost, createOffloadParameters, type ChimneyConnection, type ConnectionState } from '@ndis-chimney/host';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { createMemoryTarget, type MemoryTarget, type MemoryTargetOptions } from '@ndis-chimney/target-memory';
import { NDIS_STATUS_SUCCESS, type ChimneyViolation, type NdisMiniport } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { from, text } from './host-stack.ts';

/** A host over two adapters of one memory target, whose peers are the same whichever adapter a connection comes by. */
class TwoAdapters {
  readonly runtime: DeterministicRuntime;
  readonly host: ChimneyHost;
  readonly target: MemoryTarget;
  readonly violations: ChimneyViolation[] = [];
  readonly ndis: Ndis;
  private readonly adapters: NdisMiniport[] = [];

  constructor(seed: number, options: MemoryTargetOptions) {
    this.runtime = new DeterministicRuntime(seed);
    const { clock, random, dpcQueue } = this.runtime;
    this.ndis = new Ndis({ clock, random, dpcQueue });
    this.ndis.onViolationReported((violation) => this.violations.push(violation));
    this.target = createMemoryTarget({ clock, random: random.fork('target'), dpcQueue, pools: this.ndis }, options);
    const { ndisDriverHandle } = this.ndis.registerMiniportDriver(this.target);
    this.host = new ChimneyHost(this.ndis, { parameters: createOffloadParameters() }).register();
    const im = new PassThroughDriver(this.ndis, { name: 'im' }).register();
    for (const name of ['a', 'b']) {
      if (ndisDriverHandle === null) throw new Error('the target was not registered');
      const { ndisMiniportHandle } = this.ndis.addAdapter(ndisDriverHandle, name);
      if (ndisMiniportHandle === null) throw new Error(`adapter ${name} did not start`);
      this.adapters.push(ndisMiniportHandle);
      // One of the two is reached through an intermediate driver.
      let top: NdisMiniport | null = ndisMiniportHandle;
      if (name === 'b') {
        this.ndis.bindAdapter(im.ndisProtocolHandle, ndisMiniportHandle);
        this.runtime.advance(0);
        top = this.ndis.findAdapter(im.virtualNameOf(name));
      }
      if (top === null) throw new Error('the intermediate driver did not come up');
      this.ndis.bindAdapter(this.host.ndisProtocolHandle, top);
      this.runtime.advance(0);
    }
  }

  async offload(state: ConnectionState, at: number): Promise<ChimneyConnection> {
    const adapterName = this.host.adapterNames[at % 2];
    const { status, connection } = await this.host.offload(state, adapterName === undefined ? {} : { adapterName });
    if (connection === null) throw new Error(`the offload was refused with ${status}`);
    return connection;
  }

  async close(): Promise<void> {
    for (const adapter of this.adapters) await this.runtime.drive(new Promise<void>((resolve) => { this.ndis.removeAdapter(adapter, resolve); }));
    expect(this.violations.map(({ message }) => message)).toEqual([]);
    expect(Object.entries(this.ndis.outstanding).filter(([, count]) => count !== 0)).toEqual([]);
  }
}

/** Text of a fixed pattern in which every place looks different. */
const pattern = (length: number): string => Array.from({ length: Math.ceil(length / 8) }, (_, at) => String(at).padStart(7, '0')).join(' ').slice(0, length);

/** Sends a text to an echoing peer while the connection is moved again and again. @returns what came back. */
async function echoWhileMoving(stack: TwoAdapters, message: string, moves: number): Promise<string> {
  const random = stack.runtime.random.fork('test');
  const { clock } = stack.runtime;
  const pause = (ms: number): Promise<void> => new Promise((resolve) => { clock.createTimer({ timerExpired: () => { resolve(); } }).start(ms); });
  let back = '';
  let connection = await stack.offload(from(1), 0);
  const listen = (): void => {
    if (random.nextInt(2) === 0) connection.limitReceived(random.nextInt(5000));
    connection.received$.subscribe((chunk) => { back += text(chunk); });
  };
  listen();
  let sent = 0;
  for (let move = 1; move <= moves; move++) {
    const end = move === moves ? message.length : Math.min(message.length, sent + random.nextInt(9000));
    while (sent < end) {
      const next = Math.min(end, sent + 1 + random.nextInt(3000));
      void connection.send(new TextEncoder().encode(message.slice(sent, next)));
      sent = next;
      if (random.nextInt(3) === 0) await pause(random.nextInt(4));
    }
    const { state } = await connection.terminate();
    // What is undelivered may be read here, or go down again and be indicated there.
    const reads = random.nextInt(2) === 0;
    if (reads) back += text(state.bufferedData);
    await pause(random.nextInt(10));
    connection = await stack.offload(reads ? { ...state, bufferedData: new Uint8Array(0) } : state, move);
    listen();
  }
  connection.limitReceived(Infinity);
  const isDone = new Promise<void>((resolve) => { connection.received$.subscribe({ complete: resolve }); });
  expect((await connection.disconnect()).status).toBe(NDIS_STATUS_SUCCESS);
  await isDone;
  back += text((await connection.terminate()).state.bufferedData);
  return back;
}

describe('a live connection', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('moves between adapters without losing, doubling or reordering a byte (CHIM-ST-008, seed %i)', async (seed) => {
    const stack = new TwoAdapters(seed, { peer: 'echo', latencyMs: 1, jitterMs: 2, bufferBytes: 20_000, peerWindowBytes: 8000 });
    const message = pattern(100_000);
    const back = await stack.runtime.drive(echoWhileMoving(stack, message, 20));
    expect(back.length).toBe(message.length);
    expect(back === message).toBe(true);
    await stack.close();
  });

  test('keeps its timestamps monotonic on every move, whatever the clocks of the targets (CHIM-TS-005)', async () => {
    const stack = new TwoAdapters(1, { peer: 'echo' });
    await stack.runtime.drive((async () => {
      let state: ConnectionState = from(1, { timestamps: true });
      for (let move = 0; move < 4; move++) {
        const connection = await stack.offload(state, move);
        stack.runtime.advance(100);
        const uploaded = (await connection.terminate()).state;
        // Host and memory target have one clock here: nothing drifts.
        expect(uploaded.stackDelta).toBe(0);
        expect(uploaded.delegated.tsTime).toBe(stack.runtime.clock.now());
        state = uploaded;
      }
    })());
    await stack.close();
  });

  test('statistics of the target count what was offloaded, and are set to zero by request', async () => {
    const stack = new TwoAdapters(1, { peer: 'echo' });
    await stack.runtime.drive((async () => {
      const connection = await stack.offload(from(1), 0);
      await connection.send(new Uint8Array(3000));
      const { tcp4, tcp6 } = await stack.host.statistics('a');
      expect([(tcp4?.outSegments ?? 0) >= 3, tcp4?.currentlyEstablished, tcp6?.outSegments]).toEqual([true, 1, 0]);
      expect(await stack.host.resetStatistics(4, 'a')).toBe(NDIS_STATUS_SUCCESS);
      expect((await stack.host.statistics('a')).tcp4?.outSegments).toBe(0);
      await connection.terminate();
    })());
    await stack.close();
  });
});
