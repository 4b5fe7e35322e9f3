import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_UPLOAD_REASON,
  netBufferListDataLength,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type NetBufferList,
  type PathOffloadState,
  type TcpOffloadState,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import type { MemoryAdapter } from './memory-adapter.ts';
import { NeighborObject, PathObject, objectOf, type OffloadObject } from './offload-objects.ts';
import { hasUnacknowledgedFin } from './send-path.ts';
import { seqDelta } from './seq.ts';
import { TcpObject, isOffloadableState } from './tcp-object.ts';

/** Depth of the TCP layer below a neighbor at the root: nothing hangs deeper. */
const DEEPEST = 2;

/** Takes over the new objects of a tree; connections come to life when the completion has returned. */
export function initiate(adapter: MemoryAdapter, tree: MiniportOffloadBlockList, nowMs: number): void {
  const offload = new Initiate(adapter);
  offload.run(tree);
  adapter.completions.flush();
  adapter.miniport.initiateOffloadComplete(tree);
  for (const tcp of offload.created) {
    tcp.isEnabled = true;
    tcp.engine?.enable(nowMs);
    adapter.peers.offer(tcp);
    // A linker may name an object that was invalidated.
    if (tcp.isStopped) adapter.requestUpload(tcp, TCP_UPLOAD_REASON.InvalidState);
  }
}

/**
 * One initiate: depth first, breadth next, so that a connection is complete as early as can be. What depends on a block
 * that failed is not tried, its neighbors are; when the root fails, nothing else is tried.
 *
 * Source: `traversing-a-state-tree.md`, `partial-offloads-and-offload-failures.md`.
 */
class Initiate {
  /** Connections that were taken over. */
  readonly created: TcpObject[] = [];
  private readonly adapter: MemoryAdapter;
  private isRootFailed = false;

  constructor(adapter: MemoryAdapter) {
    this.adapter = adapter;
  }

  run(root: MiniportOffloadBlockList): void {
    this.level(root, null, 0, root);
  }

  /** Processes a block and those behind it in its layer, with what depends on them. @param parent what they attach to. */
  private level(first: MiniportOffloadBlockList, parent: OffloadObject | null, depth: number, root: MiniportOffloadBlockList): void {
    for (let block: MiniportOffloadBlockList | null = first; block !== null; block = block.nextBlock) {
      const isLinker = (block.miniportOffloadContext?.miniportOffloadContext ?? null) !== null;
      block.status = this.isRootFailed ? refusalOf(block) : this.process(block, parent, depth);
      const hasFailed = !isOffloaded(block.status);
      if (hasFailed && block === root) this.isRootFailed = true;
      const dependents = block.dependentBlockList;
      if (dependents === null) continue;
      if (hasFailed || this.isRootFailed || depth === DEEPEST) this.refuse(dependents);
      else this.level(dependents, objectOf(block), depth + 1, root);
      if (!hasFailed) block.status = rollUp(block, isLinker);
    }
  }

  /** Gives a subtree, and all beside it, the status of what was not tried. */
  private refuse(first: MiniportOffloadBlockList): void {
    const { walk } = this.adapter;
    for (let block: MiniportOffloadBlockList | null = walk.start(first); block !== null; block = walk.next(block)) {
      block.status = refusalOf(block);
    }
  }

  private process(block: MiniportOffloadBlockList, parent: OffloadObject | null, depth: number): NDIS_STATUS {
    const cell = block.miniportOffloadContext;
    if (cell === null) return NDIS_STATUS_SUCCESS;
    if (cell.miniportOffloadContext !== null) return objectOf(block) === null ? NDIS_STATUS_FAILURE : NDIS_STATUS_SUCCESS;
    switch (offloadLayerOf(block.header.type)) {
      case 'neighbor':
        return depth === 0 ? this.takeNeighbor(block) : NDIS_STATUS_FAILURE;
      case 'path':
        return parent?.layer === 'neighbor' ? takePath(block, parent) : NDIS_STATUS_FAILURE;
      case 'tcp':
        return parent?.layer === 'path' ? this.takeTcp(block, parent) : NDIS_STATUS_FAILURE;
      case null:
        return NDIS_STATUS_FAILURE;
    }
  }

  private takeNeighbor(block: MiniportOffloadBlockList): NDIS_STATUS {
    const state = block.state as NeighborOffloadState | null;
    const { ndisOffloadHandle: handle, miniportOffloadContext: cell } = block;
    if (handle === null || cell === null || state === null || state.const === null || state.cached === null || state.delegated === null) return NDIS_STATUS_FAILURE;
    cell.miniportOffloadContext = new NeighborObject(handle, state, this.adapter.nowTicks);
    return NDIS_STATUS_SUCCESS;
  }

  private takeTcp(block: MiniportOffloadBlockList, path: PathObject): NDIS_STATUS {
    const { adapter } = this;
    const state = block.state as TcpOffloadState | null;
    const { ndisOffloadHandle: handle, miniportOffloadContext: cell, netBufferListChain: chain } = block;
    if (handle === null || cell === null || state === null || state.const === null || state.cached === null || state.delegated === null) return NDIS_STATUS_FAILURE;
    const { delegated } = state;
    if (!isOffloadableState(delegated.state) || !isConsistent(delegated, chain)) return NDIS_STATUS_FAILURE;
    if (adapter.connections.size >= adapter.options.connectionCapacity) return NDIS_STATUS_OFFLOAD_TCP_ENTRIES;
    const tcp = new TcpObject(handle, path, adapter, state.const, adapter.cachedStates.copyOf(state.cached), delegated);
    adapter.connections.add(tcp);
    tcp.countEstablished(1);
    cell.miniportOffloadContext = tcp;
    this.created.push(tcp);
    const { bufferedData } = delegated;
    const isIdle = chain === null && bufferedData === null && delegated.state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
    if (!isIdle || adapter.peers.isEager(tcp)) tcp.openEngine(chain, bufferedData);
    return NDIS_STATUS_SUCCESS;
  }
}

function takePath(block: MiniportOffloadBlockList, neighbor: NeighborObject): NDIS_STATUS {
  const state = block.state as PathOffloadState | null;
  const { ndisOffloadHandle: handle, miniportOffloadContext: cell } = block;
  if (handle === null || cell === null || state === null || state.const === null || state.cached === null) return NDIS_STATUS_FAILURE;
  const isIPv6 = block.header.type === OFFLOAD_STATE_TYPE.Ip6OffloadState;
  const addressBytes = isIPv6 ? 16 : 4;
  const { sourceAddress, destinationAddress } = state.const;
  if (sourceAddress.length !== addressBytes || destinationAddress.length !== addressBytes) return NDIS_STATUS_FAILURE;
  cell.miniportOffloadContext = new PathObject(handle, state, neighbor, isIPv6);
  return NDIS_STATUS_SUCCESS;
}

/** True when the sequence numbers fit the data that comes with them (`mapping-snduna--sndnxt--and-sndmax-to-the-mdls.md`). */
function isConsistent(delegated: TcpOffloadStateDelegated, chain: NetBufferList | null): boolean {
  let numbers = hasUnacknowledgedFin(delegated.state) ? 1 : 0;
  for (let nbl = chain; nbl !== null; nbl = nbl.next) numbers += netBufferListDataLength(nbl);
  const sent = seqDelta(delegated.sndNxt, delegated.sndUna);
  const max = seqDelta(delegated.sndMax, delegated.sndUna);
  return sent >= 0 && sent <= max && max <= numbers;
}

/** What a block that is not tried ends with: a failure, but a placeholder never fails. */
function refusalOf(block: MiniportOffloadBlockList): NDIS_STATUS {
  return block.miniportOffloadContext === null ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
}

function isOffloaded(status: NDIS_STATUS): boolean {
  return status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/**
 * The status of a block that was processed, from those of its immediate dependents: a placeholder's never changes, a new
 * object is there even if none of them is, a linker has succeeded as much as they have.
 *
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`, `placeholders--linkers--and-new-offloads.md`.
 */
function rollUp(block: MiniportOffloadBlockList, isLinker: boolean): NDIS_STATUS {
  if (block.miniportOffloadContext === null) return NDIS_STATUS_SUCCESS;
  let offloaded = 0;
  let failed = 0;
  for (let dependent = block.dependentBlockList; dependent !== null; dependent = dependent.nextBlock) {
    if (isOffloaded(dependent.status)) offloaded++;
    else failed++;
  }
  if (failed === 0) return NDIS_STATUS_SUCCESS;
  return isLinker && offloaded === 0 ? NDIS_STATUS_FAILURE : NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}
