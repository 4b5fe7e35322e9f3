import { OFFLOAD_STATE_TYPE, TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON, type OffloadHandle } from '@ndis-chimney/types';
import type { ProbeStack } from '@ndis-chimney/kit';

import { FAILED, beginTerminate, indicateFailure, invalidate, takeBackAborted, terminate } from './operations.ts';
import { bare } from './refuse.ts';
import type { Scenario } from './scenario.ts';

/** The neighbor is invalidated: the connection depends on it. */
function invalidateNeighbor({ host, target, neighbor }: ProbeStack): void {
  host.binding.invalidateOffload(bare(OFFLOAD_STATE_TYPE.NeighborOffloadState, neighbor));
  target.completeTree('invalidate');
}

/** What a target does that lets go of an object before it should. */
export function letGo(handle: OffloadHandle): void {
  handle.miniportOffloadContext = null;
}

export const invalidateScenarios: readonly Scenario[] = [
  {
    rule: 'CHIM-INV-001',
    catches: 'a host that invalidates a connection with state behind its block',
    actor: 'probe host',
    stack: { intermediates: 1 },
    broken: ({ host, target, connection }) => {
      host.binding.invalidateOffload(host.connections(connection));
      target.completeTree('invalidate');
      host.binding.terminateOffload(host.connections(connection));
      target.completeTree('terminate');
    },
    clean: (stack) => {
      invalidate(stack);
    },
  },
  {
    rule: 'CHIM-INV-003',
    catches: 'a target that lets a send wait on a connection whose neighbor is invalid',
    actor: 'probe target',
    broken: (stack) => {
      invalidateNeighbor(stack);
      stack.host.send(stack.connection, 'waits');
      stack.runtime.advance(8000);
      stack.target.completeSends();
      stack.terminateAll();
    },
    clean: (stack) => {
      const { host, target, connection } = stack;
      invalidateNeighbor(stack);
      host.send(connection, 'waits');
      target.event(connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.InvalidState);
      stack.runtime.advance(8000);
    },
  },
  {
    rule: 'CHIM-INV-004',
    catches: 'a target that lets go of a connection when it becomes invalid',
    actor: 'probe target',
    broken: (stack) => {
      invalidate(stack);
      letGo(stack.connection);
      terminate(stack);
    },
    clean: (stack) => {
      invalidate(stack);
      terminate(stack);
    },
  },
  {
    rule: 'CHIM-INV-005',
    catches: 'a target that fails an invalidate and indicates the abort alone',
    actor: 'probe target',
    broken: (stack) => {
      invalidate(stack, FAILED);
      stack.target.event(stack.connection, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
      beginTerminate(stack);
      stack.target.completeTree('terminate');
    },
    clean: (stack) => {
      stack.host.receive(stack.connection, 4);
      invalidate(stack, FAILED);
      indicateFailure(stack);
      takeBackAborted(stack);
    },
  },
  {
    rule: 'CHIM-INV-006',
    catches: 'a host that keeps a neighbor that it invalidated',
    actor: 'probe host',
    isEventual: true,
    broken: (stack) => {
      invalidateNeighbor(stack);
    },
    clean: (stack) => {
      invalidateNeighbor(stack);
    },
  },
];
