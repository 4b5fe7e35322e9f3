import { BACKLOG_SIZE_UNSUPPORTED, NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, type MiniportOffloadBlockList, type NDIS_STATUS, type NeighborOffloadState, type PathOffloadState, type TcpOffloadState } from '@ndis-chimney/types';

import type { ConnectionReport } from './connection-record.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import { objectOf, statusOf, type NeighborObject, type PathObject } from './offload-objects.ts';
import { QUESTION } from './questions.ts';
import type { StateOperation } from './state-operations.ts';
import type { TcpObject } from './tcp-object.ts';
import { writeConst, writeDelegated } from './tcp-state.ts';

/**
 * Fills every state structure that follows a block with present values. Of connections, the engine is asked for what is
 * delegated.
 *
 * Source: `filling-in-the-queried-state.md`.
 */
export function beginQuery(adapter: OffloadAdapter, operation: StateOperation): void {
  const { walk } = adapter;
  for (let block: MiniportOffloadBlockList | null = walk.start(operation.tree); block !== null; block = walk.next(block)) {
    block.status = statusOf(block);
    const { state } = block;
    const object = objectOf(block);
    if (state === null || object === null) continue;
    switch (object.layer) {
      case 'neighbor':
        fillNeighbor(adapter, object, state as NeighborOffloadState);
        break;
      case 'path':
        fillPath(object, state as PathOffloadState);
        break;
      case 'tcp':
        fillTcp(adapter, object, block, operation);
        break;
    }
  }
}

/** The engine has said how a connection stands, or cannot. */
export function queried(tcp: TcpObject, block: MiniportOffloadBlockList, status: NDIS_STATUS, report: ConnectionReport): void {
  const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
  block.status = status === NDIS_STATUS_SUCCESS ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
  if (status !== NDIS_STATUS_SUCCESS || delegated === null) return;
  writeDelegated(tcp, delegated, report);
  const { sendBacklogBytes } = tcp.adapter.limits;
  // What is posted at the moment has no influence.
  delegated.sendBacklogSize = report.sendBacklogSize ?? (sendBacklogBytes < 0 ? BACKLOG_SIZE_UNSUPPORTED : sendBacklogBytes);
  delegated.receiveBacklogSize = tcp.dataPath === null ? 0 : tcp.dataPath.receive.backlog;
}

function fillNeighbor(adapter: OffloadAdapter, neighbor: NeighborObject, state: NeighborOffloadState): void {
  state.const?.copyFrom(neighbor.constState);
  state.cached?.copyFrom(neighbor.cached);
  if (state.delegated !== null) state.delegated.nicReachabilityDelta = (adapter.nowTicks - neighbor.reachableAtTicks) | 0;
}

function fillPath(path: PathObject, state: PathOffloadState): void {
  state.const?.copyFrom(path.constState);
  state.cached?.copyFrom(path.cached);
}

function fillTcp(adapter: OffloadAdapter, tcp: TcpObject, block: MiniportOffloadBlockList, operation: StateOperation): void {
  const state = block.state as TcpOffloadState;
  if (state.const !== null) writeConst(tcp, state.const);
  state.cached?.copyFrom(tcp.cached);
  if (state.delegated === null) return;
  if (tcp.isFailed) {
    block.status = NDIS_STATUS_FAILURE;
    return;
  }
  adapter.operations.ask(tcp, QUESTION.query, operation, block);
  adapter.engine.query(tcp.id);
}
