import { present, tcpBlock, type CompleteTreeOptions, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  OFFLOAD_STATE_TYPE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type MiniportOffloadBlockList,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
  type TcpOffloadStateCached,
  type TcpOffloadStateConst,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import { bare } from './refuse.ts';

/** The delegated state behind a block. */
export function delegatedIn(block: MiniportOffloadBlockList): TcpOffloadStateDelegated {
  return present((block.state as TcpOffloadState | null)?.delegated);
}

/** The constant state behind a block. */
export function constIn(block: MiniportOffloadBlockList): TcpOffloadStateConst {
  return present((block.state as TcpOffloadState | null)?.const);
}

/** The cached state behind a block. */
export function cachedIn(block: MiniportOffloadBlockList): TcpOffloadStateCached {
  return present((block.state as TcpOffloadState | null)?.cached);
}

/** The host queries the connection, and the target answers. */
export function query({ host, target, connection }: ProbeStack, options: CompleteTreeOptions = {}): void {
  host.binding.queryOffloadState(host.connections(connection));
  target.completeTree('query', options);
}

/** The host updates the cached state of the connection, and the target answers. */
export function update({ host, target, connection }: ProbeStack, change: (cached: TcpOffloadStateCached) => void, options: CompleteTreeOptions = {}): void {
  const block = tcpBlock(connection);
  block.header.type = OFFLOAD_STATE_TYPE.TcpOffloadCachedState;
  const state = block.state as TcpOffloadState;
  state.const = null;
  state.delegated = null;
  change(present(state.cached));
  host.binding.updateOffload(block);
  target.completeTree('update', options);
}

/** The host invalidates the connection, and the target answers. */
export function invalidate({ host, target, connection }: ProbeStack, options: CompleteTreeOptions = {}): void {
  host.binding.invalidateOffload(bare(OFFLOAD_STATE_TYPE.TcpOffloadState, connection));
  target.completeTree('invalidate', options);
}

/** The host terminates the connection. @returns the tree, which is with the target. */
export function beginTerminate({ host, connection }: ProbeStack, handle: OffloadHandle = connection): ProtocolOffloadBlockList {
  const root = host.connections(handle);
  host.binding.terminateOffload(root);
  return root;
}

/** The host terminates the connection, and the target answers. */
export function terminate(stack: ProbeStack, options: CompleteTreeOptions = {}): void {
  beginTerminate(stack);
  stack.target.completeTree('terminate', options);
}

/** What a target indicates when its hardware has failed. */
export function indicateFailure({ target, connection }: ProbeStack): void {
  target.event(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure);
  target.event(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
}

/** What follows: the host terminates the connection, the target completes what was pending as it has to. */
export function takeBackAborted(stack: ProbeStack): void {
  const { target } = stack;
  beginTerminate(stack);
  target.completeSends(target.sends.length, NDIS_STATUS_REQUEST_ABORTED);
  target.completeReceives(target.receives.length, NDIS_STATUS_REQUEST_ABORTED);
  target.completeTree('terminate');
}

/** What a target does before it completes a receive: the data is there. */
export function fill({ firstNetBuffer }: NetBufferList, text: string): void {
  present(present(firstNetBuffer).mdlChain).buffer.set(new TextEncoder().encode(text));
}

/** How a target completes what it cannot carry out. */
export const FAILED: CompleteTreeOptions = { status: NDIS_STATUS_FAILURE };
