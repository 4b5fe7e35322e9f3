import type { ObjectRecord } from '../record/object-record.ts';
import type { RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';

/** True for an object that has been through something after which targets like to let go of it. */
export function isStricken(object: ObjectRecord): boolean {
  return !object.isInvalid && (object.isAborted || object.isDisconnectIndicated || object.disconnected !== 'no' || object.uploadReason !== null);
}

/**
 * Looks whether what a target has put into the cell of an object is still there when the host names the object again.
 * @param applies which objects are looked at. @param how what they are, for the message: `invalid`.
 */
export function watchContexts(applies: (object: ObjectRecord) => boolean, how: string): (watch: Watch) => RuleHooks {
  return ({ broken }) => {
    const reported = new WeakSet<ObjectRecord>();
    return {
      treeDown: ({ operation, edge, blocks }) => {
        if (operation === 'initiate' || edge.lowerRole !== 'target') return;
        for (const { object, cell } of blocks) {
          if (object === null || object.context === cell || reported.has(object) || !applies(object)) continue;
          reported.add(object);
          broken(edge.lower, `has ${cell === null ? 'emptied' : 'changed'} the cell of ${object.name}, which is ${how}`, object.handle);
        }
      },
    };
  };
}
