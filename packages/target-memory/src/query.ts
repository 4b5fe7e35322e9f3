import type { MiniportOffloadBlockList, NeighborOffloadState, PathOffloadState, TcpOffloadState } from '@ndis-chimney/types';

import type { MemoryAdapter } from './memory-adapter.ts';
import { objectOf, statusOf, type NeighborObject, type PathObject } from './offload-objects.ts';
import type { TcpObject } from './tcp-object.ts';

/**
 * Fills every state structure that follows a block with present values.
 *
 * Source: `filling-in-the-queried-state.md`.
 */
export function query(adapter: MemoryAdapter, tree: MiniportOffloadBlockList): void {
  const { walk } = adapter;
  for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) {
    fill(adapter, block);
    block.status = statusOf(block);
  }
  adapter.completions.flush();
  adapter.miniport.queryOffloadStateComplete(tree);
}

function fill(adapter: MemoryAdapter, block: MiniportOffloadBlockList): void {
  const { state } = block;
  const object = objectOf(block);
  if (state === null || object === null) return;
  switch (object.layer) {
    case 'neighbor':
      fillNeighbor(adapter, object, state as NeighborOffloadState);
      break;
    case 'path':
      fillPath(object, state as PathOffloadState);
      break;
    case 'tcp':
      fillTcp(adapter, object, state as TcpOffloadState);
      break;
  }
}

function fillNeighbor(adapter: MemoryAdapter, neighbor: NeighborObject, state: NeighborOffloadState): void {
  state.const?.copyFrom(neighbor.constState);
  state.cached?.copyFrom(neighbor.cached);
  if (state.delegated !== null) state.delegated.nicReachabilityDelta = (adapter.nowTicks - neighbor.reachableAtTicks) | 0;
}

function fillPath(path: PathObject, state: PathOffloadState): void {
  state.const?.copyFrom(path.constState);
  state.cached?.copyFrom(path.cached);
}

function fillTcp(adapter: MemoryAdapter, tcp: TcpObject, state: TcpOffloadState): void {
  if (state.const !== null) tcp.giveConst(state.const);
  state.cached?.copyFrom(tcp.cached);
  const { delegated } = state;
  if (delegated === null) return;
  tcp.giveDelegated(delegated);
  // As much as the peer takes at once; what is posted at the moment has no influence.
  delegated.sendBacklogSize = adapter.options.peerWindowBytes;
  delegated.receiveBacklogSize = tcp.engine === null ? 0 : tcp.engine.receive.buffered.length;
}
