import { membersOf, pathBlock, present, type ProbeStack } from '@ndis-chimney/kit';
import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type NetBufferList,
  type OffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { letGo } from './invalidate.ts';
import { FAILED, beginTerminate, cachedIn, delegatedIn, indicateFailure, takeBackAborted, terminate } from './operations.ts';
import type { Scenario } from './scenario.ts';

function attempt(call: () => void): void {
  try {
    call();
  } catch {
    // Refused, as it should be.
  }
}

/** The target completes a terminate and hands these sends back in it. */
function handBack({ target }: ProbeStack, root: ProtocolOffloadBlockList, chain: NetBufferList[], move = 0): void {
  chain.forEach((nbl, place) => {
    nbl.next = chain[place + 1] ?? null;
  });
  const bytes = chain.reduce((sum, nbl) => sum + present(nbl.firstNetBuffer).dataLength, 0);
  target.sends.length = 0;
  target.completeTree('terminate', {
    change: (block) => {
      const delegated = delegatedIn(block);
      block.netBufferListChain = present(chain[0]);
      delegated.sendDataHead = present(chain[0]);
      delegated.sendDataTail = present(chain.at(-1));
      delegated.sndUna = (delegated.sndUna + move) | 0;
      delegated.sndNxt = (delegated.sndUna + bytes) | 0;
      delegated.sndMax = delegated.sndNxt;
    },
  });
  root.netBufferListChain = null;
  for (const nbl of chain) nbl.next = null;
}

/** Terminates the path of the connection, alone or when the connection is back. */
function terminatePath(stack: ProbeStack): void {
  stack.host.binding.terminateOffload(pathBlock(stack.path));
  stack.target.completeTree('terminate');
}

function pause({ target }: ProbeStack): void {
  target.indicateStatus(NDIS_STATUS_OFFLOAD_PAUSE);
}

/** A pass-through driver that swaps the handles of two connections in a terminate that it passes up. */
class HandleSwapper extends PassThroughDriver {
  override protocolTerminateOffloadComplete(adapter: PassThroughAdapter, tree: ProtocolOffloadBlockList): void {
    const second = tree.nextBlock;
    const isWanted = tree.portNumber === 7;
    const completed = adapter.miniport.terminateOffloadComplete.bind(adapter.miniport);
    if (isWanted && second !== null) {
      adapter.miniport.terminateOffloadComplete = (block): void => {
        adapter.miniport.terminateOffloadComplete = completed;
        const first = block as unknown as OffloadBlockList;
        const other = present(first.nextBlock);
        [first.offloadHandle, other.offloadHandle] = [other.offloadHandle, first.offloadHandle];
        completed(block);
      };
    }
    super.protocolTerminateOffloadComplete(adapter, tree);
  }
}

/** Terminates two connections more in one tree. @param portNumber 7: the intermediate driver of the scenario goes wrong. */
function terminateTwo({ host, target }: ProbeStack, portNumber: number): void {
  const { connections } = host.offload({ connectionsPerPath: 2 });
  target.completeTree('initiate');
  const root = host.connections(...(connections as [OffloadHandle, OffloadHandle]));
  root.portNumber = portNumber;
  host.binding.terminateOffload(root);
  target.completeTree('terminate');
}

export const terminateScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-TRM-001',
    catches: 'a host that terminates a connection that is being queried',
    actor: 'probe host',
    broken: ({ host, target, connection }) => {
      host.binding.queryOffloadState(host.connections(connection));
      attempt(() => {
        host.binding.terminateOffload(host.connections(connection));
      });
      target.completeTree('query');
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.binding.queryOffloadState(host.connections(connection));
      target.completeTree('query');
      terminate(stack);
    },
  },
  {
    rule: 'CHIM-TRM-002',
    catches: 'a host that terminates a path and keeps its connection',
    actor: 'probe host',
    broken: (stack) => {
      terminatePath(stack);
    },
    clean: (stack) => {
      beginTerminate(stack);
      stack.target.completeTree('terminate');
      terminatePath(stack);
    },
  },
  {
    rule: 'CHIM-TRM-003',
    catches: 'a host that sends on a connection that is being terminated',
    actor: 'probe host',
    broken: (stack) => {
      beginTerminate(stack);
      attempt(() => {
        stack.host.send(stack.connection, 'late');
      });
      stack.target.completeTree('terminate');
    },
    clean: (stack) => {
      stack.host.send(stack.connection, 'in time');
      stack.target.completeSends();
      terminate(stack);
    },
  },
  {
    rule: 'CHIM-TRM-004',
    catches: 'a target that writes to the cached state behind the block of a terminate',
    actor: 'probe target',
    broken: (stack) => {
      terminate(stack, {
        change: (block) => {
          cachedIn(block).ttlOrHopLimit = 0;
        },
      });
    },
    clean: (stack) => {
      terminate(stack, {
        change: (block) => {
          delegatedIn(block).cWnd = 1;
        },
      });
    },
  },
  {
    rule: 'CHIM-TRM-004',
    catches: 'a target that returns the SndUna of before the data that it has completed',
    actor: 'probe target',
    broken: (stack) => {
      stack.host.send(stack.connection, 'sent');
      stack.target.completeSends();
      terminate(stack, {
        change: (block) => {
          delegatedIn(block).sndUna = (delegatedIn(block).sndUna - 4) | 0;
        },
      });
    },
    clean: (stack) => {
      stack.host.send(stack.connection, 'sent');
      stack.target.completeSends();
      terminate(stack);
    },
  },
  {
    rule: 'CHIM-TRM-005',
    catches: 'a target that gives a connection back and keeps a receive request',
    actor: 'probe target',
    broken: (stack) => {
      stack.host.receive(stack.connection, 4);
      terminate(stack);
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.receive(connection, 4);
      beginTerminate(stack);
      target.completeReceives(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
      target.completeTree('terminate');
    },
  },
  {
    rule: 'CHIM-TRM-006',
    catches: 'a target that completes a terminate from inside an event of the connection',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target, connection } = stack;
      host.calls.once('protocolTcpOffloadEvent', () => {
        beginTerminate(stack);
        attempt(() => {
          target.completeTree('terminate');
        });
      });
      target.event(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      target.completeTree('terminate');
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.calls.once('protocolTcpOffloadEvent', () => {
        beginTerminate(stack);
      });
      target.event(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      target.completeTree('terminate');
    },
  },
  {
    rule: 'CHIM-TRM-007',
    catches: 'a target that hands one of two sends back and forgets the other',
    actor: 'probe target',
    broken: (stack) => {
      const [first] = membersOf(stack.host.send(stack.connection, 'a', 'b'));
      handBack(stack, beginTerminate(stack), [present(first)]);
    },
    clean: (stack) => {
      const nbls = membersOf(stack.host.send(stack.connection, 'a', 'b'));
      handBack(stack, beginTerminate(stack), nbls);
    },
  },
  {
    rule: 'CHIM-TRM-008',
    catches: 'a target that hands sends back the other way round',
    actor: 'probe target',
    broken: (stack) => {
      const nbls = membersOf(stack.host.send(stack.connection, 'a', 'b'));
      handBack(stack, beginTerminate(stack), nbls.reverse());
    },
    clean: (stack) => {
      const nbls = membersOf(stack.host.send(stack.connection, 'a', 'b'));
      handBack(stack, beginTerminate(stack), nbls);
    },
  },
  {
    rule: 'CHIM-TRM-009',
    catches: 'a target whose SndUna is beyond the first byte of the chain',
    actor: 'probe target',
    broken: (stack) => {
      const nbls = membersOf(stack.host.send(stack.connection, 'abcd'));
      handBack(stack, beginTerminate(stack), nbls, 2);
    },
    clean: (stack) => {
      const { host, target, connection, ndis } = stack;
      const nbls = membersOf(host.send(connection, 'abcd', 'efgh', 'ijkl'));
      target.completeSends(1);
      const rest = nbls.slice(1);
      ndis.advanceNetBufferDataStart(present(rest[0]?.firstNetBuffer), 2, false);
      handBack(stack, beginTerminate(stack), rest, 2);
    },
  },
  {
    rule: 'CHIM-TRM-013',
    catches: 'a target that drops what the host refused, and counts it as received',
    actor: 'probe target',
    broken: (stack) => {
      stack.target.indicate(stack.connection, 'refused');
      terminate(stack, {
        change: (block) => {
          delegatedIn(block).rcvNxt = (delegatedIn(block).rcvNxt + 7) | 0;
        },
      });
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      const { netBufferList } = target.indicate(connection, 'refused');
      const root = beginTerminate(stack);
      target.completeTree('terminate', {
        change: (block) => {
          const delegated = delegatedIn(block);
          delegated.rcvNxt = (delegated.rcvNxt + 7) | 0;
          delegated.bufferedData = netBufferList;
        },
      });
      host.binding.offloadTcpReceiveReturn(netBufferList);
      delegatedIn(root as never).bufferedData = null;
    },
  },
  {
    rule: 'CHIM-TRM-014',
    catches: 'a target that lets go of a connection before its terminate',
    actor: 'probe target',
    broken: (stack) => {
      letGo(stack.connection);
      terminate(stack);
    },
    clean: (stack) => {
      terminate(stack);
    },
  },
  {
    rule: 'CHIM-TRM-015',
    catches: 'a target that fails a terminate and succeeds in the next without a word between',
    actor: 'probe target',
    broken: (stack) => {
      terminate(stack, FAILED);
      terminate(stack);
    },
    clean: (stack) => {
      stack.host.send(stack.connection, 'unsent');
      terminate(stack, FAILED);
      indicateFailure(stack);
      takeBackAborted(stack);
    },
  },
  {
    rule: 'CHIM-TRM-016',
    catches: 'a target that completes a send with PAUSED when it has asked for the upload',
    actor: 'probe target',
    broken: (stack) => {
      const { host, target, connection } = stack;
      host.send(connection, 'unsent');
      target.event(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      target.completeSends(1, NDIS_STATUS_PAUSED);
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      host.send(connection, 'unsent');
      target.event(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.UploadRequested);
      target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS);
    },
  },
  {
    rule: 'CHIM-TRM-019',
    catches: 'an intermediate driver that swaps two connections in a terminate',
    actor: 'im1',
    stack: { intermediates: 1, createIntermediate: (ndis, options) => new HandleSwapper(ndis, options) },
    broken: (stack) => {
      terminateTwo(stack, 7);
    },
    clean: (stack) => {
      terminateTwo(stack, 0);
    },
  },
  {
    rule: 'CHIM-TRM-020',
    catches: 'a host that offloads while the target has paused',
    actor: 'probe host',
    broken: (stack) => {
      pause(stack);
      stack.host.offload();
      stack.target.completeTree('initiate');
    },
    clean: (stack) => {
      const { host, target } = stack;
      pause(stack);
      target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, target.capabilities);
      target.calls.once('miniportOidRequest', () => NDIS_STATUS_SUCCESS);
      host.request(NDIS_REQUEST_TYPE.NdisRequestQueryInformation, OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG);
      host.offload();
      target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-TRM-020',
    catches: 'a host that offloads after a pause with the capabilities of before it',
    actor: 'probe host',
    broken: (stack) => {
      pause(stack);
      stack.target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, stack.target.capabilities);
      stack.host.offload();
      stack.target.completeTree('initiate');
    },
    clean: ({ host, target }) => {
      target.indicateStatus(NDIS_STATUS_OFFLOAD_RESUME, target.capabilities);
      host.offload();
      target.completeTree('initiate');
    },
  },
  {
    rule: 'CHIM-TRM-021',
    catches: 'a host that keeps a path and a neighbor after UPLOAD_ALL',
    actor: 'probe host',
    isEventual: true,
    broken: (stack) => {
      stack.target.indicateStatus(NDIS_STATUS_UPLOAD_ALL);
      terminate(stack);
    },
    clean: (stack) => {
      stack.target.indicateStatus(NDIS_STATUS_UPLOAD_ALL);
      stack.terminateAll();
    },
  },
  {
    rule: 'CHIM-TRM-022',
    catches: 'a target that completes a send with PAUSED because it has paused',
    actor: 'probe target',
    broken: (stack) => {
      pause(stack);
      stack.host.send(stack.connection, 'unsent');
      stack.target.completeSends(1, NDIS_STATUS_PAUSED);
    },
    clean: (stack) => {
      stack.host.offload();
      pause(stack);
      stack.host.send(stack.connection, 'sent');
      stack.target.completeSends();
      stack.target.completeTree('initiate');
    },
  },
];
