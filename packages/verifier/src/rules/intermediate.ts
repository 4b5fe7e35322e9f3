import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  OID_TCP_OFFLOAD_PARAMETERS,
  formatOid,
  type NDIS_STATUS,
  type NdisOidRequest,
  type OffloadBlockList,
} from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { TreeRecord } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { relayedDataRules } from './relayed-data.ts';
import { relayedIndicationsRules } from './relayed-indications.ts';

const REFERENCE = 'referencing-offloaded-state-through-an-intermediate-driver.md';
const DOWN = 'propagating-a-state-manipulation-operation.md';
const REUSE = 'reusing-an-ndis-protocol-offload-block-list-structure.md';
const CAPABILITIES = 'querying-and-setting-an-intermediate-driver-s-tcp-chimney-offload-capa.md';

/** Operations that an intermediate driver has got back from below, and not passed up. */
function findSwallowed({ edges, broken }: Watch, since: WeakMap<TreeRecord, number>, reported: WeakSet<TreeRecord>, isLate: (atMs: number) => boolean): void {
  for (const edge of edges) {
    for (const tree of edge.trees.values()) {
      const atMs = since.get(tree);
      if (atMs === undefined || tree.cameBack < tree.passedOn || reported.has(tree) || !isLate(atMs)) continue;
      reported.add(tree);
      broken(edge.lower, `got ${tree.operation} back at ${atMs} ms and has not passed it up`, tree.root);
    }
  }
}

/** What `ImReserved` and `SourceHandle` of a block held. The root's SourceHandle is NDIS's to check. */
function areKept({ block, imReserved, sourceHandle }: TreeRecord['blocks'][number], root: OffloadBlockList): boolean {
  return block.imReserved0 === imReserved[0] && block.imReserved1 === imReserved[1] && (block === root || block.sourceHandle === sourceHandle);
}

/** True for the status of an initiated block whose own object was offloaded. */
function isOffloadedBy(status: NDIS_STATUS): boolean {
  return status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
}

/** True for a set request that an intermediate driver has to pass on whatever it supports itself. */
function isChimneySet({ oid, requestType }: NdisOidRequest): boolean {
  return requestType === NDIS_REQUEST_TYPE.NdisRequestSetInformation && (oid === OID_TCP_CONNECTION_OFFLOAD_PARAMETERS || oid === OID_TCP_OFFLOAD_PARAMETERS);
}

export const intermediateRules: readonly Rule[] = [
  {
    id: 'CHIM-IM-001',
    actors: ['intermediate'],
    severity: 'error',
    page: DOWN,
    holds: 'An intermediate driver passes every state operation on once, or completes it with a failure.',
    why: 'The host believes that an object is offloaded, or back, of which the target has never heard.',
    cause: 'Look for a shortcut that completes an operation with success, and for a retry that passes it on although it came back.',
    example: 'An intermediate driver completes an update of a connection with NDIS_STATUS_SUCCESS and passes nothing down.',
    observed: ['down', 'up'],
    decidedBy: 'verifier',
    missing: 'Operations on neighbors and paths alone, which a driver with several adapters below may have nobody to pass to.',
    watch: ({ broken }) => {
      /** Operations that drivers have passed down so far. */
      const made = new Map<string, number>();
      const before = new WeakMap<TreeRecord, number>();
      return {
        treeDown: (tree) => {
          const { edge, operation, above, root } = tree;
          if (edge.lowerRole === 'intermediate') before.set(tree, made.get(`${operation} ${edge.lower}`) ?? 0);
          if (edge.upperRole !== 'intermediate') return;
          const key = `${operation} ${edge.upper}`;
          made.set(key, (made.get(key) ?? 0) + 1);
          if (above !== null && above.passedOn > 0) broken(edge.upper, `passes ${operation} down a second time`, root);
        },
        treeUp: (tree) => {
          const { edge, operation, blocks, root } = tree;
          const then = edge.lowerRole === 'intermediate' ? before.get(tree) : undefined;
          // From inside the call: CHIM-BLK-009.
          if (then === undefined || tree.isEntering || (made.get(`${operation} ${edge.lower}`) ?? 0) > then) return;
          const done = blocks.find(({ layer, role, block, state }) => layer === 'tcp' && role !== 'placeholder' && block.status === NDIS_STATUS_SUCCESS && (operation !== 'update' || state !== null));
          if (done !== undefined) broken(edge.lower, `completes ${operation} of ${done.object?.name ?? 'a connection'} with success, and has passed nothing down`, root);
        },
      };
    },
  },
  {
    id: 'CHIM-IM-002',
    actors: ['intermediate'],
    severity: 'error',
    page: 'propagating-the-completion-of-a-state-manipulation-operation.md',
    holds: 'An intermediate driver passes every completion of a state operation up, once, by the function that matches.',
    why: 'The driver above waits for it for ever: its object can be neither used nor taken back.',
    cause: 'Look at the completion handlers for paths that return early; the report of what is pending says which tree is missing. NDIS refuses the wrong function and the second call (CHIM-BLK-008).',
    example: 'ProtocolTerminateOffloadComplete frees its entry and returns.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    missing: 'Trees that are passed on in other blocks than they came in.',
    watch: (watch) => {
      const since = new WeakMap<TreeRecord, number>();
      const reported = new WeakSet<TreeRecord>();
      return {
        treeUp: ({ above }) => {
          if (above !== null) since.set(above, watch.clock.now());
        },
        tick: (nowMs) => {
          findSwallowed(watch, since, reported, (atMs) => nowMs - atMs > watch.limits.stateMs);
        },
        end: () => {
          findSwallowed(watch, since, reported, () => true);
        },
      };
    },
  },
  {
    id: 'CHIM-IM-003',
    actors: ['intermediate'],
    severity: 'error',
    page: 'nc-ndischimney-terminate_offload_complete_handler.md',
    holds: 'A terminate goes up in the block list that came down, made from the one that came back: the driver above sees its own root, handles, cells and structures.',
    why: 'The driver above finds its objects by what is in its blocks, and reads the state that came back where it put the structures.',
    cause: 'NDIS refuses other roots, blocks and handles (CHIM-BLK-003). What is left is the state: look for structures of the driver\'s own that are left in the blocks.',
    example: 'The blocks go up with the structures that the driver made for the way down.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const replaced = new WeakSet<OffloadBlockList>();
      return {
        treeDown: ({ blocks }) => {
          for (const { block } of blocks) replaced.delete(block);
        },
        treeUp: ({ edge, operation, blocks, root, isFailedByNdis }) => {
          if (operation !== 'terminate' || isFailedByNdis) return;
          for (const { block, state } of blocks) {
            if (block.state === state || replaced.has(block)) continue;
            // Those above pass on what they got.
            replaced.add(block);
            if (edge.lowerRole === 'intermediate') broken(edge.lower, 'passes a terminate up with other state structures than it came down with', block, root);
          }
        },
      };
    },
  },
  {
    id: 'CHIM-IM-004',
    actors: ['intermediate'],
    severity: 'error',
    page: REUSE,
    holds: 'When a tree goes up, ImReserved and SourceHandle of every block hold what they held when it came down.',
    why: 'There another intermediate driver above keeps where it was: without it, it cannot complete the operation.',
    cause: 'Look whether the call entry saves and restores both words, on failures too. NDIS checks the SourceHandle of the root itself.',
    example: 'An intermediate driver leaves its call entry in ImReserved.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const changed = new WeakSet<OffloadBlockList>();
      return {
        treeDown: ({ blocks }) => {
          for (const { block } of blocks) changed.delete(block);
        },
        treeUp: ({ edge, blocks, root, operation, isFailedByNdis }) => {
          if (isFailedByNdis) return;
          if (edge.lowerRole === 'target') {
            // A target's doing: CHIM-BLK-004.
            for (const picture of blocks) if (!areKept(picture, root)) changed.add(picture.block);
            return;
          }
          const other = blocks.find((picture) => !areKept(picture, root) && !changed.has(picture.block));
          if (other === undefined) return;
          for (const { block } of blocks) changed.add(block);
          broken(edge.lower, `passes ${operation} up with another ${other.block.sourceHandle === other.sourceHandle || other.block === root ? 'ImReserved' : 'SourceHandle'} in a block than it came down with`, other.block, root);
        },
      };
    },
  },
  {
    id: 'CHIM-IM-005',
    actors: ['intermediate'],
    severity: 'error',
    page: REFERENCE,
    holds: 'OffloadHandle of every block that goes down is the intermediate driver\'s own handle for the object of the block.',
    why: 'The driver below does the right thing with the wrong object.',
    cause: 'NDIS refuses handles of other bindings (CHIM-ST-009). What is left is the wrong one of the driver\'s own: look where the entry is looked up.',
    example: 'The host queries connection 1, and the intermediate driver passes the query down with its handle of connection 2.',
    observed: ['down'],
    decidedBy: 'verifier',
    missing: 'Trees that are passed on in other blocks than they came in.',
    watch: ({ broken }) => ({
      treeDown: ({ edge, operation, blocks, above }) => {
        if (above === null) return;
        const asked = new Map(above.blocks.map(({ block, object }) => [block, object]));
        for (const { block, object, role } of blocks) {
          const wanted = asked.get(block) ?? null;
          const known = role === 'linker' ? (object?.above ?? null) : null;
          if (wanted === null || known === null || known === wanted || known.edge !== wanted.edge) continue;
          broken(edge.upper, `passes ${operation} of ${wanted.name} down as one of ${known.name}`, block);
          return;
        }
      },
    }),
  },
  {
    id: 'CHIM-IM-006',
    actors: ['intermediate'],
    severity: 'error',
    page: REFERENCE,
    holds: 'Before it completes an initiate, an intermediate driver writes a reference to its own entry into the upper cell of what was offloaded, and leaves the cell NULL and frees the entry for what was not.',
    why: 'The cell is what it gets with every call for the object: the context of the driver below means nothing to it.',
    cause: 'NDIS refuses an empty cell of what was offloaded, and a full one of what was not (CHIM-INI-013). What is left is what is in it: look for a cell that is copied from the one below.',
    example: 'The upper cell holds the target\'s context.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const contexts = new WeakMap<OffloadBlockList, unknown>();
      return {
        treeUp: ({ edge, operation, blocks }) => {
          if (operation !== 'initiate') return;
          for (const { block, role, handle } of blocks) {
            if (role !== 'new' || handle === null || !isOffloadedBy(block.status)) continue;
            const cell = handle.miniportOffloadContext;
            if (edge.lowerRole === 'intermediate' && cell !== null && contexts.get(block) === cell) broken(edge.lower, 'hands the context of the driver below to the driver above', block, handle);
            contexts.set(block, cell);
          }
        },
      };
    },
  },
  {
    id: 'CHIM-IM-007',
    actors: ['intermediate'],
    severity: 'warning',
    page: REFERENCE,
    holds: 'An offload entry lives from the initiate to the end of the terminate, a call entry from the call to the completion, and none is left.',
    why: 'Entries are found through cells and blocks: freed too early they are somebody else\'s, freed never they fill the memory.',
    cause: 'Look at initiates that fail in part, and at terminates that fail and come again.',
    example: 'A connection could not be offloaded, and its entry is never freed.',
    observed: ['resources'],
    decidedBy: 'verifier',
    missing: 'Drivers that do not report what they keep to the observer of NDIS.',
    watch: ({ broken, edges }) => {
      const entries = new Map<object, { readonly owner: string; readonly kind: string }>();
      return {
        entryAllocated: (kind, entry, owner) => {
          if (kind === 'IM_CALL_ENTRY' || kind === 'IM_OFFLOAD_ENTRY') entries.set(entry, { owner, kind });
        },
        entryFreed: (kind, entry) => {
          if (kind === 'IM_CALL_ENTRY' || kind === 'IM_OFFLOAD_ENTRY') entries.delete(entry);
        },
        end: () => {
          const busy = new Set<string>();
          for (const { lower, upper, objects, trees } of edges) if (objects.size > 0 || trees.size > 0) busy.add(lower).add(upper);
          const left = new Map<string, number>();
          for (const { owner } of entries.values()) if (!busy.has(owner)) left.set(owner, (left.get(owner) ?? 0) + 1);
          for (const [owner, count] of left) broken(owner, `has ${count} entries, and nothing is offloaded through it or under way`);
        },
      };
    },
  },
  ...relayedDataRules,
  ...relayedIndicationsRules,
  {
    id: 'CHIM-IM-017',
    actors: ['intermediate', 'NDIS'],
    severity: 'error',
    page: CAPABILITIES,
    holds: 'Set requests for the chimney are always passed down, whatever an intermediate driver supports itself; one that supports no offload answers the query with NDIS_STATUS_NOT_SUPPORTED, and without handlers in it no state operation crosses it.',
    why: 'The target is never enabled, or never disabled, and nobody is told.',
    cause: 'Look at the switch in MiniportOidRequest: sets do not end there.',
    example: 'An intermediate driver answers OID_TCP_CONNECTION_OFFLOAD_PARAMETERS with NDIS_STATUS_SUCCESS itself.',
    observed: ['status', 'down'],
    decidedBy: 'verifier',
    missing: 'Queries: NDIS answers them from the attributes of the adapter.',
    watch: ({ broken }) => {
      const passed = new Map<string, number>();
      const before = new WeakMap<NdisOidRequest, number>();
      const judge = (edge: EdgeRecord, request: NdisOidRequest, status: NDIS_STATUS): void => {
        const then = before.get(request);
        if (then === undefined || edge.lowerRole !== 'intermediate' || status === NDIS_STATUS_PENDING) return;
        before.delete(request);
        if (status === NDIS_STATUS_SUCCESS && (passed.get(edge.lower) ?? 0) === then) broken(edge.lower, `answers the set request ${formatOid(request.oid)} and has passed nothing down`, request);
      };
      return {
        oidDown: (edge, request) => {
          if (!isChimneySet(request)) return;
          if (edge.lowerRole === 'intermediate') before.set(request, passed.get(edge.lower) ?? 0);
          if (edge.upperRole === 'intermediate') passed.set(edge.upper, (passed.get(edge.upper) ?? 0) + 1);
        },
        oidDownReturned: judge,
        oidUp: judge,
      };
    },
  },
];
