import type { PassThroughAdapter } from '@ndis-chimney/intermediate';
import type { NdisBinding, NdisMiniport } from '@ndis-chimney/types';
import type { ProbeBinding } from '@ndis-chimney/kit';

import { isSame, only } from '../check.ts';
import type { World } from '../world/world.ts';

/**
 * Checks who passes completions on: of an intermediate driver the instance that was called back, so that each of the
 * host's requests comes back over the adapter it went down on.
 */
export function checkInstances(world: World, request: string, completion: string, callback: string): void {
  const { journal, connections } = world;
  for (const driver of world.relays) {
    const passedOn = journal.madeBy(driver, completion);
    isSame(passedOn.length, connections.length, `completions that ${driver} passed on`);
    for (const { on, within } of passedOn) {
      const instance = within?.args[0] as PassThroughAdapter | undefined;
      isSame((on as NdisMiniport).name, instance?.name, `virtual miniport with which ${driver} passed a completion on`);
    }
  }
  const callbacks = journal.receivedBy('host', callback);
  isSame(callbacks.length, connections.length, 'callbacks of the host');
  for (const { args } of callbacks) {
    const { on } = only(journal.madeBy('host', request).filter((call) => call.args[1] === args[1]), 'requests of the host for what came back');
    isSame((args[0] as ProbeBinding).parameters.adapterName, (on as NdisBinding).adapterName, 'adapter over which a request of the host came back');
  }
}
