import { newTree, present, type ProbeStack } from '@ndis-chimney/kit';
import {
  TCP_OFFLOAD_CONNECTION_STATE,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type MiniportOffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
  type TcpOffloadStateDelegated,
} from '@ndis-chimney/types';

import type { Scenario } from './scenario.ts';

const { TcpConnectionClosed } = TCP_OFFLOAD_CONNECTION_STATE;

/** The delegated state of a block, if it is one of a connection. */
export function delegatedOf({ state }: { readonly state: unknown }): TcpOffloadStateDelegated | null {
  return (state as TcpOffloadState | null)?.delegated ?? null;
}

/** Offloads another connection, its state changed. */
export function offloadWith({ host, target }: ProbeStack, change: (state: TcpOffloadState, block: ProtocolOffloadBlockList) => void): OffloadHandle {
  const tree = newTree(host.binding);
  const block = present(tree.root.dependentBlockList?.dependentBlockList);
  change(block.state as TcpOffloadState, block);
  host.initiate(tree.root);
  target.completeTree('initiate');
  return present(tree.connections[0]);
}

/** Queries a connection; the target says so. */
function query({ host, target }: ProbeStack, connection: OffloadHandle, say: (delegated: TcpOffloadStateDelegated) => void): void {
  host.binding.queryOffloadState(host.connections(connection));
  target.completeTree('query', {
    change: (block: MiniportOffloadBlockList) => {
      const delegated = delegatedOf(block);
      if (delegated !== null) say(delegated);
    },
  });
}

/** Terminates the connection that was offloaded at the start, which comes back in this state. */
function terminateIn({ host, target, connection }: ProbeStack, state: TCP_OFFLOAD_CONNECTION_STATE): void {
  host.binding.terminateOffload(host.connections(connection));
  target.completeTree('terminate', {
    change: (block) => {
      const delegated = delegatedOf(block);
      if (delegated !== null) delegated.state = state;
    },
  });
}

/**
 * Offloads a connection with 10 bytes on their way, and 300 ticks to their retransmission. After 100 ticks a query is
 * answered with this many; then the bytes are acknowledged.
 */
function queryUnacknowledged(stack: ProbeStack, left: number): void {
  const { host, target, runtime } = stack;
  stack.enable({ ticksPerSecond: 1000 });
  const chain = host.list('0123456789');
  const connection = offloadWith(stack, ({ delegated }, block) => {
    if (delegated === null) return;
    block.netBufferListChain = chain;
    delegated.sendDataHead = chain;
    delegated.sendDataTail = chain;
    delegated.sndNxt = (delegated.sndUna + 10) | 0;
    delegated.sndMax = delegated.sndNxt;
    delegated.retransmit.timeoutDelta = 300;
  });
  const block = present(host.handles.get(connection));
  block.netBufferListChain = null;
  block.state = present(host.connections(connection)).state;
  runtime.advance(100);
  query(stack, connection, (delegated) => {
    delegated.sndNxt = (delegated.sndUna + 10) | 0;
    delegated.sndMax = delegated.sndNxt;
    delegated.retransmit.timeoutDelta = left;
  });
  target.sends.push(chain);
  target.completeSends();
  const context = stack.contextOf(connection);
  context.sndUna = (context.sndUna + 10) | 0;
}

/** Expires the timer of a connection that the host has closed, so long after. */
function expireFinWait2(stack: ProbeStack, afterMs: number): void {
  stack.host.disconnect(stack.connection);
  stack.target.completeDisconnect();
  stack.runtime.advance(afterMs);
  stack.target.event(stack.lowest(stack.connection), TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.TimeoutExpiration);
}

export const timersScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-TMR-001',
    catches: 'a host that sets a rate that is none',
    actor: 'probe host',
    broken: (stack) => {
      stack.enable({ ticksPerSecond: 64 });
    },
    clean: (stack) => {
      stack.enable({ ticksPerSecond: 100 });
    },
  },
  {
    rule: 'CHIM-TMR-005',
    catches: 'a target that starts the retransmit timer anew',
    actor: 'probe target',
    broken: (stack) => {
      queryUnacknowledged(stack, 300);
    },
    clean: (stack) => {
      queryUnacknowledged(stack, 200);
    },
  },
  {
    rule: 'CHIM-TMR-006',
    catches: 'a target that leaves the timers as a fresh structure has them',
    actor: 'probe target',
    broken: (stack) => {
      query(stack, stack.connection, (delegated) => {
        delegated.retransmit.timeoutDelta = 0;
      });
    },
    clean: (stack) => {
      query(stack, stack.connection, (delegated) => {
        delegated.retransmit.timeoutDelta = -1;
      });
    },
  },
  {
    rule: 'CHIM-TMR-008',
    catches: 'a target that gives up in FIN_WAIT_2 after a minute',
    actor: 'probe target',
    broken: (stack) => {
      expireFinWait2(stack, 60_000);
    },
    clean: (stack) => {
      expireFinWait2(stack, 120_000);
      terminateIn(stack, TcpConnectionClosed);
    },
  },
  {
    rule: 'CHIM-TMR-008',
    catches: 'a target that gives up in FIN_WAIT_2 and returns another state',
    actor: 'probe target',
    broken: (stack) => {
      expireFinWait2(stack, 120_000);
      terminateIn(stack, TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2);
    },
    clean: (stack) => {
      expireFinWait2(stack, 120_000);
      terminateIn(stack, TcpConnectionClosed);
    },
  },
];
