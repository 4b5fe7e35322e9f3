import type { RequestRecord } from '../record/request-record.ts';
import type { RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';

/**
 * The oldest receive of a connection is there for too long, though something should have ended it.
 * @param should what should have, as the end of a sentence; null when it may wait.
 */
export function overdueReceives({ broken, edges, limits, followsRequests }: Watch, should: (request: RequestRecord) => string | null): RuleHooks {
  if (!followsRequests) return {};
  // Once per request: records are used again, ordinals are not.
  const told = new WeakMap<object, number>();
  return {
    tick: (nowMs) => {
      for (const edge of edges) {
        if (edge.lowerRole !== 'target') continue;
        for (const object of edge.objects.values()) {
          const { oldest } = object.pending.receive;
          if (oldest === null || oldest.isTakenBack || nowMs - oldest.postedAtMs <= limits.dataMs || told.get(object) === oldest.ordinal) continue;
          if (object.isLeaving || object.isAborted || object.isDisconnectIndicated) continue;
          const why = should(oldest);
          if (why === null) continue;
          told.set(object, oldest.ordinal);
          broken(edge.lower, `has not completed receive ${oldest.ordinal} of ${object.name} in ${nowMs - oldest.postedAtMs} ms, though ${why}`, oldest.nbl, object.handle);
        }
      }
    },
  };
}
