import type { NdisLibrary } from '@ndis-chimney/types';

import { PassThroughDriver, type PassThroughOptions } from './pass-through-driver.ts';

/** Makes a pass-through driver: what the conformance command loads from a module with an intermediate driver, by this name. */
export function createIntermediate(ndis: NdisLibrary, options: PassThroughOptions = {}): PassThroughDriver {
  return new PassThroughDriver(ndis, options);
}
