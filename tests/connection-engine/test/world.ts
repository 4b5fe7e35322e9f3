// A probe host, NDIS, the base of targets, a scripted engine. Nothing moves but by what the test does.
import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { ProbeHost, blocksOf, membersOf, present, tcpBlock, type ProbeTree, type TreeShape } from '@ndis-chimney/kit';
import { createOffloadTarget, type EngineEvents, type OffloadTarget, type TargetLimits } from '@ndis-chimney/offload-target';
import {
  Dpc,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  OffloadBlockState,
  OFFLOAD_STATE_TYPE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  TcpOffloadStateDelegated,
  createProtocolOffloadBlockList,
  formatNdisStatus,
  netBufferListBytes,
  type BytesConsumed,
  type NdisMiniport,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { expect } from 'vitest';

import { ScriptedEngine } from './scripted-engine.ts';

/** A status without its prefix and number. */
export function statusName(status: number): string {
  return formatNdisStatus(status).replace(/^NDIS_STATUS_| \(.*$/g, '');
}

function nameOf(values: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(values).find(([, each]) => each === value)?.[0] ?? String(value);
}

const COMPLETIONS = { Send: 'send', Receive: 'receive', Disconnect: 'disconnect', Forward: 'forward' } as const;

export class World {
  readonly runtime: DeterministicRuntime;
  readonly ndis: Ndis;
  readonly host: ProbeHost;
  readonly target: OffloadTarget;
  readonly miniport: NdisMiniport;
  /** The engine of the only adapter. */
  engine!: ScriptedEngine;
  /** What came up, in words. */
  readonly story: string[] = [];
  /** Bytes that the host took, by connection. */
  readonly taken = new Map<OffloadHandle, Uint8Array[]>();
  /** Rules that were broken. */
  readonly violations: string[] = [];
  /** How many bytes of an indication the host takes. */
  appetite: (byteCount: number) => number = (byteCount) => byteCount;
  private raising: (events: EngineEvents) => void = () => undefined;
  private readonly raiser: Dpc = new Dpc({
    runDpc: () => {
      this.raising(this.engine.events);
    },
  });

  constructor(limits: TargetLimits = {}, seed: string | number = 1) {
    this.runtime = new DeterministicRuntime(seed);
    const { clock, random, dpcQueue } = this.runtime;
    this.ndis = new Ndis({ clock, random, dpcQueue });
    this.ndis.onViolationReported(({ rule }) => this.violations.push(rule));
    this.target = createOffloadTarget(
      { clock, random, dpcQueue, pools: this.ndis },
      { name: 'target', limits, createEngine: (environment) => (this.engine = new ScriptedEngine(environment)) },
    );
    const driver = present(this.ndis.registerMiniportDriver(this.target).ndisDriverHandle);
    this.miniport = present(this.ndis.addAdapter(driver, 'nic').ndisMiniportHandle);
    this.host = new ProbeHost(this.ndis).register();
    this.host.bindTo('nic');
    this.runtime.advance(0);
    this.listen();
  }

  private listen(): void {
    const { calls } = this.host;
    for (const [entry, word] of Object.entries(COMPLETIONS)) {
      calls.on(`protocolTcpOffload${entry}Complete`, (_context: unknown, list: NetBufferList) => {
        for (const nbl of membersOf(list)) this.story.push(`${word} ${statusName(nbl.status)} ${nbl.tcpOffloadBytesTransferred}`);
      });
    }
    for (const operation of ['Initiate', 'Terminate', 'Update', 'Invalidate', 'Query']) {
      calls.on(`protocol${operation}OffloadComplete`, (_context: unknown, root: ProtocolOffloadBlockList) => {
        this.story.push(`${operation.toLowerCase()} ${blocksOf(root).map(({ status }) => statusName(status)).join(' ')}`);
      });
    }
    calls.on('protocolTcpOffloadEvent', (_handle: OffloadHandle, type: number, information: number) => {
      const isRetrieve = type === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve;
      this.story.push(`${nameOf(TCP_OFFLOAD_EVENT_TYPE, type)} ${isRetrieve ? nameOf(TCP_UPLOAD_REASON, information) : information}`);
    });
    calls.on('protocolTcpOffloadReceiveIndicate', (handle: OffloadHandle, nbl: NetBufferList, _status: number, consumed: BytesConsumed) => this.indicated(handle, nbl, consumed));
  }

  private indicated(handle: OffloadHandle, nbl: NetBufferList, consumed: BytesConsumed): number {
    const bytes = netBufferListBytes(nbl);
    const taken = this.appetite(bytes.length);
    this.story.push(taken === bytes.length ? `indicate ${taken}` : `indicate ${bytes.length} took ${taken}`);
    this.takenBy(handle).push(bytes.slice(0, taken));
    consumed.value = taken;
    if (taken < bytes.length) return taken === 0 ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED : NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
    this.host.binding.offloadTcpReceiveReturn(nbl);
    return NDIS_STATUS_SUCCESS;
  }

  /** Chunks of indications that the host took. */
  takenBy(handle: OffloadHandle): Uint8Array[] {
    let chunks = this.taken.get(handle);
    if (chunks === undefined) this.taken.set(handle, (chunks = []));
    return chunks;
  }

  settle(): void {
    this.runtime.settle();
  }

  /** Lets the engine raise events from a DPC of its own, and everything come of it. */
  raise(how: (events: EngineEvents) => void): void {
    this.raising = how;
    this.runtime.dpcQueue.insert(this.raiser);
    this.settle();
  }

  /** Offloads a tree of new objects; empties the story. */
  offload(shape: TreeShape = {}): ProbeTree {
    const tree = this.host.offload(shape);
    this.settle();
    this.story.length = 0;
    return tree;
  }

  /** Offloads a connection with a neighbor and a path of its own. */
  connect(): OffloadHandle {
    return present(this.offload().connections[0]);
  }

  /** What one connection is, as the target tells. */
  query(handle: OffloadHandle): { readonly status: number; readonly delegated: TcpOffloadStateDelegated } {
    const block = tcpBlock(handle);
    this.host.binding.queryOffloadState(block);
    this.settle();
    return { status: block.status, delegated: present((block.state as TcpOffloadState).delegated) };
  }

  /** Takes a connection back; its path and neighbor stay. Buffered data is returned. */
  terminate(handle: OffloadHandle): { readonly block: ProtocolOffloadBlockList; readonly delegated: TcpOffloadStateDelegated; readonly buffered: Uint8Array } {
    const { block, delegated } = delegatedBlock(handle);
    this.host.binding.terminateOffload(block);
    this.settle();
    const parts: Uint8Array[] = membersOf(delegated.bufferedData).map(netBufferListBytes);
    if (delegated.bufferedData !== null) this.host.binding.offloadTcpReceiveReturn(delegated.bufferedData);
    return { block, delegated, buffered: Uint8Array.from(parts.flatMap((part) => [...part])) };
  }

  /** Commands since the last time. */
  commands(): string[] {
    return this.engine.commands.splice(0);
  }

  /** What came up since the last time. */
  told(): string[] {
    return this.story.splice(0);
  }

  /** Nobody broke a rule. */
  expectNoViolation(): void {
    expect(this.violations).toEqual([]);
  }
}

/** A block to terminate a connection with. */
export function delegatedBlock(handle: OffloadHandle): { readonly block: ProtocolOffloadBlockList; readonly delegated: TcpOffloadStateDelegated } {
  const delegated = new TcpOffloadStateDelegated();
  return { block: createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, handle, new OffloadBlockState(null, null, delegated)), delegated };
}

/** Bytes that tell where they belong: no two positions within 251 have the same. */
export function pattern(length: number, offset = 0): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (offset + index) % 251);
}
