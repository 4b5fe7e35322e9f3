import type { Rule } from '../rule.ts';

export const sendRules: readonly Rule[] = [
  {
    id: 'CHIM-SND-011',
    actors: ['target'],
    severity: 'warning',
    page: 'nc-ndischimney-ndis_tcp_offload_send_complete.md',
    holds: 'Sends of one connection are completed in the order in which they were passed down.',
    why: 'A host frees its buffers, and tells its applications, from the front: a completion that overtakes another makes it look as if the earlier bytes had been acknowledged.',
    cause: 'Look for a second queue, or for completions that are linked at the wrong end of the list of a DPC.',
    example: 'Of sends 1 and 2, send 2 is completed while 1 is still pending.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      requestUp: (request, { edge, kind }) => {
        if (kind !== 'send' || edge.lowerRole !== 'target') return;
        const { oldest } = request.object.pending.send;
        if (oldest === request || oldest === null) return;
        broken(edge.lower, `completes send ${request.ordinal} of ${request.object.name} while send ${oldest.ordinal} is pending`, request.nbl, request.object.handle);
      },
    }),
  },
];
