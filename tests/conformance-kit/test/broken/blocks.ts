import { blocksOf } from '@ndis-chimney/conformance/probes';
import {
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  OFFLOAD_STATE_TYPE,
  TcpOffloadStateCached,
  TcpOffloadStateConst,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import type { Broken } from './broken-target.ts';
import { OPERATIONS, changingBlocks, completing, layerOf, turnedAround, withAdapter, type OperationName } from './tree-taps.ts';

const EVERY = Object.keys(OPERATIONS) as OperationName[];

/** What a broken target does with a member of each block of one operation. */
function member(does: string, operation: OperationName, named: RegExp, change: (block: MiniportOffloadBlockList) => void): Broken {
  return { does, fails: 'target-blocks-untouched', says: named, taps: () => changingBlocks(operation, change) };
}

export const brokenBlocks: readonly Broken[] = [
  member('keeps a note in ProtocolReserved during an initiate', 'initiate', /ProtocolReserved\[1\].*/, (block) => {
    block.protocolReserved1 = null;
  }),
  member('keeps a note in ImReserved during a query', 'query', /ImReserved\[0\]/, (block) => {
    block.imReserved0 = null;
  }),
  member('changes the type of blocks during an update', 'update', /Header\.Type/, ({ header }) => {
    (header as { type: number }).type = OFFLOAD_STATE_TYPE.TcpOffloadState;
  }),
  member('takes the structures away that it has read', 'update', /its cached structure/, ({ state }) => {
    if (state !== null) state.cached = null;
  }),
  {
    does: 'gives an invalidated tree back the other way round',
    fails: 'target-blocks-untouched',
    says: /DependentBlockList/,
    taps: () =>
      completing('invalidate', (next, tree) => {
        if (tree.dependentBlockList !== null) tree.dependentBlockList = turnedAround(tree.dependentBlockList);
        next(tree);
      }),
  },
  ...EVERY.map((operation): Broken => ({
    does: `does not write the status of ${operation === 'initiate' ? 'placeholders' : 'all blocks'} of ${operation}`,
    fails: 'target-blocks-statuses',
    says: new RegExp(`status of a ${operation === 'initiate' ? 'placeholder' : 'block'} of type .* of ${operation} was not written`),
    taps: () => {
      const before = new Map<MiniportOffloadBlockList, NDIS_STATUS>();
      return {
        [OPERATIONS[operation].begin]: (next: (context: unknown, tree: MiniportOffloadBlockList) => void, context: unknown, tree: MiniportOffloadBlockList) => {
          for (const block of blocksOf(tree)) before.set(block, block.status);
          next(context, tree);
        },
        ...changingBlocks(operation, (block) => {
          if (operation === 'initiate' ? block.miniportOffloadContext === null : block.dependentBlockList === null) block.status = before.get(block) ?? 0;
        }),
      };
    },
  })),
  {
    does: 'ends a query in part',
    fails: 'target-blocks-statuses',
    says: /of query ended with NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS/,
    taps: () =>
      changingBlocks('query', (block) => {
        if (block.dependentBlockList !== null) block.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
      }),
  },
  {
    does: 'keeps the cached structure of a connection rather than a copy',
    fails: 'target-blocks-released',
    says: /state after the tree of an update was overwritten/,
    taps: () => {
      let kept: TcpOffloadStateCached | null = null;
      return {
        miniportUpdateOffload: (next, context, tree) => {
          const cached = (tree.state as TcpOffloadState | null)?.cached;
          if (cached instanceof TcpOffloadStateCached) kept = cached;
          next(context, tree);
        },
        ...changingBlocks('query', ({ state }) => {
          const cached = (state as TcpOffloadState | null)?.cached;
          if (kept !== null && cached instanceof TcpOffloadStateCached) cached.copyFrom(kept);
        }),
      };
    },
  },
  {
    does: 'keeps the constant structures of an initiate rather than copies',
    fails: 'target-blocks-released',
    says: /state after the tree of the initiate was overwritten/,
    taps: () => {
      let kept: TcpOffloadStateConst | null = null;
      return {
        ...changingBlocks('initiate', ({ state }) => {
          const constant = (state as TcpOffloadState | null)?.const;
          if (constant instanceof TcpOffloadStateConst) kept = constant;
        }),
        ...changingBlocks('query', ({ state }) => {
          const constant = (state as TcpOffloadState | null)?.const;
          if (kept !== null && constant instanceof TcpOffloadStateConst) constant.copyFrom(kept);
        }),
      };
    },
  },
  {
    does: 'keeps the arrays that the addresses of a path are in',
    fails: 'target-blocks-released',
    says: /state after the tree of the initiate was overwritten/,
    taps: () => {
      let kept: Uint8Array<ArrayBufferLike> | null = null;
      return {
        ...changingBlocks('initiate', (block) => {
          if (layerOf(block) === 'path') kept = (block.state as PathOffloadState | null)?.const?.sourceAddress ?? kept;
        }),
        ...changingBlocks('query', (block) => {
          const constant = layerOf(block) === 'path' ? (block.state as PathOffloadState | null)?.const : null;
          if (constant != null && kept !== null) constant.sourceAddress = kept;
        }),
      };
    },
  },
  {
    does: 'writes the age of a neighbor into the tree it came with',
    fails: 'target-blocks-released',
    says: /what is in trees that were given back/,
    taps: () => {
      let kept: NeighborOffloadState | null = null;
      return {
        ...changingBlocks('initiate', (block) => {
          if (layerOf(block) === 'neighbor') kept = block.state as NeighborOffloadState | null;
        }),
        tcpOffloadSendComplete: (next, list) => {
          if (kept?.delegated != null) kept.delegated.nicReachabilityDelta = 0;
          next(list);
        },
      };
    },
  },
  ...EVERY.map((operation): Broken => ({
    does: `completes ${operation} twice`,
    fails: 'target-blocks-once',
    says: /CHIM-BLK-008/,
    taps: () =>
      completing(operation, (next, tree) => {
        next(tree);
        try {
          next(tree);
        } catch {
          // NDIS has stopped the second.
        }
      }),
  })),
  {
    does: 'completes a query when it has completed the next',
    fails: 'target-blocks-once',
    says: /completion of query did not come/,
    taps: () => {
      let held: MiniportOffloadBlockList | null = null;
      return completing('query', (next, tree) => {
        if (held !== null) next(held);
        held = tree;
      });
    },
  },
  ...EVERY.map((operation): Broken => ({
    does: `completes ${operation} inside the call`,
    fails: 'target-blocks-not-inside',
    says: new RegExp(`${operation} was completed inside the call`),
    taps: withAdapter((adapter) => ({
      [OPERATIONS[operation].begin]: (_next: unknown, _context: unknown, tree: MiniportOffloadBlockList) => {
        for (const block of blocksOf(tree)) {
          block.status = 0;
          if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext ??= {};
        }
        adapter().miniport[OPERATIONS[operation].complete](tree);
      },
    })),
  })),
];
