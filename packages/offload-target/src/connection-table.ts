import { CachedStates, type OffloadHandle, type TcpOffloadStateCached, type TcpOffloadStateConst, type TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { OffloadAdapter } from './offload-adapter.ts';
import type { PathObject } from './offload-objects.ts';
import { RecordTable } from './record-table.ts';
import { TcpObject } from './tcp-object.ts';

/** The connections of one adapter, by the numbers that the engine knows them by. */
export class ConnectionTable {
  /** Everything that is offloaded at the TCP layer, and gaps. */
  readonly all: (TcpObject | null)[] = [];
  count = 0;
  /** The numbers of each connection. */
  readonly records: RecordTable = new RecordTable();
  readonly cachedStates: CachedStates = new CachedStates();
  private readonly adapter: OffloadAdapter;
  private readonly freeIds: number[] = [];
  /** Numbers that are not used again, because the engine may not have forgotten them. */
  private readonly retired: Set<number> = new Set<number>();

  constructor(adapter: OffloadAdapter) {
    this.adapter = adapter;
  }

  get(id: number): TcpObject | null {
    return this.all[id] ?? null;
  }

  /** Makes the record of a new connection. */
  admit(handle: OffloadHandle, path: PathObject, constState: TcpOffloadStateConst, cached: TcpOffloadStateCached, delegated: TcpOffloadStateDelegated): TcpObject {
    const id = this.freeIds.pop() ?? this.all.length;
    this.records.reserve(id);
    const tcp = new TcpObject(handle, path, this.adapter, id, constState, this.cachedStates.copyOf(cached), delegated);
    this.all[id] = tcp;
    this.count++;
    return tcp;
  }

  /** Lets a connection go. */
  forget(tcp: TcpObject): void {
    this.all[tcp.id] = null;
    this.count--;
    if (!this.retired.has(tcp.id)) this.freeIds.push(tcp.id);
  }

  /** Sees to it that nothing the engine says of a number is taken for another connection. */
  retire(id: number): void {
    this.retired.add(id);
  }

  isRetired(id: number): boolean {
    return this.retired.has(id);
  }
}
