import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  TCP_FLAG_MAX_RT_RESTART,
  TCP_UPLOAD_REASON,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { OffloadAdapter } from './offload-adapter.ts';
import { objectOf, statusOf, type NeighborObject, type OffloadObject } from './offload-objects.ts';
import { QUESTION } from './questions.ts';
import type { StateOperation } from './state-operations.ts';
import type { TcpObject } from './tcp-object.ts';
import { writeSettings } from './tcp-state.ts';

/** Blocks that announce constant or delegated state alone: there is nothing in them that an update may change. */
const NOT_CACHED: readonly number[] = [
  OFFLOAD_STATE_TYPE.NeighborOffloadConstState,
  OFFLOAD_STATE_TYPE.NeighborOffloadDelegatedState,
  OFFLOAD_STATE_TYPE.Ip4OffloadConstState,
  OFFLOAD_STATE_TYPE.Ip4OffloadDelegatedState,
  OFFLOAD_STATE_TYPE.Ip6OffloadConstState,
  OFFLOAD_STATE_TYPE.Ip6OffloadDelegatedState,
  OFFLOAD_STATE_TYPE.TcpOffloadConstState,
  OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState,
];

/**
 * Takes new cached state over, and links paths to another neighbor: a path below a named neighbor depends on that one
 * from now on. Constant and delegated state is left alone; a block that brings nothing else fails.
 *
 * Source: `updating-cached-variables.md`, `linking-path-state-objects-to-a-new-neighbor-state-object.md`.
 */
export function beginUpdate(adapter: OffloadAdapter, operation: StateOperation): void {
  const update = new Update(adapter, operation);
  const { walk } = adapter;
  for (let top: MiniportOffloadBlockList | null = operation.tree; top !== null; top = top.nextBlock) {
    update.take(top);
    const object = objectOf(top);
    let block = top.dependentBlockList === null ? null : walk.start(top.dependentBlockList);
    for (; block !== null; block = walk.next(block)) {
      update.take(block);
      // A placeholder expresses no link.
      if (object?.layer === 'neighbor') update.relink(block, object);
    }
  }
}

/** The engine has taken the new settings of a connection over, or keeps the old ones. */
export function updated(block: MiniportOffloadBlockList | null, status: NDIS_STATUS): void {
  if (block !== null && status !== NDIS_STATUS_SUCCESS) block.status = NDIS_STATUS_FAILURE;
}

/** What depends on an invalid neighbor now stops; what does not any more goes on, though its upload was asked for. */
export function finishUpdate(adapter: OffloadAdapter, operation: StateOperation): void {
  if (!operation.hasRelinked) return;
  for (const tcp of adapter.connections.all) {
    if (tcp?.isConcerned !== true) continue;
    if (tcp.isStopped) adapter.requestUpload(tcp, TCP_UPLOAD_REASON.InvalidState);
    else if (tcp.uploadReason === TCP_UPLOAD_REASON.InvalidState) adapter.resume(tcp);
  }
}

class Update {
  private readonly adapter: OffloadAdapter;
  private readonly operation: StateOperation;

  constructor(adapter: OffloadAdapter, operation: StateOperation) {
    this.adapter = adapter;
    this.operation = operation;
  }

  take(block: MiniportOffloadBlockList): void {
    block.status = statusOf(block);
    const object = objectOf(block);
    if (object === null || block.state === null) return;
    if (NOT_CACHED.includes(block.header.type)) {
      block.status = NDIS_STATUS_FAILURE;
      return;
    }
    switch (object.layer) {
      case 'neighbor': {
        const { cached } = block.state as NeighborOffloadState;
        if (cached === null) break;
        object.cached.copyFrom(cached);
        object.hostReachableAtTicks = (this.adapter.nowTicks - cached.hostReachabilityDelta) | 0;
        this.tellDependents(block, object);
        break;
      }
      case 'path': {
        const { cached } = block.state as PathOffloadState;
        if (cached === null) break;
        object.cached.copyFrom(cached);
        this.tellDependents(block, object);
        break;
      }
      case 'tcp':
        this.takeTcp(block, object);
        break;
    }
  }

  /** Makes a path depend on a neighbor, unless it does already, or is no path. */
  relink(block: MiniportOffloadBlockList, neighbor: NeighborObject): void {
    const object = objectOf(block);
    if (object?.layer !== 'path' || object.neighbor === neighbor) return;
    object.neighbor = neighbor;
    this.operation.hasRelinked = true;
    this.tellDependents(block, object);
  }

  private takeTcp(block: MiniportOffloadBlockList, tcp: TcpObject): void {
    const { cached } = block.state as TcpOffloadState;
    if (cached === null) return;
    if (tcp.isFailed) {
      block.status = NDIS_STATUS_FAILURE;
      return;
    }
    tcp.cached = this.adapter.connections.cachedStates.copyOf(cached);
    if ((cached.flags & TCP_FLAG_MAX_RT_RESTART) !== 0) tcp.restartMaxRT();
    // The new window before the settings, so that an engine that is told to advertise has it.
    tcp.dataPath?.schedule();
    this.adapter.openWindow(tcp);
    this.tell(block, tcp);
  }

  /** Tells the engine of the new settings of every connection that depends on an object. */
  private tellDependents(block: MiniportOffloadBlockList, object: OffloadObject): void {
    for (const tcp of this.adapter.connections.all) {
      if (tcp === null || (tcp.path !== object && tcp.path.neighbor !== object) || tcp.isFailed) continue;
      if (tcp.isConcerned) this.tell(block, tcp);
      // One that is being offloaded is not to be operated on yet.
      else tcp.isUpdateDue = true;
    }
  }

  private tell(block: MiniportOffloadBlockList, tcp: TcpObject): void {
    tellSettings(this.adapter, tcp, this.operation, block);
  }
}

/** Tells the engine of the settings that hold now, on behalf of a block of an operation or not. */
export function tellSettings(adapter: OffloadAdapter, tcp: TcpObject, operation: StateOperation | null, block: MiniportOffloadBlockList | null): void {
  const { settings } = adapter.record;
  writeSettings(tcp, settings, tcp.cached.flags);
  adapter.operations.ask(tcp, QUESTION.update, operation, block);
  adapter.engine.update(tcp.id, settings);
}
