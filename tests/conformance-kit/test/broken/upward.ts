import { blocksOf, link, membersOf, present } from '@ndis-chimney/conformance/probes';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';
import {
  BytesConsumed,
  Mdl,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  type NdisMiniport,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type NetBufferListPool,
  type OffloadHandle,
  type OffloadTargetEnvironment,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

/** What a broken target needs to call up of its own accord: the way up, and what it may call up about. */
export class Upward {
  /** Handles of the connections that were offered, in order. */
  readonly connections: OffloadHandle[] = [];
  private miniport: NdisMiniport | null = null;
  private handlersOfAdapter: NdisTcpOffloadEventHandlers | null = null;
  private readonly pool: NetBufferListPool;
  private readonly indicated = new Set<NetBufferList>();

  constructor(environment: OffloadTargetEnvironment) {
    this.pool = environment.pools.allocateNetBufferListPool('broken target');
  }

  get adapter(): NdisMiniport {
    return present(this.miniport);
  }

  get handlers(): NdisTcpOffloadEventHandlers {
    return present(this.handlersOfAdapter);
  }

  /** The connection that was offered first. */
  get connection(): OffloadHandle {
    return present(this.connections[0]);
  }

  /** Indicates bytes that nobody has sent. */
  indicate(bytes: Uint8Array<ArrayBuffer>, handle: OffloadHandle = this.connection): void {
    const nbl = present(this.pool.allocateNetBufferAndNetBufferList(new Mdl(bytes), 0, bytes.length));
    this.indicated.add(nbl);
    const status = this.handlers.tcpOffloadReceiveHandler(handle, nbl, NDIS_STATUS_SUCCESS, new BytesConsumed());
    if (status !== NDIS_STATUS_SUCCESS) this.free(nbl);
  }

  /** Makes an event. */
  event(eventType: number, information = 0, handle: OffloadHandle = this.connection): void {
    this.handlers.tcpOffloadEventHandler(handle, eventType, information);
  }

  private free(nbl: NetBufferList): void {
    if (!this.indicated.delete(nbl)) return;
    nbl.next = null;
    this.pool.freeNetBufferList(nbl);
  }

  /** These taps, with those that learn all this. */
  taps(taps: MiniportTaps): MiniportTaps {
    return {
      ...taps,
      miniportInitializeEx: (next, miniport, ...parameters) => {
        this.miniport = miniport;
        return next(miniport, ...parameters);
      },
      getOffloadHandlers: (next, type) => {
        const result = next(type);
        this.handlersOfAdapter = result.offloadHandlers;
        return result;
      },
      miniportInitiateOffload: (next, adapter, root) => {
        for (const { header, offloadHandle } of blocksOf(root as unknown as ProtocolOffloadBlockList)) {
          if (header.type === OFFLOAD_STATE_TYPE.TcpOffloadState && offloadHandle !== null) this.connections.push(offloadHandle);
        }
        if (taps.miniportInitiateOffload === undefined) next(adapter, root);
        else taps.miniportInitiateOffload(next, adapter, root);
      },
      miniportTcpOffloadReceiveReturn: (next, adapter, list) => {
        const members = membersOf(list);
        const others = members.filter((nbl) => !this.indicated.has(nbl));
        for (const nbl of members) this.free(nbl);
        return others.length === 0 ? NDIS_STATUS_SUCCESS : next(adapter, link(others));
      },
    };
  }
}
