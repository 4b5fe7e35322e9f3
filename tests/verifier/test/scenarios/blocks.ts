import { newTree, present, tcpBlock, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  type MiniportOffloadBlockList,
  type OffloadBlockList,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { withQueryLies } from './lying-intermediate.ts';
import { bare, offer } from './refuse.ts';
import type { Scenario } from './scenario.ts';

/** What a block is behind both views: what a driver that is wrong about it writes to. */
function raw(block: MiniportOffloadBlockList): OffloadBlockList {
  return block as unknown as OffloadBlockList;
}

/** The host queries the connection; the target holds the tree. */
function query({ host, connection }: ProbeStack): ProtocolOffloadBlockList {
  const root = host.connections(connection);
  host.binding.queryOffloadState(root);
  return root;
}

/** Queries the connection, and completes that. @param change what the target does to the block besides. */
function answer(stack: ProbeStack, change: (block: MiniportOffloadBlockList) => void = () => undefined): void {
  query(stack);
  stack.target.completeTree('query', { change });
}

function attempt(call: () => void): void {
  try {
    call();
  } catch {
    // Refused, as it should be.
  }
}

/** Whether the intermediate driver of a scenario does it wrong this time; a stack of its own each. */
const whenNamed = (tree: MiniportOffloadBlockList): boolean => tree.portNumber === 7;

export const blocksScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-BLK-001',
    catches: 'a host that links a connection behind a path',
    actor: 'probe host',
    broken: (stack) => {
      const { host, target } = stack;
      const tree = newTree(host.binding);
      offer(host, tree, ([neighbor, path, connection]) => {
        present(neighbor).nextBlock = bare(OFFLOAD_STATE_TYPE.Ip4OffloadState, stack.path);
        present(present(neighbor).nextBlock).dependentBlockList = tcpBlock(new OffloadHandle(host.binding, 'connection elsewhere'));
        present(path).dependentBlockList = connection ?? null;
      });
      target.completeTree('initiate');
    },
    clean: ({ host, target }) => {
      host.offload({ neighbors: 2, pathsPerNeighbor: 2, connectionsPerPath: 2 });
      target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-BLK-002',
    catches: 'a host that asks for delegated state and gives room for constant state',
    actor: 'probe host',
    broken: (stack) => {
      const root = stack.host.connections(stack.connection);
      root.header.type = OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState;
      stack.host.binding.queryOffloadState(root);
      stack.target.completeTree('query');
    },
    clean: (stack) => {
      const root = stack.host.connections(stack.connection);
      root.header.type = OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState;
      const state = present(root.state);
      state.const = null;
      state.cached = null;
      stack.host.binding.queryOffloadState(root);
      stack.target.completeTree('query');
    },
  },
  {
    rule: 'CHIM-BLK-003',
    catches: 'a target that completes two connections in the other order',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target } = stack;
      const { connections } = host.offload({ connectionsPerPath: 3 });
      target.completeTree('initiate');
      host.binding.queryOffloadState(host.connections(...connections));
      target.completeTree('query', {
        change: (block) => {
          const second = block.nextBlock;
          const third = second?.nextBlock ?? null;
          if (block.miniportOffloadContext !== connections[0] || second === null || third === null) return;
          third.nextBlock = second;
          second.nextBlock = null;
          block.nextBlock = third;
          second.status = NDIS_STATUS_SUCCESS;
        },
      });
    },
    clean: (stack) => {
      const { host, target } = stack;
      const { connections } = host.offload({ connectionsPerPath: 2 });
      target.completeTree('initiate');
      host.binding.queryOffloadState(host.connections(...connections));
      target.completeTree('query');
    },
  },
  {
    rule: 'CHIM-BLK-004',
    catches: 'a target that keeps something in ProtocolReserved',
    actor: 'probe target',
    broken: (stack) => {
      answer(stack, (block) => {
        block.protocolReserved0 = 'mine';
      });
    },
    clean: (stack) => {
      answer(stack, (block) => {
        block.miniportReserved0 = 'mine';
        block.scratch0 = 'mine';
      });
    },
  },
  {
    rule: 'CHIM-BLK-005',
    catches: 'a target that leaves a block of the tree out',
    actor: 'probe target',
    broken: (stack) => {
      const root = query(stack);
      const { status } = root;
      stack.target.completeTree('query', {
        change: (block) => {
          block.status = status;
        },
      });
    },
    clean: (stack) => {
      answer(stack);
    },
  },
  {
    rule: 'CHIM-BLK-006',
    catches: 'a target that completes a query with RESOURCES',
    actor: 'probe target',
    broken: (stack) => {
      query(stack);
      stack.target.completeTree('query', { status: NDIS_STATUS_RESOURCES });
    },
    clean: (stack) => {
      answer(stack);
    },
  },
  {
    rule: 'CHIM-BLK-007',
    catches: 'a target that clears its members after the completion',
    actor: 'probe target',
    broken: (stack) => {
      query(stack);
      const block = stack.target.completeTree('query', {
        change: (one) => {
          one.miniportReserved0 = 'mine';
        },
      });
      block.miniportReserved0 = null;
      answer(stack);
    },
    clean: (stack) => {
      answer(stack, (block) => {
        block.miniportReserved0 = 'mine';
      });
      answer(stack);
    },
  },
  {
    rule: 'CHIM-BLK-008',
    catches: 'a target that never completes a query',
    actor: 'probe target',
    isEventual: true,
    broken: (stack) => {
      query(stack);
    },
    clean: (stack) => {
      query(stack);
      stack.runtime.advance(29_000);
      stack.target.completeTree('query');
    },
  },
  {
    rule: 'CHIM-BLK-008',
    catches: 'an intermediate driver that forgets to pass a query on, when its time is over',
    actor: 'im1',
    stack: withQueryLies({ down: (tree) => !whenNamed(tree) }),
    broken: (stack) => {
      const root = stack.host.connections(stack.connection);
      root.portNumber = 7;
      stack.host.binding.queryOffloadState(root);
      stack.runtime.advance(32_000);
    },
    clean: (stack) => {
      query(stack);
      stack.runtime.advance(29_000);
      stack.target.completeTree('query');
    },
  },
  {
    rule: 'CHIM-BLK-009',
    catches: 'a target that completes a query inside the call',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: (stack) => {
      stack.target.calls.once('miniportQueryOffload', (_context: unknown, tree: MiniportOffloadBlockList) => {
        tree.status = NDIS_STATUS_SUCCESS;
        stack.target.passUp('query', tree);
      });
      query(stack);
      stack.target.trees.length = 0;
    },
    clean: (stack) => {
      answer(stack);
    },
  },
  {
    rule: 'CHIM-BLK-009',
    catches: 'an intermediate driver that completes a query inside the call',
    actor: 'im1',
    stack: withQueryLies({
      down: (tree, adapter) => {
        if (!whenNamed(tree)) return true;
        tree.status = NDIS_STATUS_SUCCESS;
        adapter.miniport.queryOffloadStateComplete(tree);
        return false;
      },
    }),
    broken: (stack) => {
      const root = stack.host.connections(stack.connection);
      root.portNumber = 7;
      stack.host.binding.queryOffloadState(root);
    },
    clean: (stack) => {
      answer(stack);
    },
  },
  {
    rule: 'CHIM-BLK-010',
    catches: 'an intermediate driver that changes the header of a block that it passes on',
    actor: 'im1',
    stack: withQueryLies({
      down: (tree) => {
        if (whenNamed(tree)) raw(tree).header.revision = 1;
        return true;
      },
    }),
    broken: (stack) => {
      const root = stack.host.connections(stack.connection);
      root.portNumber = 7;
      stack.host.binding.queryOffloadState(root);
      stack.target.completeTree('query');
    },
    clean: (stack) => {
      answer(stack);
    },
  },
  {
    rule: 'CHIM-BLK-011',
    catches: 'a host that passes a tree down that is out',
    actor: 'probe host',
    broken: (stack) => {
      const root = query(stack);
      attempt(() => {
        stack.host.binding.queryOffloadState(root);
      });
      stack.target.completeTree('query');
    },
    clean: (stack) => {
      const root = query(stack);
      stack.target.completeTree('query');
      stack.host.binding.queryOffloadState(root);
      stack.target.completeTree('query');
    },
  },
  {
    rule: 'CHIM-BLK-012',
    catches: 'a host that passes send data down with a terminate',
    actor: 'probe host',
    broken: (stack) => {
      const root = stack.host.connections(stack.connection);
      root.netBufferListChain = stack.host.list('unsent');
      attempt(() => {
        stack.host.binding.terminateOffload(root);
      });
    },
    clean: (stack) => {
      stack.host.binding.terminateOffload(stack.host.connections(stack.connection));
      stack.target.completeTree('terminate');
    },
  },
];
