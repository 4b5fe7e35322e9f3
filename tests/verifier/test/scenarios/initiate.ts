import { membersOf, newTree, present, tcpBlock, under, type ProbeContext, type ProbeStack } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_RESOURCES,
  NetBuffer,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type MiniportOffloadBlockList,
  type NetBufferList,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import { fill } from './operations.ts';
import { at, bare, offer, refuse } from './refuse.ts';
import type { Scenario } from './scenario.ts';

const { NeighborOffloadState, Ip4OffloadState } = OFFLOAD_STATE_TYPE;

function delegatedOf(block: ProtocolOffloadBlockList | undefined): TcpOffloadStateDelegated {
  return present((present(block).state as TcpOffloadState).delegated);
}

/** Offers a connection under the path that is there. @param handles what the neighbor and path blocks name. */
function offerBelow(stack: ProbeStack, neighbor: OffloadHandle | null, path: OffloadHandle | null): void {
  const { host } = stack;
  const connection = tcpBlock(new OffloadHandle(host.binding, 'connection below'));
  host.handles.set(present(connection.offloadHandle), connection);
  host.binding.initiateOffload(under(bare(NeighborOffloadState, neighbor), under(bare(Ip4OffloadState, path), connection)));
}

/** Offers one more connection with send data. */
function offerChain(stack: ProbeStack, change: (delegated: TcpOffloadStateDelegated, chain: NetBufferList) => void = () => undefined): NetBufferList {
  const { host } = stack;
  const chain = host.list('ab', 'cd');
  offer(host, newTree(host.binding), ([, , block]) => {
    const delegated = delegatedOf(block);
    present(block).netBufferListChain = chain;
    delegated.sendDataHead = chain;
    delegated.sendDataTail = chain.next;
    change(delegated, chain);
  });
  return chain;
}

/** Takes the chain of a connection over, as a probe target does for what comes down in calls. */
function takeChain({ host, target }: ProbeStack, chain: NetBufferList): void {
  target.completeTree('initiate', {
    change: ({ miniportOffloadContext }) => {
      const context = miniportOffloadContext?.miniportOffloadContext as ProbeContext;
      // All of it is acknowledged below.
      if (context.type === OFFLOAD_STATE_TYPE.TcpOffloadState) context.sndUna = (context.sndUna + 4) | 0;
    },
  });
  for (const block of host.handles.values()) block.netBufferListChain = null;
  target.sends.push(...membersOf(chain));
  for (const nbl of membersOf(chain)) nbl.next = null;
  target.completeSends();
}

/** Offers two connections on one new path, and completes with these changes by place: neighbor, path, connections. */
function completeTwo({ host, target }: ProbeStack, changes: Readonly<Record<number, (block: MiniportOffloadBlockList) => void>>): void {
  host.offload({ connectionsPerPath: 2 });
  target.completeTree('initiate', { change: at(changes) });
}

const withStatus = (status: number) => (block: MiniportOffloadBlockList): void => {
  block.status = status;
};
const refused = (status: number) => (block: MiniportOffloadBlockList): void => {
  refuse(block, status);
};

/** Offers a connection with four bytes that were received before. @returns their NBL. */
function offerBuffered(stack: ProbeStack): { readonly buffered: NetBufferList; readonly handle: OffloadHandle } {
  const { host, target } = stack;
  const buffered = host.list('data');
  const tree = newTree(host.binding);
  offer(host, tree, ([, , block]) => {
    delegatedOf(block).bufferedData = buffered;
  });
  target.completeTree('initiate');
  for (const block of host.handles.values()) if (block.header.type === OFFLOAD_STATE_TYPE.TcpOffloadState) delegatedOf(block).bufferedData = null;
  const handle = present(tree.connections[0]);
  // Counted by the host already, and again when it is delivered.
  stack.contextOf(handle).rcvNxt -= 4;
  return { buffered, handle };
}

export const initiateScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-INI-001',
    catches: 'a host that offers a connection in TimeWait',
    actor: 'probe host',
    broken: ({ host, target }) => {
      offer(host, newTree(host.binding), ([, , block]) => {
        delegatedOf(block).state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionTimeWait;
      });
      target.completeTree('initiate');
    },
    clean: ({ host, target }) => {
      offer(host, newTree(host.binding), ([, , block]) => {
        delegatedOf(block).state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionCloseWait;
      });
      target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-INI-002',
    catches: 'a host that offers an object that is being offloaded',
    actor: 'probe host',
    broken: ({ host }) => {
      const tree = host.offload();
      const again = newTree(host.binding);
      again.root.offloadHandle = present(tree.neighbors[0]);
      try {
        host.binding.initiateOffload(again.root);
      } catch {
        // Refused, as it should be.
      }
    },
    clean: ({ host, target }) => {
      host.offload();
      target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-INI-003',
    catches: 'a host that offers a connection without its constant state',
    actor: 'probe host',
    broken: ({ host, target }) => {
      offer(host, newTree(host.binding), ([, , block]) => {
        present(block?.state).const = null;
      });
      target.completeTree('initiate');
    },
    clean: (stack) => {
      offerBelow(stack, stack.neighbor, stack.path);
      stack.target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-INI-004',
    catches: 'a host that offers a connection below a placeholder',
    actor: 'probe host',
    broken: (stack) => {
      offerBelow(stack, null, null);
      stack.target.completeTree('initiate');
    },
    clean: (stack) => {
      offerBelow(stack, null, stack.path);
      stack.target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-INI-005',
    catches: 'a host that has sent more than it hands over',
    actor: 'probe host',
    broken: (stack) => {
      offerChain(stack, (delegated) => {
        delegated.sndMax = (delegated.sndUna + 5) | 0;
      });
      stack.target.completeTree('initiate', { change: at({ 1: withStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), 2: refused(NDIS_STATUS_FAILURE) }) });
    },
    clean: (stack) => {
      const chain = offerChain(stack, (delegated) => {
        delegated.sndNxt = (delegated.sndUna + 1) | 0;
        delegated.sndMax = (delegated.sndUna + 4) | 0;
      });
      takeChain(stack, chain);
    },
  },
  {
    rule: 'CHIM-INI-007',
    catches: 'a target that offloads below a root that it could not',
    actor: 'probe target',
    broken: (stack) => {
      completeTwo(stack, { 0: refused(NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES) });
    },
    clean: (stack) => {
      completeTwo(stack, { 0: refused(NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES), 1: refused(NDIS_STATUS_FAILURE), 2: refused(NDIS_STATUS_FAILURE), 3: refused(NDIS_STATUS_FAILURE) });
    },
  },
  {
    rule: 'CHIM-INI-008',
    catches: 'a target that offloads a connection whose path failed',
    actor: 'probe target',
    broken: (stack) => {
      completeTwo(stack, { 0: withStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), 1: refused(NDIS_STATUS_RESOURCES), 2: refused(NDIS_STATUS_FAILURE) });
    },
    clean: (stack) => {
      completeTwo(stack, { 0: withStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), 1: refused(NDIS_STATUS_RESOURCES), 2: refused(NDIS_STATUS_FAILURE), 3: refused(NDIS_STATUS_FAILURE) });
    },
  },
  {
    rule: 'CHIM-INI-009',
    catches: 'a target that says SUCCESS of a path one of whose connections failed',
    actor: 'probe target',
    broken: (stack) => {
      completeTwo(stack, { 3: refused(NDIS_STATUS_RESOURCES) });
    },
    clean: (stack) => {
      completeTwo(stack, { 1: withStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), 3: refused(NDIS_STATUS_RESOURCES) });
    },
  },
  {
    rule: 'CHIM-INI-010',
    catches: 'a target that says SUCCESS of a linker nothing below which was offloaded',
    actor: 'probe target',
    broken: (stack) => {
      offerBelow(stack, null, stack.path);
      stack.target.completeTree('initiate', { change: at({ 2: refused(NDIS_STATUS_RESOURCES) }) });
    },
    clean: (stack) => {
      offerBelow(stack, null, stack.path);
      stack.target.completeTree('initiate', { change: at({ 1: withStatus(NDIS_STATUS_FAILURE), 2: refused(NDIS_STATUS_RESOURCES) }) });
    },
  },
  {
    rule: 'CHIM-INI-011',
    catches: 'a target that fails a placeholder',
    actor: 'probe target',
    broken: (stack) => {
      offerBelow(stack, null, stack.path);
      stack.target.completeTree('initiate', { change: at({ 0: withStatus(NDIS_STATUS_FAILURE) }) });
    },
    clean: (stack) => {
      offerBelow(stack, null, stack.path);
      stack.target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-INI-012',
    catches: 'a target that fails a connection for lack of room for neighbors',
    actor: 'probe target',
    broken: (stack) => {
      completeTwo(stack, { 1: withStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), 3: refused(NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES) });
    },
    clean: (stack) => {
      completeTwo(stack, { 1: withStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), 3: refused(NDIS_STATUS_OFFLOAD_TCP_ENTRIES) });
    },
  },
  {
    rule: 'CHIM-INI-013',
    catches: 'a target that gives two connections one context',
    actor: 'probe target',
    broken: (stack) => {
      let first: unknown;
      completeTwo(stack, {
        2: (block) => {
          first = block.miniportOffloadContext?.miniportOffloadContext;
        },
        3: (block) => {
          present(block.miniportOffloadContext).miniportOffloadContext = first;
        },
      });
    },
    clean: (stack) => {
      completeTwo(stack, {});
    },
  },
  {
    rule: 'CHIM-INI-014',
    catches: 'a target that fails the sends of a connection that it does not take',
    actor: 'probe target',
    broken: (stack) => {
      const chain = offerChain(stack);
      stack.target.completeTree('initiate', { change: at({ 1: withStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), 2: (block) => {
        refuse(block, NDIS_STATUS_RESOURCES);
        chain.status = NDIS_STATUS_FAILURE;
      } }) });
    },
    clean: (stack) => {
      offerChain(stack);
      stack.target.completeTree('initiate', { change: at({ 1: withStatus(NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS), 2: refused(NDIS_STATUS_RESOURCES) }) });
    },
  },
  {
    rule: 'CHIM-INI-015',
    catches: 'a target that indicates the memory it was handed over',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target } = stack;
      const { buffered, handle } = offerBuffered(stack);
      const nbl = target.list('data');
      host.receive(handle, 0);
      target.completeReceives();
      nbl.firstNetBuffer = new NetBuffer(present(buffered.firstNetBuffer).mdlChain, 0, 4);
      target.indicateNbl(handle, nbl);
    },
    clean: (stack) => {
      const { host, target } = stack;
      const { handle } = offerBuffered(stack);
      fill(host.receive(handle, 4), 'data');
      target.completeReceives();
    },
  },
  {
    rule: 'CHIM-INI-016',
    catches: 'a target that indicates from inside what the host does when it hears of the offload',
    actor: 'probe target',
    broken: ({ host, target }) => {
      const { connections } = host.offload();
      const handle = present(connections[0]);
      host.calls.once('protocolInitiateOffloadComplete', () => {
        host.receive(handle, 0);
      });
      target.calls.once('miniportTcpOffloadReceive', () => {
        target.indicate(handle, 'data');
      });
      target.completeTree('initiate');
    },
    clean: ({ host, target }) => {
      const { connections } = host.offload();
      target.completeTree('initiate');
      target.indicate(present(connections[0]), 'data');
    },
  },
  {
    rule: 'CHIM-INI-017',
    catches: 'a target that asks for the upload of what it has not taken yet',
    actor: 'probe target',
    broken: ({ host, target }) => {
      const { connections } = host.offload();
      target.event(present(connections[0]), TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.SmallIO);
      target.completeTree('initiate');
    },
    clean: ({ host, target }) => {
      const { connections } = host.offload();
      target.completeTree('initiate');
      target.event(present(connections[0]), TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.SmallIO);
    },
  },
];
