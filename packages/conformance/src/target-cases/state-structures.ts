import { NDIS_STATUS_SUCCESS, type NeighborOffloadState, type PathOffloadState, type ProtocolOffloadBlockList, type TcpOffloadState } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { newTreeOf } from './case-tree.ts';
import { offer } from './initiate-outcome.ts';
import { fillTcp, pictureOfCached, pictureOfConst, pictureOfDelegated, pictureOfNeighbor, pictureOfPath, stateBlock } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

/** What is in a structure that was used. */
const LEFT_OVER = 0x55;

/** Leaves something in every member of a structure but its header, as one that was used before has it. */
function use(structure: object | null): void {
  for (const [name, value] of Object.entries(structure ?? {})) {
    if (typeof value === 'number') Object.assign(present(structure), { [name]: LEFT_OVER });
    else if (value instanceof Uint8Array) value.fill(LEFT_OVER);
    else if (name === 'keepAlive' || name === 'retransmit') use(value as object);
  }
}

/** The block with its structures used; those of a connection also name data. */
function used(world: TargetWorld, block: ProtocolOffloadBlockList): ProtocolOffloadBlockList {
  const { const: constant, cached, delegated } = block.state as TcpOffloadState;
  for (const structure of [constant, cached, delegated]) use(structure);
  if (delegated !== null && 'sendDataHead' in delegated) {
    const nbl = world.host.list(1);
    Object.assign(delegated, { sendDataHead: nbl, sendDataTail: nbl, bufferedData: nbl });
  }
  return block;
}

/** What a target writes into structures that the host has used before. */
export const stateStructuresCases: readonly TargetCase[] = [
  {
    id: 'target-query-used-structures',
    title: 'A query and a terminate write every member of the structures they fill, whatever those held before',
    rules: ['CHIM-QRY-001', 'CHIM-QRY-003', 'CHIM-TRM-004'],
    requirement: 'C-NDIS-QRY',
    run: async (world) => {
      const { root, neighbors, paths } = newTreeOf(world, [[0]]);
      await offer(world, root);
      const connection = await world.connect({
        change: (state) => {
          fillTcp(state);
          Object.assign(present(state.delegated), { dupAckCount: 2, sndWndProbeCount: 3, dWnd: 0x1234 });
        },
      });
      const ask = async (offered: ProtocolOffloadBlockList, isUsed: boolean): Promise<ProtocolOffloadBlockList> => {
        const block = stateBlock(offered, 'all');
        return world.operate('query', isUsed ? used(world, block) : block);
      };
      const pictures = async (isUsed: boolean): Promise<unknown[]> => {
        const tcp = (await ask(connection.block, isUsed)).state as TcpOffloadState;
        const { sendDataHead, sendDataTail, bufferedData, sendBacklogSize, receiveBacklogSize, dWnd } = present(tcp.delegated);
        return [
          pictureOfConst(tcp),
          pictureOfCached(tcp),
          pictureOfDelegated(tcp),
          [sendDataHead, sendDataTail, bufferedData].map((list) => list !== null),
          { sendBacklogSize, receiveBacklogSize, dWnd },
          pictureOfNeighbor((await ask(present(neighbors[0]), isUsed)).state as NeighborOffloadState),
          pictureOfPath((await ask(present(paths[0]), isUsed)).state as PathOffloadState),
        ];
      };
      const clean = await pictures(false);
      checkEqual(await pictures(true), clean, 'state in structures that were used before');
      checkEqual(clean[3], [false, false, false], 'data that a query of an idle connection names');
      const block = used(world, connection.terminateBlock());
      // That one has to be empty.
      present((block.state as TcpOffloadState).delegated).bufferedData = null;
      await world.operate('terminate', block);
      const state = block.state as TcpOffloadState;
      const { sendDataHead, sendDataTail, bufferedData } = present(state.delegated);
      checkEqual([sendDataHead, sendDataTail, bufferedData].map((list) => list !== null), [false, false, false], 'data that a terminate of an idle connection names');
      const { sendBacklogSize, receiveBacklogSize } = present(state.delegated);
      check(sendBacklogSize !== LEFT_OVER && receiveBacklogSize !== LEFT_OVER, 'a terminate left backlog sizes in the structure that it was given');
      checkEqual(pictureOfDelegated(state), clean[2], 'delegated state of a terminate, in a structure that was used before');
      checkEqual(block.status, NDIS_STATUS_SUCCESS, 'status of a terminate');
    },
  },
];
