import { isSame, isTrue, only } from '../check.ts';
import type { World } from '../world/world.ts';

/**
 * Checks the first argument of every callback: it is what the driver gave when it opened the binding on which it made
 * the request, and leads it to that binding. The host has two bindings, so that there is something to mix up.
 * @param at which argument of the request tells the object that comes back.
 */
export function checkContexts(world: World, request: string, callback: string, at: 0 | 1): void {
  for (const driver of world.uppers) {
    const openings = world.openingsOf(driver);
    const callbacks = world.journal.receivedBy(driver, callback);
    isSame(callbacks.length, world.connections.length, `callbacks of ${driver}`);
    for (const { args } of callbacks) {
      const { on } = only(world.journal.madeBy(driver, request).filter((call) => call.args[at] === args[1]), `requests of ${driver} for what came back`);
      const { context } = only(openings.filter(({ binding }) => binding === on), `openings of the binding of that request by ${driver}`);
      isTrue(typeof context === 'object' && context !== null, `${driver} opened its binding without a context`);
      isSame(args[0], context, `ProtocolBindingContext of a callback of ${driver}`);
    }
  }
  isSame(new Set(world.openingsOf('host').map(({ context }) => context)).size, 2, 'areas that the host keeps for its bindings');
}
