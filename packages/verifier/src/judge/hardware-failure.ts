import { NDIS_STATUS_FAILURE, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { StateOperationName } from '../record/tree-record.ts';
import type { RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { isTargets } from './trees.ts';

/** How far a target is with what has to follow a failure. */
interface Sequence {
  isRetrieved: boolean;
  isAborted: boolean;
}

/** What is still to be indicated; null when nothing is. */
function missingOf({ isRetrieved, isAborted }: Sequence): string | null {
  if (!isRetrieved) return 'TcpIndicateRetrieve for HardwareFailure';
  return isAborted ? null : 'TcpIndicateAbort';
}

/**
 * What follows when a target cannot carry an operation out, because its record of a connection is corrupt: it asks for
 * the upload, indicates the abort and, when the host terminates the connection, completes with REQUEST_ABORTED what is
 * pending.
 *
 * Source: `returning-the-completion-status-of-a-terminate-offload-operation.md` and those of query and invalidate.
 * @param operation the one whose failure begins it.
 */
export function watchHardwareFailure(operation: StateOperationName): (watch: Watch) => RuleHooks {
  return ({ broken, edges }) => {
    const sequences = new WeakMap<ObjectRecord, Sequence>();
    const asked = new WeakSet<ObjectRecord>();
    return {
      treeUp: (tree) => {
        if (!isTargets(tree)) return;
        for (const { object, layer, block } of tree.blocks) {
          if (object === null || layer !== 'tcp') continue;
          const sequence = sequences.get(object);
          if (tree.operation === operation && block.status === NDIS_STATUS_FAILURE && object.hardwareFailure === null) {
            sequences.set(object, { isRetrieved: asked.has(object), isAborted: object.isAbortIndicated });
          } else if (tree.operation === 'terminate' && block.status === NDIS_STATUS_SUCCESS && sequence !== undefined) {
            sequences.delete(object);
            const missing = missingOf(sequence);
            if (missing !== null) broken(tree.edge.lower, `gives ${object.name} back after its ${operation} failed, without ${missing}`, block, object.handle);
            else if (block.netBufferListChain !== null) broken(tree.edge.lower, `gives sends of ${object.name} back in its terminate after its ${operation} failed`, block, object.handle);
          }
        }
      },
      event: (object, eventType, information) => {
        const sequence = sequences.get(object);
        if (eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve && information === TCP_UPLOAD_REASON.HardwareFailure) {
          asked.add(object);
          if (sequence !== undefined) sequence.isRetrieved = true;
        } else if (eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort && sequence !== undefined) {
          if (!sequence.isRetrieved && !sequence.isAborted) {
            sequences.delete(object);
            broken(object.edge.lower, `indicates the abort of ${object.name} after its ${operation} failed, without ${String(missingOf(sequence))} before it`, object.handle);
          }
          sequence.isAborted = true;
        }
      },
      requestUp: ({ object, nbl, kind }, { edge }) => {
        if (object.state !== 'terminating' || (kind !== 'send' && kind !== 'receive') || !sequences.has(object)) return;
        if (nbl.status === NDIS_STATUS_REQUEST_ABORTED || nbl.status === NDIS_STATUS_SUCCESS) return;
        broken(edge.lower, `completes a ${kind} of ${object.name}, whose ${operation} failed, otherwise than with NDIS_STATUS_REQUEST_ABORTED`, nbl, object.handle);
      },
      end: () => {
        for (const edge of edges) {
          for (const object of edge.objects.values()) {
            const sequence = sequences.get(object);
            const missing = sequence === undefined ? null : missingOf(sequence);
            if (missing !== null) broken(edge.lower, `${operation} of ${object.name} failed, and ${missing} has not followed`, object.handle);
          }
        }
      },
    };
  };
}
