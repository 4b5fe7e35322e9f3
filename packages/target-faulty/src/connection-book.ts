import {
  BlockWalk,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { membersOf } from './net-buffer-lists.ts';

/** A block in whichever view. */
export type AnyBlock = MiniportOffloadBlockList | ProtocolOffloadBlockList;

/** One connection that was offered over the faulty edge. */
export interface FaultyConnection {
  /** `hostPort-peerPort`. */
  readonly name: string;
  readonly hostPort: number;
  readonly peerPort: number;
  /** Name of the adapter below the edge. */
  readonly adapter: string;
  /** The handle of the driver above the edge. */
  readonly handle: OffloadHandle;
}

/** Knows which connection a handle, a context or a NET_BUFFER_LIST belongs to. */
export class ConnectionBook {
  private readonly byHandle = new WeakMap<OffloadHandle, FaultyConnection>();
  private readonly byContext = new Map<unknown, FaultyConnection>();
  private readonly byNbl = new WeakMap<NetBufferList, FaultyConnection>();
  private readonly live = new Set<FaultyConnection>();

  /** Connections that are offloaded now, oldest first. */
  get offloaded(): FaultyConnection[] {
    return [...this.live].filter(({ handle }) => handle.state === 'offloaded');
  }

  /** A tree is offered: its connections are known from now on. */
  offered(tree: AnyBlock): void {
    for (const block of blocksOf(tree)) {
      const handle = handleOf(block);
      const constant = (block.state as TcpOffloadState | null)?.const ?? null;
      if (offloadLayerOf(block.header.type) !== 'tcp' || handle === null || constant === null || this.byHandle.has(handle)) continue;
      const { localPort: hostPort, remotePort: peerPort } = constant;
      const connection = { name: `${hostPort}-${peerPort}`, hostPort, peerPort, adapter: handle.binding.adapterName, handle };
      this.byHandle.set(handle, connection);
      this.live.add(connection);
      if (block.netBufferListChain !== null) this.carries(connection, block.netBufferListChain);
    }
  }

  /** An initiate is about to end: what the cells hold is what data calls will come with. */
  taken(tree: AnyBlock): void {
    for (const { handle, connection } of this.connectionsOf(tree)) {
      if (handle.miniportOffloadContext === null) {
        this.live.delete(connection);
      } else {
        // Again, when a completion was refused before.
        this.live.add(connection);
        this.byContext.set(handle.miniportOffloadContext, connection);
      }
    }
  }

  /** A terminate is about to end. */
  givenBack(tree: AnyBlock): void {
    for (const { handle, connection } of this.connectionsOf(tree)) {
      this.byContext.delete(handle.miniportOffloadContext);
      this.live.delete(connection);
    }
  }

  /** The connections of a tree that are known, with their blocks. */
  connectionsOf(tree: AnyBlock): { readonly block: AnyBlock; readonly handle: OffloadHandle; readonly connection: FaultyConnection }[] {
    return blocksOf(tree).flatMap((block) => {
      const handle = handleOf(block);
      const connection = handle === null ? undefined : this.byHandle.get(handle);
      return handle === null || connection === undefined ? [] : [{ block, handle, connection }];
    });
  }

  /** The NBLs of a list are this connection's. */
  carries(connection: FaultyConnection, list: NetBufferList): void {
    for (const nbl of membersOf(list)) this.byNbl.set(nbl, connection);
  }

  ofHandle(handle: OffloadHandle): FaultyConnection | null {
    return this.byHandle.get(handle) ?? null;
  }

  /** @param offloadContext the faulty driver's own, as it comes with data calls. */
  ofContext(offloadContext: unknown): FaultyConnection | null {
    return this.byContext.get(offloadContext) ?? null;
  }

  ofNbl(nbl: NetBufferList): FaultyConnection | null {
    return this.byNbl.get(nbl) ?? null;
  }

  /** The one connection of a tree, or null when it has none or several. */
  ofTree(tree: AnyBlock): FaultyConnection | null {
    const [first, second] = this.connectionsOf(tree);
    return first === undefined || second !== undefined ? null : first.connection;
  }
}

/** The blocks of a tree, depth first. One that has a cycle, for NDIS to refuse, ends where it meets a block again. */
export function blocksOf<Block extends AnyBlock>(tree: Block): Block[] {
  const walk = new BlockWalk<AnyBlock>();
  const blocks = new Set<AnyBlock>();
  for (let block: AnyBlock | null = walk.start(tree); block !== null && !blocks.has(block); block = walk.next(block)) blocks.add(block);
  return [...blocks] as Block[];
}

/** The handle that a block names, in whichever view. */
function handleOf(block: AnyBlock): OffloadHandle | null {
  return 'offloadHandle' in block ? block.offloadHandle : null;
}
