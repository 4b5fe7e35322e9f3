import type {
  TcpOffloadStateDelegated} from '@ndis-chimney/types';
import {
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_SUCCESS,
  NeighborOffloadStateDelegated,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  OffloadHandle,
  PathOffloadStateDelegated,
  createProtocolOffloadBlockList,
  type NDIS_STATUS,
  type NdisBinding,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import type { ConnectionState } from './connection-description.ts';

/**
 * The three objects of one connection and the trees that name them: neighbor, path, TCP, each depending on the one
 * before.
 */
export class ConnectionBlocks<Owner> {
  readonly neighbor: OffloadHandle<Owner>;
  readonly path: OffloadHandle<Owner>;
  readonly tcp: OffloadHandle<Owner>;
  private readonly state: ConnectionState;

  constructor(binding: NdisBinding, owner: Owner, state: ConnectionState) {
    this.neighbor = new OffloadHandle(binding, owner);
    this.path = new OffloadHandle(binding, owner);
    this.tcp = new OffloadHandle(binding, owner);
    this.state = state;
  }

  /** The tree that offers all three. */
  initiateTree(): ProtocolOffloadBlockList {
    const { neighbor, path, tcp, state } = this;
    const root = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, neighbor, state.neighbor);
    root.dependentBlockList = createProtocolOffloadBlockList(state.pathType, path, state.path);
    root.dependentBlockList.dependentBlockList = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState, tcp, state.tcp);
    return root;
  }

  /**
   * The tree that takes back whatever is with the target, with room for its delegated state; null when nothing is.
   * Objects that are not there are left out as placeholders.
   */
  terminateTree(delegated: TcpOffloadStateDelegated): ProtocolOffloadBlockList | null {
    const { neighbor, path, tcp, state } = this;
    const isIPv4 = state.pathType === OFFLOAD_STATE_TYPE.Ip4OffloadState;
    const { NeighborOffloadDelegatedState, Ip4OffloadDelegatedState, Ip6OffloadDelegatedState, TcpOffloadDelegatedState } = OFFLOAD_STATE_TYPE;
    const handles = [neighbor, path, tcp].map((handle) => (isWithTarget(handle) ? handle : null));
    if (handles.every((handle) => handle === null)) return null;
    const [neighborHandle = null, pathHandle = null, tcpHandle = null] = handles;
    const root = createProtocolOffloadBlockList(
      NeighborOffloadDelegatedState,
      neighborHandle,
      neighborHandle === null ? null : new OffloadBlockState(null, null, new NeighborOffloadStateDelegated()),
    );
    root.dependentBlockList = createProtocolOffloadBlockList(
      isIPv4 ? Ip4OffloadDelegatedState : Ip6OffloadDelegatedState,
      pathHandle,
      pathHandle === null ? null : new OffloadBlockState(null, null, new PathOffloadStateDelegated()),
    );
    root.dependentBlockList.dependentBlockList = createProtocolOffloadBlockList(
      TcpOffloadDelegatedState,
      tcpHandle,
      tcpHandle === null ? null : new OffloadBlockState(null, null, delegated),
    );
    return root;
  }
}

function isWithTarget(handle: OffloadHandle): boolean {
  return handle.state === 'offloaded' || handle.state === 'lost';
}

/** The TCP block of one of the trees above. */
export function tcpBlockOf(root: ProtocolOffloadBlockList): ProtocolOffloadBlockList {
  return root.dependentBlockList?.dependentBlockList ?? root;
}

/**
 * What an initiate of such a tree came to: the status of the lowest layer that failed, or of the TCP block. A layer that
 * is merely partly successful was offloaded.
 */
export function initiateStatusOf(root: ProtocolOffloadBlockList): NDIS_STATUS {
  for (let block: ProtocolOffloadBlockList | null = root; block !== null; block = block.dependentBlockList) {
    const isOffloaded = block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
    if (!isOffloaded) return block.status;
  }
  return NDIS_STATUS_SUCCESS;
}

/** Failure when any block of a terminated tree failed. */
export function terminateStatusOf(root: ProtocolOffloadBlockList): NDIS_STATUS {
  for (let block: ProtocolOffloadBlockList | null = root; block !== null; block = block.dependentBlockList) {
    if (block.offloadHandle !== null && block.status !== NDIS_STATUS_SUCCESS) return block.status;
  }
  return NDIS_STATUS_SUCCESS;
}
