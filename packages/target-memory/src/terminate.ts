import type { MiniportOffloadBlockList, NeighborOffloadState, NetBufferList, TcpOffloadState } from '@ndis-chimney/types';

import type { MemoryAdapter } from './memory-adapter.ts';
import { objectOf, statusOf } from './offload-objects.ts';
import type { TcpObject } from './tcp-object.ts';

/**
 * Gives objects back, delegated state written: whatever was pending goes back before, or in the tree. Their records are
 * let go when the completion has returned.
 *
 * Source: `terminate-offload-sequence.md`.
 */
export function terminate(adapter: MemoryAdapter, tree: MiniportOffloadBlockList): void {
  const { walk } = adapter;
  const uploaded: TcpObject[] = [];
  for (let block: MiniportOffloadBlockList | null = walk.start(tree); block !== null; block = walk.next(block)) {
    block.status = statusOf(block);
    const object = objectOf(block);
    if (object?.layer === 'tcp') {
      upload(adapter, object, block);
      uploaded.push(object);
    } else if (object?.layer === 'neighbor') {
      const state = block.state as NeighborOffloadState | null;
      if (state !== null && state.delegated !== null) state.delegated.nicReachabilityDelta = (adapter.nowTicks - object.reachableAtTicks) | 0;
    }
  }
  adapter.completions.flush();
  adapter.miniport.terminateOffloadComplete(tree);
  for (const tcp of uploaded) release(adapter, tcp);
}

function upload(adapter: MemoryAdapter, tcp: TcpObject, block: MiniportOffloadBlockList): void {
  const { engine } = tcp;
  const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
  let chain: NetBufferList | null = null;
  let received: NetBufferList | null = null;
  if (engine !== null) {
    chain = engine.upload(delegated !== null);
    if (delegated === null) engine.receive.offerBuffered();
    else received = engine.receive.takeBuffered();
  }
  block.netBufferListChain = chain;
  if (delegated === null) return;
  tcp.giveDelegated(delegated);
  delegated.bufferedData = received;
  if (chain === null) return;
  let tail = chain;
  while (tail.next !== null) tail = tail.next;
  delegated.sendDataHead = chain;
  delegated.sendDataTail = tail;
}

function release(adapter: MemoryAdapter, tcp: TcpObject): void {
  adapter.connections.delete(tcp);
  tcp.countEstablished(-1);
  adapter.peers.keep(tcp);
}
