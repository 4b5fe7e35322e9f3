import type { DdiEvent, Dispatcher } from '@ndis-chimney/core';
import type { Subscription } from 'rxjs';

/** What crossed one edge in one direction, by operation. */
export interface Tally {
  calls: number;
  items: number;
}

/** What one edge saw. */
export interface EdgeMeter {
  /** The adapter below the edge. */
  readonly adapterName: string;
  /** By `direction operation`, for example `down TcpOffloadSend`. */
  readonly tallies: Map<string, Tally>;
}

/** Counts what crosses every edge, and keeps the calls of the first send until it has come back to the host. */
export class Meter {
  readonly edges: Map<string, EdgeMeter> = new Map<string, EdgeMeter>();
  private readonly subscription: Subscription;
  private readonly topAdapter: string;
  private readonly trace: SendTrace;

  /** @param topAdapter the adapter the host is bound to: its edge is the host's. */
  constructor(ndis: Dispatcher, topAdapter: string) {
    this.topAdapter = topAdapter;
    this.trace = new SendTrace(topAdapter);
    this.subscription = ndis.ddi$.subscribe((event) => {
      this.count(event);
    });
  }

  /** The calls of the first send, host to target and back, each indented by how far down it is. */
  get firstSend(): readonly string[] {
    return this.trace.lines;
  }

  /** Stops to observe; what was counted stays. */
  stop(): void {
    this.subscription.unsubscribe();
  }

  /** What crossed the host's edge. */
  atHost(direction: 'down' | 'up', operation: string): Tally {
    return this.edges.get(this.topAdapter)?.tallies.get(`${direction} ${operation}`) ?? { calls: 0, items: 0 };
  }

  private count(event: DdiEvent): void {
    if (event.phase === 'leave') return;
    const { crossing, binding, count } = event;
    let edge = this.edges.get(binding.adapterName);
    if (edge === undefined) {
      edge = { adapterName: binding.adapterName, tallies: new Map() };
      this.edges.set(binding.adapterName, edge);
    }
    const key = `${crossing.direction} ${crossing.operation}`;
    const tally = edge.tallies.get(key) ?? { calls: 0, items: 0 };
    tally.calls++;
    tally.items += count;
    edge.tallies.set(key, tally);
    if (crossing.operation === 'TcpOffloadSend') this.trace.add(event);
  }
}

/** The way of one send through the stack. */
class SendTrace {
  readonly lines: string[] = [];
  private readonly topAdapter: string;
  /** Edges the send has crossed on its way down, by adapter: how far down each is. */
  private readonly depths = new Map<string, number>();
  private isOver = false;

  constructor(topAdapter: string) {
    this.topAdapter = topAdapter;
  }

  add({ crossing, binding, count, irql }: DdiEvent): void {
    const { adapterName } = binding;
    // Down: each edge once, so a second send before the first is back is left out. Up: up to the host.
    if (this.isOver || (crossing.direction === 'down' && this.depths.has(adapterName))) return;
    if (crossing.direction === 'down') this.depths.set(adapterName, this.depths.size);
    const indent = '  '.repeat(this.depths.get(adapterName) ?? 0);
    this.lines.push(`${indent}${crossing.call} -> ${crossing.entry}  (${count} NBL${count === 1 ? '' : 's'}, ${adapterName}${irql > 0 ? ', DPC' : ''})`);
    this.isOver = crossing.direction === 'up' && adapterName === this.topAdapter;
  }
}
