import { NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { RequestKind } from '../record/request-record.ts';
import type { Rule } from '../rule.ts';
import { isStricken, watchContexts } from '../judge/contexts.ts';
import { handBackRules } from './hand-back.ts';
import { watchHardwareFailure } from '../judge/hardware-failure.ts';
import { isTargets } from '../judge/trees.ts';
import { uploadAllRules } from './upload-all.ts';

/** What has to be over before a terminate is; sends may come back in its tree. */
const OVER: readonly RequestKind[] = ['receive', 'disconnect', 'forward'];

/** Dependents that would lose what they hang under. */
function keptBy({ dependents }: ObjectRecord, tree: ReadonlySet<ObjectRecord>): ObjectRecord | null {
  for (const dependent of dependents) if (!tree.has(dependent) && dependent.state !== 'terminating' && dependent.state !== 'back') return dependent;
  return null;
}

const ownRules: readonly Rule[] = [
  {
    id: 'CHIM-TRM-001',
    actors: ['host'],
    severity: 'error',
    page: 'nc-ndischimney-w_terminate_offload_handler.md',
    holds: 'An object is terminated when no query, update or invalidate of it is under way, and no receive or disconnect call for it has yet to return.',
    why: 'The target would have to answer for an object that it gives away.',
    cause: 'Look for a terminate from another thread, or from a callback, than the operation.',
    example: 'A connection is terminated while its query is pending.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-TRM-002',
    actors: ['host'],
    severity: 'error',
    page: 'terminate-offload-initiated-by-the-host-stack.md',
    holds: 'A neighbor or path is terminated when nothing depends on it any more, or all that does is in the same tree.',
    why: 'What depends on it would be offloaded without anything to send through.',
    cause: 'Look at how the host counts dependents: when an initiate ends, not when it begins.',
    example: 'A path is terminated alone, and its connection stays.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeDown: ({ operation, edge, blocks }) => {
        if (operation !== 'terminate' || edge.upperRole !== 'host') return;
        const tree = new Set(blocks.flatMap(({ object }) => object ?? []));
        for (const object of tree) {
          const kept = keptBy(object, tree);
          if (kept !== null) broken(edge.upper, `terminates ${object.name}, on which ${kept.name} depends`, object.handle, kept.handle);
        }
      },
    }),
  },
  {
    id: 'CHIM-TRM-003',
    actors: ['host'],
    severity: 'error',
    page: 'handling-send-requests-during-a-terminate-offload-operation.md',
    holds: 'When a connection is being terminated nothing is sent, received, forwarded or disconnected on it.',
    why: 'The target is handing its queues over.',
    cause: 'Look for requests of applications that are not held back while the connection comes home.',
    example: 'A send is passed down between NdisTerminateOffload and its completion.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-TRM-005',
    actors: ['target'],
    severity: 'error',
    page: 'nf-ndischimney-ndismterminateoffloadcomplete.md',
    holds: 'Before a terminate is completed every receive, forward and disconnect request, every query, update and invalidate of the connection is.',
    why: 'After it the connection is the host’s again, and so is all the memory that was lent for it.',
    cause: 'Look for requests that wait in a queue of their own: the report of what is pending names them.',
    example: 'A receive request is with the target when it completes the terminate of its connection.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: (tree) => {
        if (tree.operation !== 'terminate' || !isTargets(tree)) return;
        for (const { object, block } of tree.blocks) {
          if (object === null || block.status !== NDIS_STATUS_SUCCESS) continue;
          const left = OVER.find((kind) => object.pending[kind].size > 0);
          const isWorking = object.queries + object.updates + object.invalidates > 0;
          if (left !== undefined) broken(tree.edge.lower, `gives ${object.name} back with ${object.pending[left].size} ${left} requests pending`, block, object.handle);
          else if (isWorking) broken(tree.edge.lower, `gives ${object.name} back with a state operation of it pending`, block, object.handle);
        }
      },
    }),
  },
  {
    id: 'CHIM-TRM-006',
    actors: ['target'],
    severity: 'error',
    page: 'nf-ndischimney-ndismterminateoffloadcomplete.md',
    holds: 'Before a terminate is completed every indication about the object has returned.',
    why: 'The host would free the record that it is working with.',
    cause: 'Look for a terminate that the host starts from inside an indication, and the target completes at once.',
    example: 'The host terminates a connection from its event handler; the target completes from inside that call.',
    observed: ['up'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-TRM-010',
    actors: ['target'],
    severity: 'error',
    page: 'handling-segments-received-during-a-terminate-offload-operation.md',
    holds: 'Segments that arrive when a terminate has begun go up on the ordinary path, neither processed nor acknowledged.',
    why: 'The state that is being handed over would be behind them.',
    cause: 'Look for segments that were in a queue of the hardware when the terminate came.',
    example: 'RcvNxt advances after the state has been written.',
    observed: ['wire', 'ordinary'],
    decidedBy: 'nobody',
    missing: 'When a segment arrived, and whether it was acknowledged, is seen on the wire only.',
  },
  {
    id: 'CHIM-TRM-011',
    actors: ['target'],
    severity: 'error',
    page: 'delayed-acknowledgement-timer.md',
    holds: 'Acknowledgements that wait for the delayed-ACK timer are sent before a terminate is completed.',
    why: 'The host does not know that one is owed.',
    cause: 'Look for a terminate that only stops the timer.',
    example: 'The last ACK is below the RcvNxt that is handed over.',
    observed: ['wire'],
    decidedBy: 'nobody',
    missing: 'Acknowledgements are seen on the wire only.',
  },
  {
    id: 'CHIM-TRM-012',
    actors: ['target'],
    severity: 'warning',
    page: 'handling-segments-received-during-a-terminate-offload-operation.md',
    holds: 'Data that was only SACKed is dropped: neither indicated nor acknowledged nor handed over.',
    why: 'There is no place in the state for what lies beyond a gap; the peer sends it again.',
    cause: 'Look for reassembly queues that are handed over whole.',
    example: 'BufferedData ends beyond RcvNxt.',
    observed: ['wire', 'up'],
    decidedBy: 'nobody',
    missing: 'What was received out of order is seen on the wire only.',
  },
  {
    id: 'CHIM-TRM-014',
    actors: ['target'],
    severity: 'error',
    page: 'terminate-offload-sequence.md',
    holds: 'The context of an object is let go when its terminate was completed, not before.',
    why: 'The object is named by it until then.',
    cause: 'Look for a target that tidies up when it is idle.',
    example: 'When a connection that was only used is terminated its cell is empty.',
    observed: ['memory', 'resources'],
    decidedBy: 'verifier',
    missing: 'Only that the context is gone from its cell is seen, not whether its memory is used or kept.',
    watch: watchContexts((object) => !object.isInvalid && !isStricken(object), 'offloaded'),
  },
  {
    id: 'CHIM-TRM-015',
    actors: ['target'],
    severity: 'error',
    page: 'returning-the-completion-status-of-a-terminate-offload-operation.md',
    holds: 'A terminate that failed is followed by TcpIndicateRetrieve for HardwareFailure, by TcpIndicateAbort and, in a second terminate, by REQUEST_ABORTED for the sends and receives of the connection.',
    why: 'The host has no state to go on from: it has to abort the connection, and to get its memory back.',
    cause: 'Look for a target that fails a terminate for another reason than corrupt hardware.',
    example: 'A terminate fails, and the second one succeeds without a word between.',
    observed: ['up', 'down'],
    decidedBy: 'verifier',
    watch: watchHardwareFailure('terminate'),
  },
  {
    id: 'CHIM-TRM-017',
    actors: ['NDIS'],
    severity: 'error',
    page: 'nc-ndischimney-terminate_offload_complete_handler.md',
    holds: 'ProtocolTerminateOffloadComplete is called once, in response to NdisMTerminateOffloadComplete of the driver below, for a terminate that the driver above has started.',
    why: 'A driver frees what belongs to the terminate when it is called.',
    cause: 'Look for a completion that is passed up without being matched.',
    example: 'A driver is called for a terminate of another binding.',
    observed: ['up', 'down'],
    decidedBy: 'nobody',
    missing: 'NDIS passes only completions up that it has matched to a request, and refuses the others as CHIM-BLK-008: there is no call to be found wrong.',
  },
  {
    id: 'CHIM-TRM-018',
    actors: ['NDIS'],
    severity: 'error',
    page: 'nc-ndischimney-terminate_offload_complete_handler.md',
    holds: 'ProtocolTerminateOffloadComplete gets the ProtocolBindingContext that the driver gave when it opened the binding of the request.',
    why: 'It is all the driver knows the binding by.',
    cause: 'Look for an intermediate driver with several bindings.',
    example: 'A driver is called with the context of its other binding.',
    observed: ['up'],
    decidedBy: 'nobody',
    missing: 'NDIS takes the context from the binding itself; an observer is not shown it.',
  },
];

export const terminateRules: readonly Rule[] = [...ownRules, ...handBackRules, ...uploadAllRules];
