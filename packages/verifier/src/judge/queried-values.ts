import { NDIS_STATUS_SUCCESS, type OffloadBlockState } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import { cachedValuesOf, differenceOf, valuesOf } from '../record/supplied-state.ts';
import type { TreeRecord } from '../record/tree-record.ts';
import type { RuleHooks } from '../rule.ts';
import { isTargets } from './trees.ts';

/** Something a query returned that is not what the host supplied. */
export interface QueriedDifference {
  readonly object: ObjectRecord;
  readonly tree: TreeRecord;
  readonly part: 'const' | 'cached';
  /** How the last update of the object ended. */
  readonly lastUpdate: 'none' | 'done' | 'failed';
  /** Which member, and how. */
  readonly detail: string;
}

/**
 * Compares the constant and cached values that queries return with those that the host supplied. While an update is
 * under way either the old or the new ones may be returned: then nothing is said.
 */
export function watchQueriedValues(differs: (difference: QueriedDifference) => void): RuleHooks {
  const versions = new WeakMap<TreeRecord, ReadonlyMap<ObjectRecord, number>>();
  return {
    treeDown: (tree) => {
      if (tree.operation !== 'query' || tree.edge.lowerRole !== 'target') return;
      const idle = tree.blocks.flatMap(({ object }) => (object?.supplied == null || object.updates > 0 ? [] : ([[object, object.supplied.version]] as const)));
      versions.set(tree, new Map(idle));
    },
    treeUp: (tree) => {
      const before = isTargets(tree) ? versions.get(tree) : undefined;
      if (before === undefined) return;
      for (const { object, block } of tree.blocks) {
        const supplied = object?.supplied ?? null;
        if (object === null || supplied === null || block.status !== NDIS_STATUS_SUCCESS || before.get(object) !== supplied.version) continue;
        const state = block.state as OffloadBlockState<object, object> | null;
        const { lastUpdate } = supplied;
        const constant = state?.const == null ? null : differenceOf(supplied.constant, valuesOf(state.const));
        const cached = state?.cached == null ? null : differenceOf(supplied.cached, cachedValuesOf(state.cached));
        if (constant !== null) differs({ object, tree, part: 'const', lastUpdate, detail: constant });
        if (cached !== null) differs({ object, tree, part: 'cached', lastUpdate, detail: cached });
      }
    },
  };
}
