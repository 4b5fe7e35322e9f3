import {
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  TcpOffloadStateDelegated,
  createProtocolOffloadBlockList,
  offloadLayerOf,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import type { ProbeOperation } from '../probes/probe-target.ts';

/** A state operation on objects that are offloaded. */
export type LaterOperation = Exclude<ProbeOperation, 'initiate'>;
/** All of them, in an order in which one set of objects can go through them. */
export const LATER_OPERATIONS: readonly LaterOperation[] = ['query', 'update', 'invalidate', 'terminate'];

/** A tree for an operation on all objects of a tree that was offloaded, linked as that was. State is as the operation has it. */
export function operationTree(operation: LaterOperation, offloaded: ProtocolOffloadBlockList): ProtocolOffloadBlockList {
  const { nextBlock, dependentBlockList, offloadHandle, header } = offloaded;
  const layer = offloadLayerOf(header.type) ?? 'tcp';
  const state = stateFor(operation, layer);
  const block = createProtocolOffloadBlockList(typeFor(operation, header.type), offloadHandle, state);
  if (nextBlock !== null) block.nextBlock = operationTree(operation, nextBlock);
  if (dependentBlockList !== null) block.dependentBlockList = operationTree(operation, dependentBlockList);
  return block;
}

/** The types of one layer are const, cached, delegated, and all of them together. */
function typeFor(operation: LaterOperation, complete: number): OFFLOAD_STATE_TYPE {
  const { NeighborOffloadState, NeighborOffloadCachedState, NeighborOffloadDelegatedState, Ip4OffloadState, Ip4OffloadCachedState, Ip4OffloadDelegatedState } = OFFLOAD_STATE_TYPE;
  const { TcpOffloadState, TcpOffloadCachedState, TcpOffloadDelegatedState } = OFFLOAD_STATE_TYPE;
  const at = operation === 'update' ? 1 : operation === 'terminate' ? 2 : 0;
  const types = [
    [NeighborOffloadState, NeighborOffloadCachedState, NeighborOffloadDelegatedState],
    [Ip4OffloadState, Ip4OffloadCachedState, Ip4OffloadDelegatedState],
    [TcpOffloadState, TcpOffloadCachedState, TcpOffloadDelegatedState],
  ].find(([all]) => all === complete);
  if (types?.[at] === undefined) throw new TypeError(`operationTree: a block of type ${complete} does not have all of its state`);
  return types[at];
}

function stateFor(operation: LaterOperation, layer: 'neighbor' | 'path' | 'tcp'): OffloadBlockState | null {
  if (operation === 'invalidate') return null;
  const [constant, cached, delegated] = structuresOf(layer);
  if (operation === 'update') return new OffloadBlockState(null, cached, null);
  return operation === 'terminate' ? new OffloadBlockState(null, null, delegated) : new OffloadBlockState(constant, cached, delegated);
}

function structuresOf(layer: 'neighbor' | 'path' | 'tcp'): readonly [object, object, object] {
  switch (layer) {
    case 'neighbor':
      return [new NeighborOffloadStateConst(), new NeighborOffloadStateCached(), new NeighborOffloadStateDelegated()];
    case 'path':
      return [new PathOffloadStateConst(), new PathOffloadStateCached(), new PathOffloadStateDelegated()];
    case 'tcp':
      return [new TcpOffloadStateConst(), new TcpOffloadStateCached(), new TcpOffloadStateDelegated()];
  }
}
