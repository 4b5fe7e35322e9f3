import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_FLAG_MAX_RT_RESTART,
  TCP_FLAG_UPDATE_RCV_WND,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type NeighborOffloadStateCached,
  type PathOffloadState,
  type PathOffloadStateCached,
  type TcpOffloadState,
  type TcpOffloadStateCached,
} from '@ndis-chimney/types';

import type { RawAdapter } from './adapter.ts';
import { backlogOf, openWindow, writeDelegated, type RawConnection } from './connection.ts';
import { objectOf, type RawNeighbor } from './objects.ts';
import { handUp } from './receiving.ts';
import { endAll } from './turn.ts';

/** What an operation does to one block, and with what it ends. */
type Visit = (block: MiniportOffloadBlockList) => NDIS_STATUS;

/** Visits every block of a tree; each gets the status it ended with. A placeholder stands for nothing. */
export function visitAll(first: MiniportOffloadBlockList | null, visit: Visit): void {
  for (let block = first; block !== null; block = block.nextBlock) {
    block.status = block.miniportOffloadContext === null ? NDIS_STATUS_SUCCESS : visit(block);
    visitAll(block.dependentBlockList, visit);
  }
}

// --- terminate ---

/** From now on nothing is processed. */
export function beginTerminate(root: MiniportOffloadBlockList): void {
  visitAll(root, (block) => {
    const object = objectOf(block);
    if (object?.layer === 'connection') object.isLeaving = true;
    return NDIS_STATUS_SUCCESS;
  });
}

/** Gives a tree back. Whatever was to be sent goes back by completion, nothing in the tree. */
export function terminate(adapter: RawAdapter, root: MiniportOffloadBlockList): void {
  visitAll(root, (block) => {
    const object = objectOf(block);
    if (object === null) return NDIS_STATUS_FAILURE;
    if (object.layer === 'connection') giveBack(object, block);
    else if (object.layer === 'neighbor' && block.state !== null) writeHeard(adapter, object.heardAtTicks, block.state as NeighborOffloadState);
    return NDIS_STATUS_SUCCESS;
  });
}

function giveBack(connection: RawConnection, block: MiniportOffloadBlockList): void {
  const { now, adapter, farEnd, wire } = connection;
  const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
  endAll(connection, connection.isAborted ? NDIS_STATUS_REQUEST_ABORTED : NDIS_STATUS_UPLOAD_IN_PROGRESS);
  now.sndNxt = now.sndUna;
  farEnd.detach(now.rcvNxt, wire.cut());
  adapter.environment.dpcQueue.remove(connection.dpc);
  adapter.connections.delete(connection);
  block.netBufferListChain = null;
  if (delegated === null) return;
  writeDelegated(connection, delegated);
  delegated.bufferedData = handUp(connection);
}

function writeHeard({ ticks }: RawAdapter, heardAtTicks: number, { delegated }: NeighborOffloadState): void {
  if (delegated !== null) delegated.nicReachabilityDelta = (ticks - heardAtTicks) | 0;
}

// --- query, update, invalidate ---

export function query(adapter: RawAdapter, root: MiniportOffloadBlockList): void {
  visitAll(root, (block) => {
    const object = objectOf(block);
    if (object === null) return NDIS_STATUS_FAILURE;
    if (block.state === null) return NDIS_STATUS_SUCCESS;
    if (object.layer === 'neighbor') {
      const state = block.state as NeighborOffloadState;
      state.const?.copyFrom(object.constant);
      state.cached?.copyFrom(object.cached);
      writeHeard(adapter, object.heardAtTicks, state);
    } else if (object.layer === 'path') {
      const state = block.state as PathOffloadState;
      state.const?.copyFrom(object.constant);
      state.cached?.copyFrom(object.cached);
    } else {
      const state = block.state as TcpOffloadState;
      state.const?.copyFrom(object.constant);
      state.cached?.copyFrom(object.cached);
      if (state.delegated === null) return NDIS_STATUS_SUCCESS;
      writeDelegated(object, state.delegated);
      state.delegated.sendBacklogSize = 2 * object.now.cWnd;
      state.delegated.receiveBacklogSize = backlogOf(object);
    }
    return NDIS_STATUS_SUCCESS;
  });
}

export function update(adapter: RawAdapter, root: MiniportOffloadBlockList): void {
  visitAll(root, (block) => {
    const object = objectOf(block);
    if (object === null) return NDIS_STATUS_FAILURE;
    if (object.layer === 'neighbor') relink(object, block.dependentBlockList);
    const { state } = block;
    if (state === null) return NDIS_STATUS_SUCCESS;
    if (state.cached === null) return NDIS_STATUS_FAILURE;
    if (object.layer === 'neighbor') object.cached.copyFrom(state.cached as NeighborOffloadStateCached);
    else if (object.layer === 'path') object.cached.copyFrom(state.cached as PathOffloadStateCached);
    else follow(object, state.cached as TcpOffloadStateCached);
    return NDIS_STATUS_SUCCESS;
  });
  adapter.wakeAll();
}

function relink(neighbor: RawNeighbor, first: MiniportOffloadBlockList | null): void {
  for (let block = first; block !== null; block = block.nextBlock) {
    const path = objectOf(block);
    if (path?.layer === 'path') path.neighbor = neighbor;
  }
}

function follow(connection: RawConnection, cached: TcpOffloadStateCached): void {
  const { flags } = connection.cached.copyFrom(cached);
  if ((flags & TCP_FLAG_MAX_RT_RESTART) !== 0) connection.now.totalRT = 0;
  openWindow(connection);
  if ((flags & TCP_FLAG_UPDATE_RCV_WND) !== 0) connection.isAckDue = true;
}

/** Nothing is sent any more on what is invalid. */
export function invalidate(root: MiniportOffloadBlockList): void {
  visitAll(root, (block) => {
    const object = objectOf(block);
    if (object === null) return NDIS_STATUS_FAILURE;
    object.isInvalid = true;
    return NDIS_STATUS_SUCCESS;
  });
}
