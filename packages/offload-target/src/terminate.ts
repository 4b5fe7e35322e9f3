import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { ConnectionReport } from './connection-record.ts';
import { bytesOfList } from './mdl-cursor.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import { objectOf, statusOf } from './offload-objects.ts';
import { QUESTION } from './questions.ts';
import type { StateOperation } from './state-operations.ts';
import type { TcpObject } from './tcp-object.ts';
import { writeDelegated } from './tcp-state.ts';

/** Of a connection that the engine has lost, the target says what it knows itself. */
const NOTHING_TO_REPORT: ConnectionReport = {};

/**
 * Gives objects back, delegated state written: whatever was pending goes back before, or in the tree. Their records are
 * let go when the completion has returned.
 *
 * Source: `terminate-offload-sequence.md`.
 */
export function beginTerminate(adapter: OffloadAdapter, operation: StateOperation): void {
  const { walk } = adapter;
  for (let block: MiniportOffloadBlockList | null = walk.start(operation.tree); block !== null; block = walk.next(block)) {
    block.status = statusOf(block);
    const object = objectOf(block);
    if (object === null) continue;
    if (object.layer === 'tcp') {
      beginUpload(adapter, object, block, operation);
      continue;
    }
    operation.released.push(object);
    if (object.layer === 'path') continue;
    const state = block.state as NeighborOffloadState | null;
    if (state !== null && state.delegated !== null) state.delegated.nicReachabilityDelta = (adapter.nowTicks - object.reachableAtTicks) | 0;
  }
}

function beginUpload(adapter: OffloadAdapter, tcp: TcpObject, block: MiniportOffloadBlockList, operation: StateOperation): void {
  tcp.leave();
  tcp.isResumeWanted = false;
  tcp.dataPath?.beginUpload();
  if (tcp.isFailed) {
    upload(tcp, block, NOTHING_TO_REPORT);
    operation.connections.push(tcp);
    return;
  }
  adapter.operations.ask(tcp, QUESTION.export, operation, block);
  adapter.engine.export(tcp.id);
}

/** The engine has given a connection back, or will not. */
export function exported(operation: StateOperation, tcp: TcpObject, block: MiniportOffloadBlockList, status: NDIS_STATUS, report: ConnectionReport): void {
  if (status !== NDIS_STATUS_SUCCESS) {
    // Nothing of it goes back yet: there will be a second terminate.
    block.status = NDIS_STATUS_FAILURE;
    return;
  }
  upload(tcp, block, report);
  operation.connections.push(tcp);
}

function upload(tcp: TcpObject, block: MiniportOffloadBlockList, report: ConnectionReport): void {
  const { dataPath } = tcp;
  const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
  block.netBufferListChain = null;
  if (delegated !== null) writeDelegated(tcp, delegated, report);
  if (dataPath === null) return;
  const hasSends = dataPath.send.queue.head !== null;
  const chain = dataPath.upload(delegated !== null);
  block.netBufferListChain = chain;
  if (delegated === null) {
    dataPath.receive.offerBuffered();
    return;
  }
  delegated.bufferedData = dataPath.receive.takeBuffered();
  if (chain === null) {
    // Everything that was not acknowledged has gone back by completion.
    if (hasSends) delegated.sndNxt = delegated.sndUna;
    return;
  }
  const byteCount = bytesOfList(chain);
  let tail = chain;
  while (tail.next !== null) tail = tail.next;
  delegated.sendDataHead = chain;
  delegated.sendDataTail = tail;
  // The data and the FIN of a disconnect have gone back with its NBL.
  if (((delegated.sndNxt - delegated.sndUna) | 0) > byteCount) delegated.sndNxt = (delegated.sndUna + byteCount) | 0;
}

/** The tree is back with the host: the records of what it names are let go. */
export function finishTerminate(adapter: OffloadAdapter, operation: StateOperation): void {
  for (const tcp of operation.connections) {
    tcp.countEstablished(-1);
    adapter.connections.forget(tcp);
  }
  for (const object of operation.released) {
    if (object.layer === 'path') adapter.admission.removePath(object);
    else adapter.admission.removeNeighbor(object);
  }
}
