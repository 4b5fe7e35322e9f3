import { NDIS_STATUS_RESOURCES, type AllocationKind } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { LATER_OPERATIONS, operationTree } from '../world/operation-trees.ts';
import type { IntermediateCase } from './intermediate-case.ts';

/** What observers were told of one driver. */
class Account {
  /** What is out, by kind. */
  readonly out: Map<AllocationKind, Set<object>> = new Map<AllocationKind, Set<object>>();

  allocated(kind: AllocationKind, object: object): void {
    const objects = this.out.get(kind) ?? new Set();
    this.out.set(kind, objects);
    check(!objects.has(object), `an ${kind} was reported to be allocated twice`);
    objects.add(object);
  }

  freed(kind: AllocationKind, object: object): void {
    check(this.out.get(kind)?.delete(object) === true, `an ${kind} was reported to be freed that is not out`);
  }

  count(kind: AllocationKind): number {
    return this.out.get(kind)?.size ?? 0;
  }
}

export const memoryCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-entries',
    title: 'A call entry lives from a call to the end of its completion, an offload entry from the initiate to the terminate, as the driver tells observers',
    rules: ['CHIM-IM-007'],
    requirement: 'C-NDIS-IM',
    requires: ['reports-memory'],
    run: async (world) => {
      const { host, ndis } = world;
      const accounts = new Map(world.drivers.map(({ name }) => [name, new Account()]));
      const strangers: string[] = [];
      const wrong: unknown[] = [];
      const note = (action: 'allocated' | 'freed') => (kind: AllocationKind, object: object, owner: string): void => {
        if (kind !== 'IM_CALL_ENTRY' && kind !== 'IM_OFFLOAD_ENTRY') return;
        try {
          const account = accounts.get(owner);
          if (account === undefined) strangers.push(owner);
          else account[action](kind, object);
        } catch (error) {
          wrong.push(error);
        }
      };
      const detach = ndis.attachObserver({ allocated: note('allocated'), freed: note('freed') });
      const counts = (kind: AllocationKind): number[] => [...accounts.values()].map((account) => account.count(kind));
      const none = world.drivers.map(() => 0);
      const { root } = world.tree({ connectionsPerPath: 2 });
      for (const operation of ['initiate', ...LATER_OPERATIONS] as const) {
        const tree = operation === 'initiate' ? root : operationTree(operation, root);
        world.begin(operation, tree);
        await world.settle();
        check(counts('IM_CALL_ENTRY').every((count) => count > 0), `there is no call entry while a ${operation} is below`);
        check(counts('IM_OFFLOAD_ENTRY').every((count) => count >= 4), `there are not four offload entries while a ${operation} of four objects is below`);
        await world.completeTrees();
        checkEqual(counts('IM_CALL_ENTRY'), none, `call entries after the completion of a ${operation}`);
        if (operation !== 'terminate') check(counts('IM_OFFLOAD_ENTRY').every((count) => count >= 4), `offload entries of four objects were freed by a ${operation}`);
      }
      checkEqual(counts('IM_OFFLOAD_ENTRY'), none, 'offload entries after the terminate');
      const linked = await world.offload();
      const outs = (): number[] => counts('IM_OFFLOAD_ENTRY');
      const before = outs();
      const { root: linking } = world.tree();
      for (const [block, handle] of [[linking, linked.neighbors[0]], [present(linking.dependentBlockList), linked.paths[0]]] as const) {
        block.offloadHandle = present(handle);
        block.state = null;
      }
      host.initiate(linking, world.binding);
      await world.completeTrees({
        change: (below) => {
          below.status = NDIS_STATUS_RESOURCES;
          if (below.state !== null) present(below.miniportOffloadContext).miniportOffloadContext = null;
        },
      });
      checkEqual(outs(), before, 'offload entries after a connection was refused under linkers');
      await world.terminateAll();
      const refused = world.tree();
      host.initiate(refused.root, world.binding);
      await world.completeTrees({
        change: (below) => {
          below.status = NDIS_STATUS_RESOURCES;
          present(below.miniportOffloadContext).miniportOffloadContext = null;
        },
      });
      checkEqual(outs(), none, 'offload entries of objects that were refused');
      detach();
      checkEqual(strangers, [], 'owners of entries that are no driver');
      checkEqual(wrong.map(String), [], 'what was wrong with the reports');
    },
  },
];
