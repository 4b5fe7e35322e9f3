import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_PATH_MTU,
  NDIS_STATUS_OFFLOAD_POLICY,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  SIZEOF_NEIGHBOR_OFFLOAD_STATE_CACHED,
  SIZEOF_NEIGHBOR_OFFLOAD_STATE_CONST,
  SIZEOF_NEIGHBOR_OFFLOAD_STATE_DELEGATED,
  SIZEOF_PATH_OFFLOAD_STATE_CACHED,
  SIZEOF_PATH_OFFLOAD_STATE_CONST,
  SIZEOF_TCP_OFFLOAD_STATE_CACHED,
  SIZEOF_TCP_OFFLOAD_STATE_CONST,
  SIZEOF_TCP_OFFLOAD_STATE_DELEGATED,
  TCP_OFFLOAD_CONNECTION_STATE,
  offloadLayerOf,
  hasUnacknowledgedFin,
  isOffloadableState,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type NetBufferList,
  type OffloadStateHeader,
  type PathOffloadState,
  type TcpOffloadState,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import { bytesOfList } from './mdl-cursor.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import { NeighborObject, PathObject, objectOf, type OffloadObject } from './offload-objects.ts';
import { QUESTION } from './questions.ts';
import { seqDelta } from './seq.ts';
import type { StateOperation } from './state-operations.ts';
import type { TcpObject } from './tcp-object.ts';
import { writeRecord } from './tcp-state.ts';

/** Depth of the TCP layer below a neighbor at the root: nothing hangs deeper. */
const DEEPEST = 2;

/** What a connection may be refused with (`nf-ndischimney-ndisminitiateoffloadcomplete.md`). */
const REFUSALS: readonly NDIS_STATUS[] = [
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
  NDIS_STATUS_OFFLOAD_PATH_MTU,
  NDIS_STATUS_OFFLOAD_POLICY,
  NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
];

/** True for a status with which an engine may refuse a connection. */
export function isInitiateRefusal(status: number): boolean {
  return REFUSALS.includes(status);
}

/** What is given to blocks that are malformed, or not tried. */
const REFUSED: NDIS_STATUS = NDIS_STATUS_FAILURE;

/** Takes over the new objects of a tree, and asks the engine for the connections among them. */
export function beginInitiate(adapter: OffloadAdapter, operation: StateOperation): void {
  new Initiate(adapter, operation).run(operation.tree);
}

/** The engine has taken a connection, or will not. */
export function opened(adapter: OffloadAdapter, tcp: TcpObject, block: MiniportOffloadBlockList, status: NDIS_STATUS): void {
  block.status = status;
  if (status === NDIS_STATUS_SUCCESS) {
    const cell = block.miniportOffloadContext;
    const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
    if (cell !== null) cell.miniportOffloadContext = tcp;
    tcp.countEstablished(1);
    if (delegated !== null) takeOverData(tcp, block.netBufferListChain, delegated);
  } else {
    adapter.connections.forget(tcp);
  }
}

/** All connections are decided: so are the blocks above them. */
export function finishInitiate(operation: StateOperation): void {
  for (const { block, isLinker } of operation.parents) block.status = rollUp(block, isLinker);
}

/**
 * One initiate: depth first, breadth next, so that a connection is complete as early as can be. What depends on a block
 * that failed is not tried, its neighbors are; when the root fails, nothing else is tried.
 *
 * Source: `traversing-a-state-tree.md`, `partial-offloads-and-offload-failures.md`.
 */
class Initiate {
  private readonly adapter: OffloadAdapter;
  private readonly operation: StateOperation;
  private isRootFailed = false;

  constructor(adapter: OffloadAdapter, operation: StateOperation) {
    this.adapter = adapter;
    this.operation = operation;
  }

  run(root: MiniportOffloadBlockList): void {
    this.level(root, null, 0, root);
  }

  /** Processes a block and those behind it in its layer, with what depends on them. @param parent what they attach to. */
  private level(first: MiniportOffloadBlockList, parent: OffloadObject | null, depth: number, root: MiniportOffloadBlockList): void {
    for (let block: MiniportOffloadBlockList | null = first; block !== null; block = block.nextBlock) {
      const isLinker = (block.miniportOffloadContext?.miniportOffloadContext ?? null) !== null;
      const status = this.isRootFailed ? refusalOf(block) : this.process(block, parent, depth);
      // An answer that came inside the question has been written.
      if (status !== NDIS_STATUS_PENDING) block.status = status;
      const hasFailed = status < 0;
      if (hasFailed && block === root) this.isRootFailed = true;
      const dependents = block.dependentBlockList;
      if (dependents === null) continue;
      if (hasFailed || this.isRootFailed || depth === DEEPEST) this.refuse(dependents);
      else this.level(dependents, objectOf(block), depth + 1, root);
      if (!hasFailed) this.operation.parents.push({ block, isLinker });
    }
  }

  /** Gives a subtree, and all beside it, the status of what was not tried. */
  private refuse(first: MiniportOffloadBlockList): void {
    const { walk } = this.adapter;
    for (let block: MiniportOffloadBlockList | null = walk.start(first); block !== null; block = walk.next(block)) {
      block.status = refusalOf(block);
    }
  }

  /** @returns NDIS_STATUS_PENDING when the engine was asked. */
  private process(block: MiniportOffloadBlockList, parent: OffloadObject | null, depth: number): NDIS_STATUS {
    const cell = block.miniportOffloadContext;
    if (cell === null) return NDIS_STATUS_SUCCESS;
    if (cell.miniportOffloadContext !== null) return objectOf(block) === null ? REFUSED : NDIS_STATUS_SUCCESS;
    switch (offloadLayerOf(block.header.type)) {
      case 'neighbor':
        return depth === 0 ? this.takeNeighbor(block) : REFUSED;
      case 'path':
        return parent?.layer === 'neighbor' ? this.takePath(block, parent) : REFUSED;
      case 'tcp':
        return parent?.layer === 'path' ? this.takeTcp(block, parent) : REFUSED;
      case null:
        return REFUSED;
    }
  }

  private takeNeighbor(block: MiniportOffloadBlockList): NDIS_STATUS {
    const { adapter } = this;
    const state = block.state as NeighborOffloadState | null;
    const { ndisOffloadHandle: handle, miniportOffloadContext: cell } = block;
    if (handle === null || cell === null || state === null || state.const === null || state.cached === null || state.delegated === null) return REFUSED;
    const isWhole =
      hasBytes(state.const, SIZEOF_NEIGHBOR_OFFLOAD_STATE_CONST) &&
      hasBytes(state.cached, SIZEOF_NEIGHBOR_OFFLOAD_STATE_CACHED) &&
      hasBytes(state.delegated, SIZEOF_NEIGHBOR_OFFLOAD_STATE_DELEGATED);
    const status = isWhole ? adapter.admission.statusOfNeighbor(state.const) : REFUSED;
    if (status !== NDIS_STATUS_SUCCESS) return status;
    const neighbor = new NeighborObject(handle, state, adapter.nowTicks);
    adapter.admission.addNeighbor(neighbor);
    cell.miniportOffloadContext = neighbor;
    return NDIS_STATUS_SUCCESS;
  }

  private takePath(block: MiniportOffloadBlockList, neighbor: NeighborObject): NDIS_STATUS {
    const { adapter } = this;
    const state = block.state as PathOffloadState | null;
    const { ndisOffloadHandle: handle, miniportOffloadContext: cell } = block;
    if (handle === null || cell === null || state === null || state.const === null || state.cached === null) return REFUSED;
    if (!hasBytes(state.const, SIZEOF_PATH_OFFLOAD_STATE_CONST) || !hasBytes(state.cached, SIZEOF_PATH_OFFLOAD_STATE_CACHED)) return REFUSED;
    const isIPv6 = block.header.type === OFFLOAD_STATE_TYPE.Ip6OffloadState;
    const addressBytes = isIPv6 ? 16 : 4;
    const { sourceAddress, destinationAddress } = state.const;
    if (sourceAddress.length !== addressBytes || destinationAddress.length !== addressBytes) return REFUSED;
    const status = adapter.admission.statusOfPath(state);
    if (status !== NDIS_STATUS_SUCCESS) return status;
    const path = new PathObject(handle, state, neighbor, isIPv6);
    adapter.admission.addPath(path);
    cell.miniportOffloadContext = path;
    return NDIS_STATUS_SUCCESS;
  }

  private takeTcp(block: MiniportOffloadBlockList, path: PathObject): NDIS_STATUS {
    const { adapter, operation } = this;
    const state = block.state as TcpOffloadState | null;
    const { ndisOffloadHandle: handle, miniportOffloadContext: cell, netBufferListChain: chain } = block;
    if (handle === null || cell === null || state === null || state.const === null || state.cached === null || state.delegated === null) return REFUSED;
    const isWhole =
      hasBytes(state.const, SIZEOF_TCP_OFFLOAD_STATE_CONST) &&
      hasBytes(state.cached, SIZEOF_TCP_OFFLOAD_STATE_CACHED) &&
      hasBytes(state.delegated, SIZEOF_TCP_OFFLOAD_STATE_DELEGATED);
    const { delegated } = state;
    if (!isWhole || !isOffloadableState(delegated.state) || !isConsistent(delegated, chain)) return REFUSED;
    const status = adapter.admission.statusOfTcp(state, adapter.connections.count, chain);
    if (status !== NDIS_STATUS_SUCCESS) return status;
    const tcp = adapter.connections.admit(handle, path, state.const, state.cached, delegated);
    operation.connections.push(tcp);
    writeRecord(tcp, adapter.record, delegated);
    block.status = NDIS_STATUS_PENDING;
    adapter.operations.ask(tcp, QUESTION.open, operation, block);
    adapter.engine.open(tcp.id, adapter.record);
    return NDIS_STATUS_PENDING;
  }
}

/** Takes over what came along with a connection: not before the engine has it, for otherwise all of it is the host's still. */
function takeOverData(tcp: TcpObject, chain: NetBufferList | null, delegated: TcpOffloadStateDelegated): void {
  const { bufferedData } = delegated;
  const isIdle = chain === null && bufferedData === null && delegated.state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished;
  if (!isIdle) tcp.openDataPath(chain, bufferedData);
}

/** True when a state structure has at least the bytes that its kind has. */
function hasBytes(state: { readonly header: OffloadStateHeader }, byteCount: number): boolean {
  return state.header.length >= byteCount;
}

/** True when the sequence numbers fit the data that comes with them (`mapping-snduna--sndnxt--and-sndmax-to-the-mdls.md`). */
function isConsistent(delegated: TcpOffloadStateDelegated, chain: NetBufferList | null): boolean {
  const numbers = bytesOfList(chain) + (hasUnacknowledgedFin(delegated.state) ? 1 : 0);
  const sent = seqDelta(delegated.sndNxt, delegated.sndUna);
  const max = seqDelta(delegated.sndMax, delegated.sndUna);
  return sent >= 0 && sent <= max && max <= numbers;
}

/** What a block that is not tried ends with: a failure, but a placeholder never fails. */
function refusalOf(block: MiniportOffloadBlockList): NDIS_STATUS {
  return block.miniportOffloadContext === null ? NDIS_STATUS_SUCCESS : REFUSED;
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
