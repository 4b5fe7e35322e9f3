import { NDIS_STATUS_SUCCESS, TCP_OFFLOAD_CONNECTION_STATE, type NetBufferList, type ProtocolOffloadBlockList, type TcpOffloadState } from '@ndis-chimney/types';

import { checkBytes, checkEqual } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { checkOutcomes, outcomesOf } from './outcomes.ts';
import type { TargetCase } from './target-case.ts';

/** The chain of the figure in `mapping-snduna--sndnxt--and-sndmax-to-the-mdls.md`: bytes of each MDL, by NBL. */
const FIGURE = [
  [200, 400],
  [400, 400],
  [400, 200],
];
const CHAIN_BYTES = 2000;

/** A chain of the host's, from the beginning of the stream. */
export function inheritedChain(world: TargetWorld, layout: readonly (readonly number[])[] = FIGURE): NetBufferList {
  let at = 0;
  return link(layout.map((mdls) => world.host.inPieces(mdls.map((length) => pattern((at += length) - length, length)))));
}

/** Says of a state that is offered how far its send data was sent. */
export function sentUpTo(sndNxt: number, sndMax: number, sndUna?: number): (state: TcpOffloadState, block: ProtocolOffloadBlockList) => void {
  return (state, block) => {
    const delegated = present(state.delegated);
    if (sndUna !== undefined) delegated.sndUna = sndUna;
    delegated.sndNxt = (delegated.sndUna + sndNxt) | 0;
    delegated.sndMax = (delegated.sndUna + sndMax) | 0;
    delegated.sendDataHead = block.netBufferListChain;
    delegated.sendDataTail = membersOf(block.netBufferListChain).at(-1) ?? null;
  };
}

interface Vector {
  readonly id: TargetCase['id'];
  /** The end of "send data of an initiate ...". */
  readonly what: string;
  /** Bytes from SndUna on. */
  readonly sndNxt: number;
  readonly sndMax: number;
  readonly sndUna?: number;
}

const vectors: readonly Vector[] = [
  { id: 'target-send-inherited-repeated', what: 'of which 600 bytes are to be sent again (GV-SND-1, GV-SND-3)', sndNxt: 1000, sndMax: 1600 },
  { id: 'target-send-inherited-drawn', what: 'with SndNxt inside of an MDL and SndMax at the start of one (GV-SND-2)', sndNxt: 1200, sndMax: 1800 },
  { id: 'target-send-inherited-nothing-repeated', what: 'of which nothing is to be sent again (GV-SND-4)', sndNxt: 1000, sndMax: 1000 },
  { id: 'target-send-inherited-wrap', what: 'whose SndUna is above its SndNxt and SndMax (GV-SND-5)', sndNxt: 1000, sndMax: 1600, sndUna: 0xFFFF_FE0C | 0 },
  { id: 'target-send-inherited-unsent', what: 'of which nothing was sent', sndNxt: 0, sndMax: 0 },
  { id: 'target-send-inherited-sent', what: 'of which everything was sent', sndNxt: CHAIN_BYTES, sndMax: CHAIN_BYTES },
  { id: 'target-send-inherited-rewound', what: 'of which everything is to be sent again', sndNxt: 0, sndMax: CHAIN_BYTES },
];

const vectorCases = vectors.map(
  ({ id, what, sndNxt, sndMax, sndUna }): TargetCase => ({
    id,
    title: `Send data of an initiate ${what} goes first, and is completed like any other`,
    rules: ['CHIM-SND-013', 'CHIM-SND-006', 'CHIM-SND-010', 'CHIM-SND-011'],
    requirement: 'C-NDIS-SND',
    requires: ['peer'],
    run: async (world) => {
      const chain = inheritedChain(world);
      const connection = await world.connect({ chain, change: sentUpTo(sndNxt, sndMax, sndUna) });
      const nbls = [...world.host.nbls, ...connection.send(pattern(CHAIN_BYTES, 300))];
      const peer = await connection.peer();
      checkBytes(await world.read(peer, CHAIN_BYTES + 300), pattern(0, CHAIN_BYTES + 300), 'what the far end got');
      await world.until(() => connection.sendCompletions.length >= nbls.length, 'the completion of a chain and of a send after it');
      checkOutcomes('a chain and a send after it', connection.sendCompletions, nbls, outcomesOf([600, 800, 600, 300], CHAIN_BYTES + 300, NDIS_STATUS_SUCCESS));
      const { delegated } = await connection.query();
      const end = (connection.sndUna + CHAIN_BYTES + 300) | 0;
      checkEqual([delegated?.sndUna, delegated?.sndNxt, delegated?.sndMax], [end, end, end], 'SndUna, SndNxt and SndMax when all is acknowledged');
    },
  }),
);

const { TcpConnectionFinWait1, TcpConnectionFinWait2, TcpConnectionClosing, TcpConnectionTimeWait, TcpConnectionLastAck, TcpConnectionClosed } = TCP_OFFLOAD_CONNECTION_STATE;

interface FinVector {
  readonly id: TargetCase['id'];
  /** The end of "a connection offered in ...". */
  readonly what: string;
  readonly sndMax: number;
  readonly state: TCP_OFFLOAD_CONNECTION_STATE;
  /** Where it is when the FIN of the host is acknowledged. */
  readonly ends: TCP_OFFLOAD_CONNECTION_STATE;
}

/** Connections whose host has closed, with 100 bytes of send data: the FIN is the number after them. */
const finVectors: readonly FinVector[] = [
  { id: 'target-send-inherited-fin', what: 'FIN_WAIT_1 whose FIN was sent', sndMax: 101, state: TcpConnectionFinWait1, ends: TcpConnectionFinWait2 },
  { id: 'target-send-inherited-fin-unsent', what: 'FIN_WAIT_1 whose FIN was not sent yet', sndMax: 40, state: TcpConnectionFinWait1, ends: TcpConnectionFinWait2 },
  { id: 'target-send-inherited-closing', what: 'CLOSING whose FIN was sent', sndMax: 101, state: TcpConnectionClosing, ends: TcpConnectionTimeWait },
  { id: 'target-send-inherited-last-ack', what: 'LAST_ACK whose FIN was not sent yet', sndMax: 100, state: TcpConnectionLastAck, ends: TcpConnectionClosed },
];

const finCases = finVectors.map(
  ({ id, what, sndMax, state, ends }): TargetCase => ({
    id,
    title: `A connection offered in ${what} sends its data, then its FIN, and goes on from there when both are acknowledged`,
    rules: ['CHIM-SND-013', 'CHIM-DSC-006', 'CHIM-DSC-012', 'CHIM-TRM-004'],
    requirement: 'C-NDIS-SND',
    requires: ['peer'],
    run: async (world) => {
      const chain = inheritedChain(world, [[60], [30, 10]]);
      const nbls = membersOf(chain);
      const connection = await world.connect({
        chain,
        change: (offered, block) => {
          sentUpTo(sndMax, sndMax)(offered, block);
          present(offered.delegated).state = state;
        },
      });
      const peer = await connection.peer();
      checkBytes(await world.readToEnd(peer), pattern(0, 100), 'what the far end got before the FIN');
      await world.until(() => connection.sendCompletions.length >= 2, 'the completion of a chain with a FIN after it');
      checkOutcomes('a chain with a FIN after it', connection.sendCompletions, nbls, outcomesOf([60, 40], 100, NDIS_STATUS_SUCCESS));
      if (ends === TcpConnectionFinWait2) {
        await world.wait(peer.write(pattern(0, 50)), 'the acknowledgment of what the far end sends');
        await world.until(() => connection.received.length >= 50, 'what the far end sent');
      }
      const end = (connection.sndUna + 101) | 0;
      for (let waitedMs = 0; waitedMs < 5000 && (await connection.acknowledged()) !== 101; waitedMs += 50) await world.advance(50);
      const { delegated } = await connection.terminate();
      checkEqual([delegated.state, delegated.sndUna, delegated.sndMax], [ends, end, end], 'State, SndUna and SndMax when data and FIN are acknowledged');
    },
  }),
);

export const sendInheritedCases: readonly TargetCase[] = [
  ...vectorCases,
  ...finCases,
  {
    id: 'target-send-inherited-completed',
    title: 'Send data of an initiate is completed once each, in order, before what is sent later',
    rules: ['CHIM-SND-013', 'CHIM-SND-010', 'CHIM-SND-011', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-SND',
    run: async (world) => {
      const chain = inheritedChain(world, [[1], [100, 0, 100], [3]]);
      const nbls = membersOf(chain);
      const connection = await world.connect({
        chain,
        change: (state, block) => {
          sentUpTo(204, 204)(state, block);
          // It was being retransmitted.
          present(state.delegated).totalRT = 4000;
        },
      });
      nbls.push(...connection.send(pattern(204, 10)));
      await world.until(() => connection.sendCompletions.length >= nbls.length, 'the completion of a chain and of a send after it');
      checkOutcomes('a chain and a send after it', connection.sendCompletions, nbls, outcomesOf([1, 200, 3, 10], 214, NDIS_STATUS_SUCCESS));
      checkEqual(await connection.acknowledged(), 214, 'bytes acknowledged, as a query says');
      checkEqual((await connection.query()).delegated?.totalRT, 0, 'TotalRT when nothing is left to be retransmitted');
    },
  },
];
