import type { MiniportOffloadBlockList, NdisBinding, NdisMiniport, ProtocolOffloadBlockList } from '@ndis-chimney/types';

/** The five state-manipulation operations. */
export type StateOperation = 'initiate' | 'terminate' | 'update' | 'invalidate' | 'query';

/** Passes a tree down by the `NdisXxxOffload` function of an operation. */
export function passTreeDown(binding: NdisBinding, operation: StateOperation, tree: ProtocolOffloadBlockList): void {
  switch (operation) {
    case 'initiate':
      binding.initiateOffload(tree);
      break;
    case 'terminate':
      binding.terminateOffload(tree);
      break;
    case 'update':
      binding.updateOffload(tree);
      break;
    case 'invalidate':
      binding.invalidateOffload(tree);
      break;
    case 'query':
      binding.queryOffloadState(tree);
  }
}

/** Passes a tree up by the `NdisMXxxOffloadComplete` function of an operation. */
export function passTreeUp(miniport: NdisMiniport, operation: StateOperation, tree: MiniportOffloadBlockList): void {
  switch (operation) {
    case 'initiate':
      miniport.initiateOffloadComplete(tree);
      break;
    case 'terminate':
      miniport.terminateOffloadComplete(tree);
      break;
    case 'update':
      miniport.updateOffloadComplete(tree);
      break;
    case 'invalidate':
      miniport.invalidateOffloadComplete(tree);
      break;
    case 'query':
      miniport.queryOffloadStateComplete(tree);
  }
}
