import { INDICATE_OFFLOAD_EVENT, NDIS_STATUS_SUCCESS, OFFLOAD_STATE_TYPE, type NeighborOffloadState, type OffloadBlockList } from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { elapsedTicks, slackTicks } from './ticks.ts';

const QUESTION = 'making-a-neighborreachabilityquery-indication.md';

/** HRD and NRD of a block: how long ago, in ticks, host and target had their last proof. */
function deltasOf(block: object): { readonly host: number; readonly nic: number } | null {
  const { cached, delegated } = ((block as OffloadBlockList).state ?? {}) as Partial<NeighborOffloadState>;
  return cached == null || delegated == null ? null : { host: cached.hostReachabilityDelta >>> 0, nic: delegated.nicReachabilityDelta >>> 0 };
}

/** NceStaleTicks of the adapter; 0 when nothing goes stale, or nobody has said. */
function staleTicks({ parametersOf }: Watch, edge: EdgeRecord): number {
  return (parametersOf(edge)?.nceStaleTicks ?? 0) >>> 0;
}

/** What is wrong with the block of a question; null when nothing is. */
function faultOf(block: OffloadBlockList, indicationCode: number): string | null {
  const { header, status, state } = block;
  if (indicationCode !== INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery) return `with code ${indicationCode}`;
  if (header.type !== OFFLOAD_STATE_TYPE.NeighborOffloadState) return `with a block of type ${header.type}`;
  if (status !== NDIS_STATUS_SUCCESS) return `with status ${status} in the block`;
  const missing = (['const', 'cached', 'delegated'] as const).find((name) => ((state ?? {}) as Partial<NeighborOffloadState>)[name] == null);
  return missing === undefined ? null : `without the ${missing} state`;
}

/** Whether neighbors are still there: what targets ask, and what hosts answer. */
export const neighborQuestionsRules: readonly Rule[] = [
  {
    id: 'CHIM-EVT-015',
    actors: ['target'],
    severity: 'error',
    page: QUESTION,
    holds: 'The host is asked about a neighbor before something is sent to it, exactly when neither side has had proof of it for more than NceStaleTicks.',
    why: 'Asked too early, the host is kept busy for nothing; asked too late, data goes to where nobody is.',
    cause: 'Both ages are differences of 32-bit clocks: compare them unsigned, modulo 2^32.',
    example: 'NceStaleTicks is 100, the target\'s last proof is 50 ticks old, and it asks.',
    observed: ['up', 'time', 'wire'],
    decidedBy: 'verifier',
    missing: 'Questions that should have been asked: the verifier does not see when a target sends.',
    watch: (watch) => ({
      question: (object, block) => {
        const { edge, handle } = object;
        const stale = staleTicks(watch, edge);
        const deltas = deltasOf(block);
        if (edge.lowerRole !== 'target' || stale === 0 || deltas === null || (deltas.host > stale && deltas.nic > stale)) return;
        watch.broken(edge.lower, `asks about ${object.name} ${deltas.nic} ticks after its own last proof and ${deltas.host} after the host's, though it is stale after ${stale}`, block, handle);
      },
    }),
  },
  {
    id: 'CHIM-EVT-016',
    actors: ['target'],
    severity: 'error',
    page: 'nf-ndischimney-ndismoffloadeventindicate.md',
    holds: 'The question is one stand-alone block of type NeighborOffloadState, its Status NDIS_STATUS_SUCCESS, with constant, cached and delegated state, the last two with what HRD and NRD are now.',
    why: 'The host reads the structures by their place, and answers in the block.',
    cause: 'NDIS refuses a block with others linked to it. For the rest look where the block is made, or made again.',
    example: 'The block of a query that the target remembers is passed up, with that type.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      question: (object, block, indicationCode) => {
        const { edge, handle } = object;
        if (edge.lowerRole !== 'target') return;
        const fault = object.layer === 'neighbor' ? faultOf(block as OffloadBlockList, indicationCode) : 'which is no neighbor';
        if (fault !== null) broken(edge.lower, `asks about ${object.name}, ${fault}`, block, handle);
      },
    }),
  },
  {
    id: 'CHIM-EVT-017',
    actors: ['target', 'host'],
    severity: 'error',
    page: QUESTION,
    holds: 'The host answers before the call returns: with the age of its own proof, 0 when that is stale. The target takes the answer for its HRT, and does not ask again before that is stale.',
    why: 'An answer that comes later is never read; a target that does not take it asks before every packet.',
    cause: 'A host that leaves the block as it was answers with an age that is stale. A target that asks at once again has not written HRT.',
    example: 'The callback looks the neighbor up from a work item.',
    observed: ['up', 'time'],
    decidedBy: 'verifier',
    watch: (watch) => {
      const { broken, clock, parametersOf } = watch;
      /** When a neighbor may be asked about again. */
      const answers = new WeakMap<ObjectRecord, { readonly atMs: number; readonly age: number }>();
      return {
        question: (object, block) => {
          const { edge, handle } = object;
          const stale = staleTicks(watch, edge);
          const answer = answers.get(object);
          const rate = parametersOf(edge)?.ticksPerSecond ?? 0;
          if (edge.lowerRole !== 'target' || stale === 0 || answer === undefined) return;
          const age = answer.age + elapsedTicks(clock.now() - answer.atMs, rate);
          if (age + slackTicks(age) > stale) return;
          broken(edge.lower, `asks about ${object.name} again when the answer is ${Math.round(age)} ticks old, though it is stale after ${stale}`, block, handle);
        },
        answer: (object, block) => {
          const { edge, handle } = object;
          const stale = staleTicks(watch, edge);
          const age = deltasOf(block)?.host;
          if (stale === 0 || age === undefined) return;
          if (edge.upperRole === 'host' && age > stale) broken(edge.upper, `leaves a question about ${object.name} with a proof that is ${age} ticks old, though it is stale after ${stale}`, block, handle);
          else if (edge.lowerRole === 'target' && age <= stale) answers.set(object, { atMs: clock.now(), age });
        },
      };
    },
  },
  {
    id: 'CHIM-EVT-018',
    actors: ['target'],
    severity: 'error',
    page: QUESTION,
    holds: 'When a connection makes progress, that is proof of its neighbor: NRT is set to NCT.',
    why: 'Otherwise the host is asked about a neighbor that answers all the time.',
    cause: 'Look where acknowledgements are processed, and how the neighbor of a connection is found from there.',
    example: 'A send was acknowledged a moment ago, and a query of the neighbor returns an NRD of ten minutes.',
    observed: ['up', 'memory', 'time'],
    decidedBy: 'verifier',
    watch: ({ broken, clock, parametersOf }) => {
      /** Of the send that was posted last of those that were acknowledged: when it was posted. */
      const proofs = new WeakMap<ObjectRecord, number>();
      return {
        requestUp: ({ kind, nbl, object, edge, postedAtMs, isInherited }) => {
          if (kind !== 'send' || edge.lowerRole !== 'target' || isInherited || nbl.tcpOffloadBytesTransferred === 0) return;
          const neighbor = object.parent?.parent ?? null;
          if (neighbor !== null) proofs.set(neighbor, Math.max(postedAtMs, proofs.get(neighbor) ?? 0));
        },
        treeUp: ({ operation, edge, blocks }) => {
          if ((operation !== 'query' && operation !== 'terminate') || edge.lowerRole !== 'target') return;
          const rate = parametersOf(edge)?.ticksPerSecond ?? 0;
          for (const { object, block } of blocks) {
            const postedAtMs = object?.layer === 'neighbor' && rate > 0 && block.status === NDIS_STATUS_SUCCESS ? proofs.get(object) : undefined;
            const age = deltasOf(block)?.nic;
            if (object === null || postedAtMs === undefined || age === undefined) continue;
            const most = elapsedTicks(clock.now() - postedAtMs, rate);
            if (age <= most + slackTicks(most)) continue;
            broken(edge.lower, `says that its proof of ${object.name} is ${age} ticks old, though a send that was posted ${Math.round(most)} ticks ago was acknowledged`, block, object.handle);
          }
        },
      };
    },
  },
];
