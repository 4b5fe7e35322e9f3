import type { NdisLibrary } from '@ndis-chimney/types';

import { PassThroughDriver } from './pass-through-driver.ts';

/** What a case of the conformance kit may ask a pass-through driver to be made like; its `IntermediateWishes`. */
export interface PassThroughWishes {
  /** Names the driver and its virtual miniports. Default `pass-through`. */
  readonly name?: string;
  /** Memory for so many NET_BUFFER_LISTs on their way, each way. */
  readonly netBufferLists?: number;
  /** Memory for so many state operations on their way. */
  readonly operations?: number;
  /** Memory for so many offloaded objects. */
  readonly objects?: number;
}

/** Makes a pass-through driver the way a module with an intermediate driver does for the conformance kit, by this name. */
export function createIntermediate(ndis: NdisLibrary, wishes: PassThroughWishes = {}): PassThroughDriver {
  const { name, netBufferLists = Infinity, operations = Infinity, objects = Infinity } = wishes;
  return new PassThroughDriver(ndis, {
    ...(name !== undefined && { name }),
    netBufferListContexts: netBufferLists,
    callEntries: operations,
    offloadEntries: objects,
  });
}

/** What the conformance kit may ask of pass-through drivers. */
export const conformanceAbilities: { readonly abilities: readonly ('transparent' | 'nbl-shortage' | 'state-shortage' | 'reports-memory' | 'stopped-calls' | 'virtual-time')[] } = {
  abilities: ['transparent', 'nbl-shortage', 'state-shortage', 'reports-memory', 'stopped-calls', 'virtual-time'],
};
