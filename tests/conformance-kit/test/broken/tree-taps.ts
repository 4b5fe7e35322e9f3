// What deliberately broken targets have in common that are wrong about trees.
import { blocksOf } from '@ndis-chimney/conformance/probes';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';
import { NDIS_CHIMNEY_OFFLOAD_TYPE, offloadLayerOf, type MiniportOffloadBlockList, type NdisMiniport, type NdisTcpOffloadEventHandlers, type OffloadLayer } from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';

/** The five state operations, as their taps are named. */
export const OPERATIONS = {
  initiate: { begin: 'miniportInitiateOffload', complete: 'initiateOffloadComplete' },
  query: { begin: 'miniportQueryOffload', complete: 'queryOffloadStateComplete' },
  update: { begin: 'miniportUpdateOffload', complete: 'updateOffloadComplete' },
  invalidate: { begin: 'miniportInvalidateOffload', complete: 'invalidateOffloadComplete' },
  terminate: { begin: 'miniportTerminateOffload', complete: 'terminateOffloadComplete' },
} as const;
/** One of them. */
export type OperationName = keyof typeof OPERATIONS;

type Complete = (next: (tree: MiniportOffloadBlockList) => void, tree: MiniportOffloadBlockList) => void;

/** Completes operations of these kinds in another way. */
export function completing(operations: OperationName | readonly OperationName[], complete: Complete): MiniportTaps {
  const names = typeof operations === 'string' ? [operations] : operations;
  return Object.fromEntries(names.map((name) => [OPERATIONS[name].complete, complete]));
}

/** Completes operations with something changed about each block. */
export function changingBlocks(operations: OperationName | readonly OperationName[], change: (block: MiniportOffloadBlockList, root: MiniportOffloadBlockList) => void): MiniportTaps {
  return completing(operations, (next, tree) => {
    for (const block of blocksOf(tree)) change(block, tree);
    next(tree);
  });
}

/** The layer of a block. */
export function layerOf(block: MiniportOffloadBlockList): OffloadLayer | null {
  return offloadLayerOf(block.header.type);
}

/** The blocks of one layer in a tree. */
export function layer(tree: MiniportOffloadBlockList, name: OffloadLayer): MiniportOffloadBlockList[] {
  return blocksOf(tree).filter((block) => layerOf(block) === name);
}

/** Taps that are given the target's adapter and its offload handlers, as soon as there is one. */
export function withAdapter(taps: (adapter: () => { miniport: NdisMiniport; handlers: NdisTcpOffloadEventHandlers }) => MiniportTaps): Broken['taps'] {
  return () => {
    let known: { miniport: NdisMiniport; handlers: NdisTcpOffloadEventHandlers } | null = null;
    return {
      miniportInitializeEx: (next, miniport, parameters) => {
        const { offloadHandlers } = miniport.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
        if (offloadHandlers !== null) known = { miniport, handlers: offloadHandlers };
        return next(miniport, parameters);
      },
      ...taps(() => {
        if (known === null) throw new Error('there is no adapter yet');
        return known;
      }),
    };
  };
}

/** Turns every list of siblings in a tree around. @returns the new root; the same once more puts it back. */
export function turnedAround(root: MiniportOffloadBlockList): MiniportOffloadBlockList {
  const siblings: MiniportOffloadBlockList[] = [];
  for (let block: MiniportOffloadBlockList | null = root; block !== null; block = block.nextBlock) siblings.push(block);
  siblings.reverse().forEach((block, at) => {
    block.nextBlock = siblings[at + 1] ?? null;
    if (block.dependentBlockList !== null) block.dependentBlockList = turnedAround(block.dependentBlockList);
  });
  return siblings[0] ?? root;
}
