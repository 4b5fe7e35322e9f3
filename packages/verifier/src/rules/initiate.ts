import { hasUnacknowledgedFin, isOffloadableState, type NetBufferList, type TcpOffloadState } from '@ndis-chimney/types';

import { handOverOf, type HandOver } from '../record/hand-over.ts';
import type { BlockPicture } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import { initiateDataRules } from './initiate-data.ts';
import { initiateResultRules } from './initiate-results.ts';
import { FaultsDown, dependentsOf, nameOf } from '../judge/trees.ts';

/** What a block of an initiate should not have, or lacks; null when it is in order. */
function misfitOf({ role, state, layer }: BlockPicture, dependents: number): string | null {
  if (role !== 'new') {
    if (state !== null) return `${role} carries state`;
    return role === 'linker' && dependents === 0 ? 'linker has no dependents' : null;
  }
  if (state === null) return 'new object has no state';
  const missing = (['const', 'cached', 'delegated'] as const).find((part) => state[part] === null);
  return missing === undefined || layer === null ? null : `new object has no ${missing} state`;
}

/** Why the send data of a connection and its sequence numbers do not fit; null when they do. */
function chainFaultOf(chain: NetBufferList | null, { sndUna, sndNxt, sndMax, chainBytes, connectionState }: HandOver, state: TcpOffloadState): string | null {
  const sent = (sndNxt - sndUna) | 0;
  const most = (sndMax - sndUna) | 0;
  const numbers = chainBytes + (hasUnacknowledgedFin(connectionState) ? 1 : 0);
  if (sent < 0 || sent > most || most > numbers) return `SndNxt and SndMax are ${sent} and ${most} behind SndUna, of ${numbers} to be sent`;
  if (chain === null) return null;
  const members = new Set<NetBufferList>();
  for (let nbl: NetBufferList | null = chain; nbl !== null && !members.has(nbl); nbl = nbl.next) {
    if (nbl.firstNetBuffer === null || nbl.firstNetBuffer.next !== null) return 'an NBL of the chain has not exactly one NET_BUFFER';
    members.add(nbl);
  }
  const { sendDataHead, sendDataTail } = state.delegated ?? { sendDataHead: null, sendDataTail: null };
  if (sendDataHead === null || !members.has(sendDataHead)) return 'SendDataHead is no member of the chain';
  return sendDataTail === null || !members.has(sendDataTail) ? 'SendDataTail is no member of the chain' : null;
}

const ownRules: readonly Rule[] = [
  {
    id: 'CHIM-INI-001',
    actors: ['host'],
    severity: 'error',
    page: 'ns-ndischimney-_tcp_offload_state_delegated.md',
    holds: 'A TCP connection is offered as a new object only in the states Established, FinWait1, FinWait2, CloseWait, Closing and LastAck.',
    why: 'A target has no code for connections that are not set up yet, or that only wait for old segments.',
    cause: 'Look for a host that begins an initiate and lets the connection go on before the tree is down.',
    example: 'A connection in TimeWait is offered.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeDown: ({ operation, edge, blocks }) => {
        if (operation !== 'initiate' || edge.upperRole !== 'host') return;
        for (const picture of blocks) {
          if (picture.role !== 'new' || picture.layer !== 'tcp') continue;
          const offered = handOverOf(picture.state, null);
          if (offered !== null && !isOffloadableState(offered.connectionState)) {
            broken(edge.upper, `offers ${nameOf(picture)} in state ${offered.connectionState}`, picture.block);
          }
        }
      },
    }),
  },
  {
    id: 'CHIM-INI-002',
    actors: ['host'],
    severity: 'error',
    page: 'processing-events-that-occur-during-an-offload.md',
    holds: 'An object that is being offloaded, is offloaded or is being terminated is not offered as a new one.',
    why: 'The target would have two records of one object, and the handle would name one of them.',
    cause: 'Look for a handle that is used again, or a host that has not noted that an initiate is on its way.',
    example: 'The tree of an initiate is passed down again, as new blocks with the same handles, before it is completed.',
    observed: ['down'],
    decidedBy: 'ndis',
  },
  {
    id: 'CHIM-INI-003',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: 'placeholders--linkers--and-new-offloads.md',
    holds: 'A placeholder or linker carries neither state nor send data, a linker has a dependent, and a new object has all the state of its layer and an empty cell.',
    why: 'What a block means to the target is decided by its handle and its cell alone; state in the wrong place is ignored, and state that is missing is not there.',
    cause: 'Look at how the tree was built, above all for blocks that are used again after an initiate.',
    example: 'A path that is offloaded already is given state, as if it were to be changed by the way.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const faults = new FaultsDown();
      return {
        treeDown: (tree) => {
          if (tree.operation !== 'initiate') return;
          const dependents = dependentsOf(tree);
          for (const picture of tree.blocks) {
            const misfit = misfitOf(picture, dependents.get(picture)?.length ?? 0);
            if (misfit !== null && faults.isNew(picture)) broken(tree.edge.upper, `initiate: ${nameOf(picture)}: a ${misfit}`, picture.block);
          }
        },
        treeUpReturned: (tree) => {
          faults.forget(tree);
        },
      };
    },
  },
  {
    id: 'CHIM-INI-004',
    actors: ['host', 'intermediate'],
    severity: 'error',
    page: 'placeholders--linkers--and-new-offloads.md',
    holds: 'A new path hangs below a neighbor that is offloaded or new, a new connection below such a path; neither below a placeholder, nor at the root.',
    why: 'The target links what is new to what it hangs under: under a placeholder there is nothing to link it to.',
    cause: 'Look for a handle that was left out of a block, and for a tree that begins a layer too high.',
    example: 'A tree whose root is a new connection.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const faults = new FaultsDown();
      return {
        treeDown: (tree) => {
          if (tree.operation !== 'initiate') return;
          for (const picture of tree.blocks) {
            const { role, layer, parent } = picture;
            if (role !== 'new' || (layer !== 'path' && layer !== 'tcp')) continue;
            if (parent !== null && parent.role !== 'placeholder') continue;
            if (faults.isNew(picture)) broken(tree.edge.upper, `offers ${nameOf(picture)} ${parent === null ? 'at the root' : 'below a placeholder'}`, picture.block);
          }
        },
        treeUpReturned: (tree) => {
          faults.forget(tree);
        },
      };
    },
  },
  {
    id: 'CHIM-INI-005',
    actors: ['host'],
    severity: 'error',
    page: 'handling-outstanding-send-data-during-and-after-an-offload-operation.md',
    holds: 'SndUna, SndNxt and SndMax follow each other within the send data that is handed over; each of its NBLs has one NET_BUFFER; SendDataHead and SendDataTail are members of it.',
    why: 'The target maps sequence numbers to bytes of the chain: where they do not fit it sends the wrong bytes under a number the peer has seen already.',
    cause: 'Look for arithmetic that does not wrap at 2^32, and for a FIN that is counted as data or not at all.',
    example: 'SndMax is 200 behind SndUna, and the chain has 100 bytes.',
    observed: ['down', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeDown: ({ operation, edge, blocks }) => {
        if (operation !== 'initiate' || edge.upperRole !== 'host') return;
        for (const picture of blocks) {
          const { role, layer, state, chain } = picture;
          const offered = role === 'new' && layer === 'tcp' ? handOverOf(state, chain) : null;
          const fault = offered === null ? null : chainFaultOf(chain, offered, state as TcpOffloadState);
          if (fault !== null) broken(edge.upper, `offers ${nameOf(picture)}: ${fault}`, picture.block, chain);
        }
      },
    }),
  },
];

export const initiateRules: readonly Rule[] = [...ownRules, ...initiateResultRules, ...initiateDataRules];
