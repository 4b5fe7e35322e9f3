import { NDIS_STATUS_SUCCESS, TCP_OFFLOAD_CONNECTION_STATE, netBufferListDataLength, type NetBufferList, type OffloadBlockList, type TcpOffloadState } from '@ndis-chimney/types';

import { handOverOf, type HandOver } from '../record/hand-over.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import { differenceOf, valuesOf, type StateValues } from '../record/supplied-state.ts';
import type { BlockPicture, TreeRecord } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { isTargets, nameOf } from '../judge/trees.ts';

/** A connection that comes back from a target. */
interface HandBack {
  readonly object: ObjectRecord;
  readonly block: OffloadBlockList;
  readonly tree: TreeRecord;
  /** The members of its NetBufferListChain. */
  readonly chain: readonly NetBufferList[];
  /** What its block says; null when there was no room for the delegated state. */
  readonly back: HandOver | null;
}

/** Runs a check for each connection that a target gives back. */
function watchHandBack(check: (handBack: HandBack) => void): ReturnType<NonNullable<Rule['watch']>> {
  return {
    treeUp: (tree) => {
      if (tree.operation !== 'terminate' || !isTargets(tree)) return;
      for (const { object, layer, block } of tree.blocks) {
        if (object === null || layer !== 'tcp' || block.status !== NDIS_STATUS_SUCCESS) continue;
        const chain: NetBufferList[] = [];
        for (let nbl = block.netBufferListChain; nbl !== null; nbl = nbl.next) chain.push(nbl);
        check({ object, block, tree, chain, back: handOverOf(block.state, block.netBufferListChain) });
      }
    },
  };
}

/** As {@link watchHandBack}, for rules about bytes: not where they were not counted, nor where the connection is lost. */
function watchBytes({ followsRequests }: Watch, check: (handBack: HandBack, handedOver: HandOver, back: HandOver) => void): ReturnType<NonNullable<Rule['watch']>> {
  return watchHandBack((handBack) => {
    const { object, back } = handBack;
    if (followsRequests && back !== null && object.handedOver !== null && !object.isAborted) check(handBack, object.handedOver, back);
  });
}

/** Bytes of the chain that the peer has acknowledged: their data starts have moved past them. */
function acknowledgedInChain({ pending }: ObjectRecord, chain: readonly NetBufferList[]): number {
  let bytes = 0;
  for (const { nbl, byteCount } of pending.send) if (chain.includes(nbl)) bytes += byteCount - netBufferListDataLength(nbl);
  return bytes;
}

const { TcpConnectionCloseWait, TcpConnectionClosing, TcpConnectionLastAck, TcpConnectionTimeWait, TcpConnectionClosed } = TCP_OFFLOAD_CONNECTION_STATE;

/** States in which a FIN of the peer has been received, which takes a number behind its data. */
const PEER_HAS_CLOSED: readonly number[] = [TcpConnectionCloseWait, TcpConnectionClosing, TcpConnectionLastAck, TcpConnectionTimeWait, TcpConnectionClosed];

/** What does not fit between the chain that comes back and the positions beside it; null when it fits. */
function chainFaultOf({ object, block, chain }: HandBack, handedOver: HandOver, { sndUna, sndNxt, sndMax, chainBytes }: HandOver): string | null {
  if (chain.length === 0) return null;
  const { sendDataHead, sendDataTail } = (block.state as TcpOffloadState).delegated ?? { sendDataHead: null, sendDataTail: null };
  if (sendDataHead === null || !chain.includes(sendDataHead)) return 'SendDataHead is no member of the chain';
  if (sendDataTail === null || !chain.includes(sendDataTail)) return 'SendDataTail is no member of the chain';
  const sent = (sndNxt - sndUna) | 0;
  const most = (sndMax - sndUna) | 0;
  // A FIN takes a number behind the data.
  const acknowledged = object.bytesAcknowledged + acknowledgedInChain(object, chain);
  // What was sent of a disconnect went back with its NBL.
  const sendable = Math.max(chainBytes, object.bytesSent - acknowledged) + 1;
  if (sent < 0 || sent > most || sent > chainBytes + 1 || most > sendable) return `SndNxt and SndMax are ${sent} and ${most} behind SndUna, of ${chainBytes} in the chain`;
  // Only where all that was to be sent is in the one place or the other does the chain begin at SndUna.
  if (acknowledged + chainBytes !== object.bytesSent) return null;
  const off = (sndUna - handedOver.sndUna - acknowledged) | 0;
  return off === 0 ? null : `SndUna is ${off} bytes off the first byte of the chain`;
}

export const handBackRules: readonly Rule[] = [
  {
    id: 'CHIM-TRM-004',
    actors: ['target'],
    severity: 'error',
    page: 'terminate-offload-sequence.md',
    holds: 'A terminate that succeeds returns every delegated variable in the structure supplied for it; constant and cached values are not returned.',
    why: 'The host goes on from exactly these values.',
    cause: 'Look for structures that are filled only when something has changed.',
    example: '500 bytes were acknowledged, and SndUna is what it was when the connection was handed over.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    missing: 'Of the delegated variables only the positions in the two streams are known from what crosses an edge.',
    watch: (watch) => {
      const { broken } = watch;
      const supplied = new WeakMap<TreeRecord, ReadonlyMap<BlockPicture, readonly [StateValues, StateValues]>>();
      const bytes = watchBytes(watch, ({ object, block, tree, chain }, handedOver, { sndUna }) => {
        const behind = (handedOver.sndUna + object.bytesAcknowledged + acknowledgedInChain(object, chain) - sndUna) | 0;
        // Where there is a chain, the positions have to fit it: that is another rule.
        if (behind > 0 && chain.length === 0) broken(tree.edge.lower, `gives ${object.name} back with SndUna ${behind} bytes behind what was acknowledged`, block, object.handle);
      });
      return {
        treeDown: (tree) => {
          if (tree.operation !== 'terminate' || tree.edge.lowerRole !== 'target') return;
          supplied.set(tree, new Map(tree.blocks.map((picture) => [picture, [valuesOf(picture.state?.const), valuesOf(picture.state?.cached)]])));
        },
        treeUp: (tree) => {
          if (!isTargets(tree)) return;
          for (const [picture, [constant, cached]] of supplied.get(tree) ?? []) {
            const { state } = picture;
            const changed = state === null ? null : (differenceOf(constant, valuesOf(state.const)) ?? differenceOf(cached, valuesOf(state.cached)));
            if (changed !== null) broken(tree.edge.lower, `has written to constant or cached state of ${nameOf(picture)}: ${changed}`, picture.block);
          }
          bytes.treeUp?.(tree);
        },
      };
    },
  },
  {
    id: 'CHIM-TRM-007',
    actors: ['target'],
    severity: 'error',
    page: 'nf-ndischimney-ndismterminateoffloadcomplete.md',
    holds: 'Every send that is pending is either completed or handed back in NetBufferListChain: never both, never neither.',
    why: 'Data that is in neither is lost to the application, data in both is sent twice.',
    cause: 'Look for sends that are in the hardware’s queue and not in the one that is handed back.',
    example: 'Two sends are pending, and one comes back.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken, followsRequests }) =>
      watchHandBack(({ object, block, tree, chain }) => {
        if (!followsRequests) return;
        let missing = 0;
        const members = new Set(chain);
        for (const { nbl } of object.pending.send) if (!members.has(nbl)) missing++;
        if (missing > 0) broken(tree.edge.lower, `gives ${object.name} back without ${missing} of ${object.pending.send.size} sends`, block, object.handle);
      }),
  },
  {
    id: 'CHIM-TRM-008',
    actors: ['target'],
    severity: 'error',
    page: 'handling-outstanding-send-data-during-a-terminate-offload-operation.md',
    holds: 'Sends that are handed back are in the order in which they were passed down.',
    why: 'The host sends them on as one stream.',
    cause: 'Look for NBLs that are put in front of the chain as the queue is emptied.',
    example: 'Of sends 1 and 2 the chain begins with 2.',
    observed: ['memory'],
    decidedBy: 'verifier',
    watch: ({ broken, followsRequests }) =>
      watchHandBack(({ object, block, tree, chain }) => {
        if (!followsRequests) return;
        const places = new Map(chain.map((nbl, at) => [nbl, at]));
        let last = -1;
        for (const { nbl, ordinal } of object.pending.send) {
          const place = places.get(nbl);
          if (place === undefined) continue;
          if (place < last) {
            broken(tree.edge.lower, `gives send ${ordinal} of ${object.name} back before an earlier one`, block, nbl);
            return;
          }
          last = place;
        }
      }),
  },
  {
    id: 'CHIM-TRM-009',
    actors: ['target'],
    severity: 'error',
    page: 'nf-ndischimney-ndismterminateoffloadcomplete.md',
    holds: 'SndUna, SndNxt, SndMax, SendDataHead and SendDataTail fit the chain that is handed back, whose first byte has the number SndUna; without data the chain is null.',
    why: 'The host maps the numbers to bytes of the chain.',
    cause: 'Look for data starts that were not moved past what was acknowledged.',
    example: 'The chain begins with bytes that were acknowledged.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: (watch) =>
      watchBytes(watch, (handBack, handedOver, back) => {
        const { object, block, tree } = handBack;
        const fault = chainFaultOf(handBack, handedOver, back);
        if (fault !== null) watch.broken(tree.edge.lower, `gives ${object.name} back: ${fault}`, block, object.handle);
      }),
  },
  {
    id: 'CHIM-TRM-013',
    actors: ['target'],
    severity: 'error',
    page: 'handling-buffered-receive-data-during-a-terminate-offload-operation.md',
    holds: 'Received bytes that were acknowledged are delivered before, or handed over in BufferedData, which ends at the RcvNxt that is returned.',
    why: 'The peer does not send again what was acknowledged.',
    cause: 'Look for data that was refused, or that waits for a receive request, when the terminate comes.',
    example: 'RcvNxt is 300 bytes behind what was delivered, and BufferedData is empty.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: (watch) =>
      watchBytes(watch, ({ object, block, tree }, handedOver, back) => {
        const accounted = object.bytesReceived + back.bufferedBytes - handedOver.bufferedBytes;
        const off = (back.rcvNxt - handedOver.rcvNxt - accounted) | 0;
        const canHaveFin = object.isDisconnectIndicated || PEER_HAS_CLOSED.includes(back.connectionState);
        if (off === 0 || (off === 1 && canHaveFin)) return;
        const what = off > 0 ? `${off} received bytes are neither delivered nor handed over` : `${-off} more bytes were delivered and handed over than RcvNxt says`;
        watch.broken(tree.edge.lower, `gives ${object.name} back: ${what}`, block, object.handle);
      }),
  },
  {
    id: 'CHIM-TRM-019',
    actors: ['NDIS', 'intermediate'],
    severity: 'error',
    page: 'nc-ndischimney-terminate_offload_complete_handler.md',
    holds: 'The block list that a terminate is completed with, one block or a tree, names just the objects of the request, those included that could not be terminated.',
    why: 'The driver above frees what it is told is back.',
    cause: 'Look for an intermediate driver that puts its own blocks, or other handles, into the tree it passes up.',
    example: 'Two connections were to be terminated, and their blocks come back with each other’s handles.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken }) => ({
      treeUp: ({ operation, edge, blocks, root, isFailedByNdis }) => {
        if (operation !== 'terminate' || edge.lowerRole !== 'intermediate' || isFailedByNdis) return;
        const other = blocks.find(({ block, handle, next, dependent }) => block.offloadHandle !== handle || block.nextBlock !== next || block.dependentBlockList !== dependent);
        if (other !== undefined) broken(edge.lower, `completes a terminate in which the block of ${nameOf(other)} names or leads to something else`, root, other.block);
      },
    }),
  },
];
