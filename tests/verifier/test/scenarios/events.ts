import { newTree, type ProbeStack } from '@ndis-chimney/kit';
import {
  Dpc,
  INDICATE_OFFLOAD_EVENT,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  createMiniportOffloadBlockList,
  type BytesConsumed,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type OffloadBlockList,
  type OffloadHandle,
} from '@ndis-chimney/types';

import type { Scenario } from './scenario.ts';

const { TcpIndicateAbort, TcpIndicateDisconnect, TcpIndicateRetrieve, TcpIndicateSendBacklogChange } = TCP_OFFLOAD_EVENT_TYPE;
const { HardwareFailure, LowActivity, TimeoutExpiration, UploadRequested } = TCP_UPLOAD_REASON;

/** Longer than a host may take. */
const TOO_LONG_MS = 31_000;

/** Makes the host take only the first byte of the next indication. */
function acceptOneByte({ host }: ProbeStack): void {
  host.calls.once('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed): NDIS_STATUS => {
    bytesConsumed.value = 1;
    return NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
  });
}

/** Makes the host answer questions about neighbors: its proof is so many ticks old. */
function answer({ host }: ProbeStack, ticks: number): void {
  host.calls.on('protocolIndicateOffloadEvent', (_context: unknown, block: OffloadBlockList) => {
    const { cached } = block.state as NeighborOffloadState;
    if (cached !== null) cached.hostReachabilityDelta = ticks;
  });
}

/** Makes the target ask about the neighbor, whose proofs are that many ticks old. */
function ask({ target, lowest, neighbor }: { readonly target: ProbeStack['target']; readonly lowest: OffloadHandle; readonly neighbor: NeighborOffloadState }, host: number, nic: number): void {
  const block = createMiniportOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, lowest, neighbor);
  if (neighbor.cached !== null) neighbor.cached.hostReachabilityDelta = host;
  if (neighbor.delegated !== null) neighbor.delegated.nicReachabilityDelta = nic;
  block.status = NDIS_STATUS_SUCCESS;
  target.miniport.offloadEventIndicate(block, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery);
}

function askOn(stack: ProbeStack, host: number, nic: number): void {
  const neighbor = newTree(stack.host.binding).root.state as NeighborOffloadState;
  ask({ target: stack.target, lowest: stack.lowest(stack.neighbor), neighbor }, host, nic);
}

function event(stack: ProbeStack, eventType: number, information = 0): void {
  stack.target.event(stack.lowest(stack.connection), eventType, information);
}

/** Closes the send half, and lets the peer acknowledge that. */
function close({ host, target, connection }: ProbeStack): void {
  host.disconnect(connection);
  target.completeDisconnect();
}

/** Queries the neighbor, which the target says to have had proof of so many ticks ago. */
function queryNeighbor({ host, target, neighbor }: ProbeStack, ticks: number): void {
  const { root } = newTree(host.binding);
  root.offloadHandle = neighbor;
  root.dependentBlockList = null;
  host.binding.queryOffloadState(root);
  target.completeTree('query', {
    change: ({ state }) => {
      const { delegated } = state as NeighborOffloadState;
      if (delegated !== null) delegated.nicReachabilityDelta = ticks;
    },
  });
}

export const eventsScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-EVT-001',
    catches: 'a target that indicates the FIN before the data in front of it',
    actor: 'probe target',
    broken: (stack) => {
      acceptOneByte(stack);
      stack.target.indicate(stack.lowest(stack.connection), 'ab');
      event(stack, TcpIndicateDisconnect);
    },
    clean: (stack) => {
      acceptOneByte(stack);
      stack.target.indicate(stack.lowest(stack.connection), 'ab');
      stack.host.receive(stack.connection, 1);
      stack.target.completeOne('receives', { bytes: 1, data: 'b' });
      event(stack, TcpIndicateDisconnect);
    },
  },
  {
    rule: 'CHIM-EVT-001',
    catches: 'a target that indicates the FIN twice',
    actor: 'probe target',
    broken: (stack) => {
      event(stack, TcpIndicateDisconnect);
      event(stack, TcpIndicateDisconnect);
    },
    clean: (stack) => {
      event(stack, TcpIndicateDisconnect);
    },
  },
  {
    rule: 'CHIM-EVT-002',
    catches: 'a target that completes a receive with SUCCESS after a reset',
    actor: 'probe target',
    broken: (stack) => {
      stack.host.receive(stack.connection, 10);
      event(stack, TcpIndicateAbort);
      stack.runtime.advance(1);
      stack.target.completeReceives();
    },
    clean: (stack) => {
      stack.host.receive(stack.connection, 10);
      event(stack, TcpIndicateAbort);
      stack.target.completeReceives(1, NDIS_STATUS_REQUEST_ABORTED);
    },
  },
  {
    rule: 'CHIM-EVT-007',
    catches: 'a target that asks for the upload of a path',
    actor: 'probe target',
    broken: (stack) => {
      stack.target.event(stack.lowest(stack.path), TcpIndicateRetrieve, LowActivity);
    },
    clean: (stack) => {
      event(stack, TcpIndicateRetrieve, LowActivity);
    },
  },
  {
    rule: 'CHIM-EVT-007',
    catches: 'a target that asks for an upload without a reason, behind an intermediate driver',
    actor: 'probe target',
    stack: { intermediates: 1 },
    broken: (stack) => {
      event(stack, TcpIndicateRetrieve, 0);
    },
    clean: (stack) => {
      event(stack, TcpIndicateRetrieve, UploadRequested);
    },
  },
  {
    rule: 'CHIM-EVT-008',
    catches: 'a host that takes a hardware failure for a hint',
    actor: 'probe host',
    isEventual: true,
    broken: (stack) => {
      event(stack, TcpIndicateRetrieve, HardwareFailure);
      stack.runtime.advance(TOO_LONG_MS);
    },
    clean: (stack) => {
      event(stack, TcpIndicateRetrieve, LowActivity);
      stack.runtime.advance(TOO_LONG_MS);
      event(stack, TcpIndicateRetrieve, HardwareFailure);
      stack.terminateAll();
      stack.runtime.advance(TOO_LONG_MS);
    },
  },
  {
    rule: 'CHIM-EVT-009',
    catches: 'a target that indicates data after it has given up',
    actor: 'probe target',
    broken: (stack) => {
      event(stack, TcpIndicateRetrieve, TimeoutExpiration);
      stack.target.indicate(stack.lowest(stack.connection), 'late');
    },
    clean: (stack) => {
      event(stack, TcpIndicateRetrieve, LowActivity);
      stack.target.indicate(stack.lowest(stack.connection), 'in time');
    },
  },
  {
    rule: 'CHIM-EVT-010',
    catches: 'a target that asks for the upload at will when the peer has closed',
    actor: 'probe target',
    broken: (stack) => {
      event(stack, TcpIndicateDisconnect);
      event(stack, TcpIndicateRetrieve, LowActivity);
    },
    clean: (stack) => {
      event(stack, TcpIndicateRetrieve, LowActivity);
      event(stack, TcpIndicateDisconnect);
      event(stack, TcpIndicateRetrieve, TimeoutExpiration);
    },
  },
  {
    rule: 'CHIM-EVT-010',
    catches: 'a target that asks for the upload at will when the host has closed',
    actor: 'probe target',
    broken: (stack) => {
      close(stack);
      event(stack, TcpIndicateRetrieve, LowActivity);
    },
    clean: (stack) => {
      close(stack);
      event(stack, TcpIndicateDisconnect);
      event(stack, TcpIndicateRetrieve, UploadRequested);
    },
  },
  {
    rule: 'CHIM-EVT-013',
    catches: 'a target that keeps a connection in TIME_WAIT',
    actor: 'probe target',
    isEventual: true,
    broken: (stack) => {
      close(stack);
      event(stack, TcpIndicateDisconnect);
      stack.runtime.advance(TOO_LONG_MS);
    },
    clean: (stack) => {
      close(stack);
      event(stack, TcpIndicateDisconnect);
      event(stack, TcpIndicateRetrieve, UploadRequested);
      stack.terminateAll();
      stack.runtime.advance(TOO_LONG_MS);
    },
  },
  {
    rule: 'CHIM-EVT-014',
    catches: 'a target that indicates the same backlog again',
    actor: 'probe target',
    broken: (stack) => {
      event(stack, TcpIndicateSendBacklogChange, 65_536);
      event(stack, TcpIndicateSendBacklogChange, 65_536);
    },
    clean: (stack) => {
      event(stack, TcpIndicateSendBacklogChange, 65_536);
      event(stack, TcpIndicateSendBacklogChange, 131_072);
    },
  },
  {
    rule: 'CHIM-EVT-014',
    catches: 'a target that indicates what is posted as the backlog',
    actor: 'probe target',
    broken: (stack) => {
      for (const [at, text] of ['a', 'bb', 'ccc'].entries()) {
        stack.host.send(stack.connection, text);
        event(stack, TcpIndicateSendBacklogChange, [1, 3, 6][at]);
      }
    },
    clean: (stack) => {
      for (const [at, text] of ['a', 'bb', 'ccc'].entries()) {
        stack.host.send(stack.connection, text);
        event(stack, TcpIndicateSendBacklogChange, [1, 3, 100][at]);
      }
    },
  },
  {
    rule: 'CHIM-EVT-015',
    catches: 'a target that asks about a neighbor it has just had proof of',
    actor: 'probe target',
    broken: (stack) => {
      stack.enable({ nceStaleTicks: 100 });
      answer(stack, 0);
      askOn(stack, 101, 50);
    },
    clean: (stack) => {
      stack.enable({ nceStaleTicks: 100 });
      answer(stack, 0);
      askOn(stack, 101, 101);
    },
  },
  {
    rule: 'CHIM-EVT-016',
    catches: 'a target that asks with the block of a query',
    actor: 'probe target',
    broken: (stack) => {
      const block = createMiniportOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadDelegatedState, stack.lowest(stack.neighbor), newTree(stack.host.binding).root.state);
      block.status = NDIS_STATUS_SUCCESS;
      stack.target.miniport.offloadEventIndicate(block, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery);
    },
    clean: (stack) => {
      askOn(stack, 1, 1);
    },
  },
  {
    rule: 'CHIM-EVT-017',
    catches: 'a target that does not take the answer',
    actor: 'probe target',
    broken: (stack) => {
      stack.enable({ nceStaleTicks: 100, ticksPerSecond: 1000 });
      answer(stack, 20);
      askOn(stack, 101, 101);
      stack.runtime.advance(50);
      askOn(stack, 151, 151);
    },
    clean: (stack) => {
      stack.enable({ nceStaleTicks: 100, ticksPerSecond: 1000 });
      answer(stack, 20);
      askOn(stack, 101, 101);
      stack.runtime.advance(81);
      askOn(stack, 101, 182);
    },
  },
  {
    rule: 'CHIM-EVT-017',
    catches: 'a host that does not answer before it returns, above an intermediate driver',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: (stack) => {
      stack.enable({ nceStaleTicks: 100 });
      askOn(stack, 101, 101);
    },
    clean: (stack) => {
      stack.enable({ nceStaleTicks: 100 });
      answer(stack, 0);
      askOn(stack, 101, 101);
    },
  },
  {
    rule: 'CHIM-EVT-018',
    catches: 'a target that takes no acknowledgement for proof',
    actor: 'probe target',
    broken: (stack) => {
      stack.host.send(stack.connection, 'a');
      stack.target.completeSends();
      queryNeighbor(stack, 600_000);
    },
    clean: (stack) => {
      stack.host.send(stack.connection, 'a');
      stack.target.completeSends();
      queryNeighbor(stack, 1);
    },
  },
  {
    rule: 'CHIM-EVT-019',
    catches: 'a target that indicates an event of a connection that is back',
    actor: 'probe target',
    broken: (stack) => {
      const handle = stack.lowest(stack.connection);
      stack.terminateAll();
      try {
        stack.target.event(handle, TcpIndicateDisconnect);
      } catch {
        // Refused.
      }
    },
    clean: (stack) => {
      event(stack, TcpIndicateDisconnect);
      stack.terminateAll();
    },
  },
  {
    rule: 'CHIM-EVT-020',
    catches: 'a target that indicates from inside a call of the host',
    actor: 'probe target',
    broken: (stack) => {
      event(stack, TcpIndicateDisconnect);
    },
    clean: (stack) => {
      stack.ndis.dpcQueue.insert(
        new Dpc({
          runDpc: () => {
            event(stack, TcpIndicateDisconnect);
            stack.target.indicate(stack.lowest(stack.connection), 'a');
          },
        }),
      );
      stack.settle();
    },
  },
];
