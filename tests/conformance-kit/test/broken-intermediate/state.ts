import { blocksOf, tcpState } from '@ndis-chimney/conformance/probes';
import { BlockListReuse, PassThroughDriver, type OffloadEntry, type PassThroughAdapter, type PassThroughOptions, type StateOperation } from '@ndis-chimney/intermediate';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  type MiniportOffloadBlockList,
  type OffloadBlockList,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';
import { tapped, type BrokenIntermediate } from './broken-intermediate.ts';

const isFailure = (status: number): boolean => status < 0;

/** A driver that does something to each tree before it goes down. */
const before = (change: (operation: StateOperation, tree: MiniportOffloadBlockList) => void): BrokenIntermediate['subject'] =>
  passThroughSubject(
    class extends PassThroughDriver {
      protected override relayTree(operation: StateOperation, adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): boolean {
        change(operation, tree);
        return super.relayTree(operation, adapter, tree);
      }
    },
  );

/** A driver that does something to each tree before it goes up, or after. */
const onTheWayUp = (change: (operation: StateOperation, tree: MiniportOffloadBlockList) => void, when: 'before' | 'after' = 'before'): BrokenIntermediate['subject'] =>
  passThroughSubject(
    class extends PassThroughDriver {
      protected override relayUp(operation: StateOperation, lower: PassThroughAdapter, list: ProtocolOffloadBlockList): void {
        const { tree, upperEdge } = this.blocks.up(operation, list);
        if (when === 'before') change(operation, tree);
        this.completeTree(operation, lower, upperEdge, tree);
        if (when === 'after') change(operation, tree);
      }
    },
  );

/** A driver that keeps its entries in another way. */
const keeping = (Blocks: typeof BlockListReuse<PassThroughAdapter>): BrokenIntermediate['subject'] =>
  passThroughSubject(
    class extends PassThroughDriver {
      protected override createBlocks(limits: PassThroughOptions): BlockListReuse<PassThroughAdapter> {
        return new Blocks(this.ndis, this.name, this.sends, this.receives, limits);
      }
    },
  );

export const brokenState: readonly BrokenIntermediate[] = [
  {
    does: 'offers the first neighbor of a tree and what depends on it',
    fails: 'initiate-down',
    says: /the neighbor .* did not go down/u,
    subject: before((operation, tree) => {
      if (operation === 'initiate') tree.nextBlock = null;
    }),
  },
  {
    does: 'passes a query on as an update',
    fails: 'query-down',
    says: /a query went down as something else/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportQueryOffload(adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): void {
          this.relayTree('update', adapter, tree);
        }
      },
    ),
  },
  {
    does: 'says that an update succeeded, and does not pass it on',
    fails: 'update-down',
    says: /the update did not go down/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportUpdateOffload(adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): void {
          this.failLater('update', adapter, tree, NDIS_STATUS_SUCCESS);
        }
      },
    ),
  },
  {
    does: 'puts state behind the blocks of an invalidate',
    fails: 'invalidate-down',
    says: /state follows a block of an invalidate/u,
    subject: before((operation, tree) => {
      if (operation === 'invalidate') for (const block of blocksOf(tree)) block.state = tcpState();
    }),
  },
  {
    does: 'terminates the first path of a neighbor, and forgets the others',
    fails: 'terminate-down',
    says: /the terminate names the path 1 0 times/u,
    subject: before((operation, tree) => {
      if (operation === 'terminate' && tree.dependentBlockList !== null) tree.dependentBlockList.nextBlock = null;
    }),
  },
  {
    does: 'shows the target’s context to the driver above',
    fails: 'cells',
    says: /the cell of the neighbor 0 shows the target's context to the host/u,
    subject: keeping(
      class extends BlockListReuse<PassThroughAdapter> {
        protected override keep(_block: OffloadBlockList, entry: OffloadEntry<PassThroughAdapter>): void {
          entry.upperHandle.miniportOffloadContext = entry.handle.miniportOffloadContext;
        }
      },
    ),
  },
  {
    does: 'takes linkers for new objects',
    fails: 'linkers-and-placeholders',
    says: /the path that is offloaded already does not go down as a linker/u,
    subject: keeping(
      class extends BlockListReuse<PassThroughAdapter> {
        protected override entryOf(): null {
          return null;
        }
      },
    ),
  },
  {
    does: 'clears PortNumber on the way down',
    fails: 'blocks-unchanged',
    says: /the blocks of an initiate at the target/u,
    subject: before((_operation, tree) => {
      for (const block of blocksOf(tree)) block.portNumber = 0;
    }),
  },
  {
    does: 'brings a queried tree back without its state',
    fails: 'same-tree-up',
    says: /the tree of a query: the state of block 0 is not what it was/u,
    subject: onTheWayUp((operation, tree) => {
      if (operation === 'query') tree.state = null;
    }),
  },
  {
    does: 'leaves something of its own in the second word of ImReserved',
    fails: 'im-reserved',
    says: /ImReserved\[1\] of block 0 is not what it was/u,
    subject: onTheWayUp((_operation, tree) => {
      tree.imReserved1 = 'its own';
    }),
  },
  {
    does: 'calls every failure of an initiate FAILURE',
    fails: 'initiate-statuses',
    says: /the status of block 3: expected 'NDIS_STATUS_RESOURCES/u,
    subject: onTheWayUp((operation, tree) => {
      if (operation === 'initiate') for (const block of blocksOf(tree)) if (isFailure(block.status)) block.status = NDIS_STATUS_FAILURE;
    }),
  },
  {
    does: 'looks at the root alone to see how an update ended',
    fails: 'operation-statuses',
    says: /statuses of an update, of which block 0 failed/u,
    subject: onTheWayUp((operation, tree) => {
      if (operation === 'update') for (const block of blocksOf(tree)) block.status = tree.status;
    }),
  },
  {
    does: 'has every terminate succeed',
    fails: 'terminate-failure',
    says: /statuses of the terminate/u,
    subject: onTheWayUp((operation, tree) => {
      if (operation === 'terminate') for (const block of blocksOf(tree)) block.status = NDIS_STATUS_SUCCESS;
    }),
  },
  {
    does: 'clears SndUna of a terminated connection',
    fails: 'queried-state',
    says: /delegated state that a terminate brought/u,
    subject: onTheWayUp((operation, tree) => {
      if (operation !== 'terminate') return;
      for (const { state } of blocksOf(tree)) {
        const { delegated } = state as TcpOffloadState;
        if (delegated?.sndUna !== undefined) delegated.sndUna = 0;
      }
    }),
  },
  {
    does: 'is not ready for a completion before its downcall returns',
    fails: 'completed-in-the-entry',
    says: /completions of an initiate that the target completed in its entry: expected 1, found 0/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        private isInCall = false;
        protected override relayTree(operation: StateOperation, adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): boolean {
          this.isInCall = true;
          const isRelayed = super.relayTree(operation, adapter, tree);
          this.isInCall = false;
          return isRelayed;
        }

        protected override relayUp(operation: StateOperation, lower: PassThroughAdapter, list: ProtocolOffloadBlockList): void {
          if (!this.isInCall) super.relayUp(operation, lower, list);
        }
      },
    ),
  },
  {
    does: 'can tell one query at a time from others',
    fails: 'overlapping-operations',
    says: /operations that came back/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        private queries = 0;
        protected override relayTree(operation: StateOperation, adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): boolean {
          if (operation === 'query') this.queries++;
          return super.relayTree(operation, adapter, tree);
        }

        protected override relayUp(operation: StateOperation, lower: PassThroughAdapter, list: ProtocolOffloadBlockList): void {
          if (operation === 'query' && --this.queries > 0) return;
          super.relayUp(operation, lower, list);
        }
      },
    ),
  },
  {
    does: 'writes to blocks that it has passed up',
    fails: 'done-with-blocks',
    says: /a block that the host has had back/u,
    subject: onTheWayUp((_operation, tree) => {
      tree.status = NDIS_STATUS_SUCCESS;
    }, 'after'),
  },
  {
    does: 'leaves its entry in the cell of an object that was refused',
    fails: 'offered-again',
    says: /what became of connections that were refused/u,
    subject: onTheWayUp((operation, tree) => {
      if (operation !== 'initiate') return;
      for (const { status, miniportOffloadContext } of blocksOf(tree)) if (status === NDIS_STATUS_RESOURCES && miniportOffloadContext !== null) miniportOffloadContext.miniportOffloadContext = 'its entry';
    }),
  },
  {
    does: 'does not count objects that were taken back',
    fails: 'memory-comes-back',
    says: /the state of the connection of round \d+: expected 'offloaded', found 'dead'/u,
    subject: keeping(
      class extends BlockListReuse<PassThroughAdapter> {
        protected override drop(): void {
          // What it does wrong.
        }
      },
    ),
  },
  {
    does: 'reports no offload entry of an object that was taken back to be freed',
    fails: 'entries',
    says: /offload entries after the terminate/u,
    subject: keeping(
      class extends BlockListReuse<PassThroughAdapter> {
        protected override drop(): void {
          // What it does wrong.
        }
      },
    ),
  },
  {
    does: 'takes the status of a linker for that of what it names',
    fails: 'linker-statuses',
    says: /statuses of two linkers and two new connections/u,
    subject: onTheWayUp((operation, tree) => {
      if (operation === 'initiate') for (const block of blocksOf(tree)) if (block.state === null) block.status = NDIS_STATUS_SUCCESS;
    }),
  },
  {
    does: 'fails an initiate that it has no memory for inside its call',
    fails: 'initiate-without-memory',
    says: /initiates that were completed, the second inside its own call/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportInitiateOffload(adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): void {
          if (this.relayTree('initiate', adapter, tree)) return;
          for (const block of blocksOf(tree)) block.status = NDIS_STATUS_FAILURE;
          adapter.miniport.initiateOffloadComplete(tree);
        }
      },
    ),
  },
  {
    does: 'fails the root alone of an initiate that it has no memory for',
    fails: 'initiate-without-memory',
    says: /a block of an initiate without memory did not fail/u,
    subject: tapped({
      upper: {
        initiateOffloadComplete: (next, tree) => {
          if (tree.status === NDIS_STATUS_FAILURE) for (const block of blocksOf(tree).slice(1)) block.status = NDIS_STATUS_RESOURCES;
          next(tree);
        },
      },
    }),
  },
  {
    does: 'loses an update that it has no memory for',
    fails: 'operations-without-memory',
    says: /operations that came back/u,
    subject: passThroughSubject(
      class extends PassThroughDriver {
        override miniportUpdateOffload(adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): void {
          this.relayTree('update', adapter, tree);
        }
      },
    ),
  },
];
