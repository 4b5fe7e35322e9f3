import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { ProbeHost, membersOf, present, tcpBlock } from '@ndis-chimney/kit';
import { createOffloadTarget } from '@ndis-chimney/offload-target';
import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  createProtocolOffloadBlockList,
  netBufferListBytes,
  type BytesConsumed,
  type NetBufferList,
  type OffloadHandle,
  type Random,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { DistantEngine } from './distant-engine.ts';
import { delegatedBlock, pattern } from './world.ts';

/** Seeds by size of the run: `TEST_SIZE=ci npm test`. */
const SEEDS = { test: 300, ci: 3000, nightly: 30_000 }[process.env['TEST_SIZE'] ?? 'test'] ?? 300;
const STEPS = 25;

/** A host that does anything a host may do to one connection, and an engine that hears of it later. */
class Ordeal {
  private readonly runtime: DeterministicRuntime;
  private readonly ndis: Ndis;
  private readonly host: ProbeHost;
  private readonly random: Random;
  private engine!: DistantEngine;
  private readonly handle: OffloadHandle;
  private readonly sends: NetBufferList[] = [];
  private readonly others: NetBufferList[] = [];
  private readonly returned: NetBufferList[] = [];
  private readonly got: number[] = [];
  private sent = 0;
  private isAccepting = true;
  private isClosed = false;
  private queries = 0;
  private readonly violations: string[] = [];

  constructor(seed: number) {
    this.runtime = new DeterministicRuntime(`distant ${seed}`);
    this.random = this.runtime.random.fork('steps');
    this.ndis = new Ndis(this.runtime);
    this.ndis.onViolationReported(({ message }) => this.violations.push(message));
    const { random } = this.runtime;
    const bufferBytes = [100, 1000, 100_000][this.random.nextInt(3)] ?? 100;
    const target = createOffloadTarget(
      { clock: this.runtime.clock, dpcQueue: this.runtime.dpcQueue, random, pools: this.ndis },
      { name: 'target', limits: { bufferBytes }, createEngine: (environment) => (this.engine = new DistantEngine(environment)) },
    );
    this.ndis.addAdapter(present(this.ndis.registerMiniportDriver(target).ndisDriverHandle), 'nic');
    this.host = new ProbeHost(this.ndis).register();
    this.host.bindTo('nic');
    this.runtime.advance(0);
    this.listen();
    const { connections } = this.host.offload();
    this.runtime.advance(20);
    this.handle = present(connections[0]);
    expect(this.handle.state).toBe('offloaded');
  }

  private listen(): void {
    const { calls } = this.host;
    const back = (_context: unknown, list: NetBufferList): void => {
      for (const nbl of membersOf(list)) this.returned.push(nbl);
    };
    calls.on('protocolTcpOffloadForwardComplete', back);
    calls.on('protocolTcpOffloadDisconnectComplete', back);
    calls.on('protocolTcpOffloadSendComplete', (context: unknown, list: NetBufferList) => {
      back(context, list);
      // They are the host's again: whoever reads them now reads this.
      for (const nbl of membersOf(list)) present(present(nbl.firstNetBuffer).mdlChain).buffer.fill(0xEE);
    });
    calls.on('protocolTcpOffloadReceiveComplete', (context: unknown, list: NetBufferList) => {
      back(context, list);
      for (const nbl of membersOf(list)) this.got.push(...present(present(nbl.firstNetBuffer).mdlChain).buffer.subarray(0, nbl.tcpOffloadBytesTransferred));
    });
    calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, nbl: NetBufferList, _status: number, consumed: BytesConsumed) => {
      if (!this.isAccepting) return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
      const bytes = netBufferListBytes(nbl);
      this.got.push(...bytes);
      consumed.value = bytes.length;
      this.host.binding.offloadTcpReceiveReturn(nbl);
      return NDIS_STATUS_SUCCESS;
    });
  }

  step(): void {
    const { binding } = this.host;
    switch (this.random.nextInt(12)) {
      case 0:
      case 1:
      case 2:
        this.send();
        break;
      case 3:
      case 4:
        this.others.push(...membersOf(this.host.receive(this.handle, this.random.nextInt(500), this.random.nextInt(500))));
        break;
      case 5:
        this.isAccepting = !this.isAccepting;
        break;
      case 6:
        this.others.push(...membersOf(this.host.forward(this.handle, 20)));
        break;
      case 7:
        this.queries++;
        binding.queryOffloadState(tcpBlock(this.handle));
        break;
      case 8:
        this.rarely();
        break;
      default:
        this.runtime.advance(this.random.nextInt(6));
    }
  }

  private send(): void {
    if (this.isClosed) return;
    const contents = Array.from({ length: 1 + this.random.nextInt(3) }, () => {
      const bytes = pattern(this.random.nextInt(600), this.sent);
      this.sent += bytes.length;
      return bytes;
    });
    this.sends.push(...membersOf(this.host.send(this.handle, ...contents)));
  }

  private rarely(): void {
    const { binding } = this.host;
    switch (this.random.nextInt(8)) {
      case 0:
        if (!this.isClosed) this.others.push(this.host.disconnect(this.handle));
        this.isClosed = true;
        break;
      case 1:
        this.others.push(this.host.disconnect(this.handle, 2));
        this.isClosed = true;
        break;
      case 2:
        this.runtime.advance(0);
        if (!this.handle.invalid && this.handle.ndisChanges === 0) binding.invalidateOffload(createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, this.handle));
        break;
      case 3:
        this.engine.happen(0, 'reset');
        break;
      case 4:
        this.engine.happen(0, 'upload');
        break;
      case 5:
        this.engine.happen(0, 'fail');
        break;
      default:
        this.runtime.advance(600);
    }
  }

  finish(): void {
    const { host, runtime } = this;
    // A terminate waits for queries and the like, as a host must.
    runtime.advance(20);
    let chain: NetBufferList[] = [];
    let buffered: number[] = [];
    for (let attempt = 0; attempt < 2 && this.handle.state !== 'dead'; attempt++) {
      const { block, delegated } = delegatedBlock(this.handle);
      host.binding.terminateOffload(block);
      runtime.advance(20);
      chain = membersOf(block.netBufferListChain);
      buffered = membersOf(delegated.bufferedData).flatMap((nbl) => [...netBufferListBytes(nbl)]);
      if (delegated.bufferedData !== null) host.binding.offloadTcpReceiveReturn(delegated.bufferedData);
    }
    expect([this.handle.state, this.violations]).toEqual(['dead', []]);
    // CHIM-TRM-007, CHIM-SND-011: each send came back once, by one way, in order.
    const order = [...this.returned.filter((nbl) => this.sends.includes(nbl)), ...chain].map((nbl) => this.sends.indexOf(nbl));
    expect(order).toEqual(this.sends.map((_, index) => index));
    expect(new Set(this.returned).size).toBe(this.returned.length);
    expect(this.others.every((nbl) => this.returned.includes(nbl))).toBe(true);
    expect(host.calls.count('protocolQueryOffloadComplete')).toBe(this.queries);
    // CHIM-RXI-007, CHIM-ST-007: what came back of the stream is its beginning, whole and in order.
    const stream = [...this.got, ...buffered];
    expect(stream).toEqual([...pattern(stream.length)]);
    expect(stream.length).toBeLessThanOrEqual(this.sent);
    runtime.advance(1000);
    expect(runtime.clock.pendingTimers).toBe(0);
    host.free();
    expect(this.ndis.outstanding).toEqual({ netBufferLists: 0, netBuffers: 0, contexts: 0, operations: 0 });
  }
}

describe('an engine in another thread', () => {
  it(`whatever is under way either way, everything comes back once and in order, for ${SEEDS} seeds`, () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      try {
        const ordeal = new Ordeal(seed);
        for (let step = 0; step < STEPS; step++) ordeal.step();
        ordeal.finish();
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  }, 600_000);
});
