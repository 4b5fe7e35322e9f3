import type { DdiEvent, Dispatcher } from '@ndis-chimney/core';
import type { ChimneyHost } from '@ndis-chimney/host';
import { BlockWalk, netBufferListDataLength, type NetBufferList, type OffloadBlockList } from '@ndis-chimney/types';
import { Subscription } from 'rxjs';

/** Something that happened, and when. */
export interface Entry {
  readonly atMs: number;
  readonly what: string;
}

/** What went through one adapter. */
export interface AdapterTally {
  initiates: number;
  terminates: number;
  sendCalls: number;
  bytesSent: number;
  /** Bytes not acknowledged when the connection was offloaded here: they came with its state. */
  bytesInherited: number;
  receivesCompleted: number;
}

/** Notes what happens to the connection and to the adapters, and counts what goes through each of them. */
export class Journal {
  readonly entries: Entry[] = [];
  readonly adapters: Map<string, AdapterTally> = new Map<string, AdapterTally>();
  private readonly ndis: Dispatcher;
  private readonly startMs: number;
  private readonly subscription = new Subscription();

  constructor(ndis: Dispatcher, host: ChimneyHost, adapterNames: readonly string[]) {
    this.ndis = ndis;
    this.startMs = ndis.clock.now();
    for (const name of adapterNames) this.adapters.set(name, { initiates: 0, terminates: 0, sendCalls: 0, bytesSent: 0, bytesInherited: 0, receivesCompleted: 0 });
    this.subscription.add(ndis.ddi$.subscribe((event) => { this.count(event); }));
    this.subscription.add(
      host.stateChanges$.subscribe(({ object, from, to, reason }) => {
        if (object.layer === 'tcp') this.note(`the connection: ${from} -> ${to} (${reason})`);
      }),
    );
    this.subscription.add(host.adapterEvents$.subscribe(({ adapterName, type }) => { this.note(`${adapterName}: ${type}`); }));
  }

  note(what: string): void {
    this.entries.push({ atMs: this.ndis.clock.now() - this.startMs, what });
  }

  /** Stops to watch; what was noted stays. */
  stop(): void {
    this.subscription.unsubscribe();
  }

  private count({ phase, crossing, binding, live, count }: DdiEvent): void {
    const tally = this.adapters.get(binding.adapterName);
    if (tally === undefined || phase === 'leave') return;
    switch (`${crossing.direction} ${crossing.operation}`) {
      case 'down InitiateOffload':
        tally.initiates++;
        tally.bytesInherited += bytesInTree(live as OffloadBlockList | null);
        break;
      case 'down TerminateOffload':
        tally.terminates++;
        break;
      case 'down TcpOffloadSend':
        tally.sendCalls++;
        tally.bytesSent += bytesInList(live as NetBufferList | null);
        break;
      case 'up TcpOffloadReceive':
        tally.receivesCompleted += count;
        break;
    }
  }
}

function bytesInList(list: NetBufferList | null): number {
  let bytes = 0;
  for (let nbl = list; nbl !== null; nbl = nbl.next) bytes += netBufferListDataLength(nbl);
  return bytes;
}

function bytesInTree(root: OffloadBlockList | null): number {
  const walk = new BlockWalk<OffloadBlockList>();
  let bytes = 0;
  for (let block = root === null ? null : walk.start(root); block !== null; block = walk.next(block)) bytes += bytesInList(block.netBufferListChain);
  return bytes;
}
