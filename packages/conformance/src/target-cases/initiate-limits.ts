import {
  NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES,
  NDIS_STATUS_OFFLOAD_PATH_MTU,
  NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER,
  NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW,
  NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER,
  type NeighborOffloadState,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern, patternBefore } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { newTreeOf, takeTreeBack, type CaseTree } from './case-tree.ts';
import { checkRefused, offer } from './initiate-outcome.ts';
import type { TargetCase } from './target-case.ts';

/** Offers a connection, its path and its neighbor, after this was changed about them. */
async function offerWith(world: TargetWorld, change: (tree: CaseTree) => void): Promise<CaseTree> {
  const tree = newTreeOf(world, [[1]]);
  change(tree);
  await offer(world, tree.root);
  return tree;
}

const neighborOf = ({ neighbors }: CaseTree): NeighborOffloadState => present(neighbors[0]).state as NeighborOffloadState;
const pathOf = ({ paths }: CaseTree): PathOffloadState => present(paths[0]).state as PathOffloadState;
const tcpOf = ({ connections }: CaseTree): TcpOffloadState => present(connections[0]).block.state as TcpOffloadState;

function checkTaken({ connections }: CaseTree, what: string): void {
  check(connections.every(({ isOffloaded }) => isOffloaded), `${what} was refused, though the target has room for it`);
}

export const initiateLimitsCases: readonly TargetCase[] = [
  {
    id: 'target-initiate-limits-connection',
    title: 'A connection that asks for too much is refused with the status that says for what, and one that asks for as much as there is is not',
    rules: ['CHIM-INI-012', 'CHIM-INI-013'],
    requirement: 'C-NDIS-INI',
    requires: ['admission-limits'],
    wishes: { maxReceiveWindowBytes: 20_000, maxInheritedSendBytes: 300, maxInheritedReceiveBytes: 200 },
    run: async (world) => {
      const asking = (window: number, send: number, received: number): Promise<CaseTree> =>
        offerWith(world, (tree) => {
          const { cached, delegated } = tcpOf(tree);
          present(cached).initialRcvWnd = window;
          if (send > 0) present(tree.connections[0]).block.netBufferListChain = world.host.list(pattern(0, send));
          if (received > 0) present(delegated).bufferedData = world.host.list(patternBefore(received));
        });
      checkTaken(await asking(20_000, 300, 200), 'a connection at every limit');
      checkTaken(await asking(20_000, 0, 0), 'a connection that brings nothing along');
      const refusedFor = async (window: number, send: number, received: number, status: number, what: string): Promise<void> => {
        checkRefused(present((await asking(window, send, received)).connections[0]).block, status, what);
      };
      await refusedFor(20_001, 0, 0, NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW, 'a connection with a window of one byte more than there can be');
      await refusedFor(20_000, 301, 0, NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER, 'a connection that brings one byte to send more than it may');
      await refusedFor(20_000, 0, 201, NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER, 'a connection that brings one received byte more than it may');
    },
  },
  {
    id: 'target-initiate-limits-path',
    title: 'A path with too large an MTU or one source address too many is refused with the status that says so, until there is room again',
    rules: ['CHIM-INI-012', 'CHIM-INI-008'],
    requirement: 'C-NDIS-INI',
    requires: ['admission-limits'],
    wishes: { maxPathMtuBytes: 1500, ipAddressCapacity: 1 },
    run: async (world) => {
      const from = (last: number, pathMtu = 1500): Promise<CaseTree> =>
        offerWith(world, (tree) => {
          const { const: constant, cached } = pathOf(tree);
          present(constant).sourceAddress = Uint8Array.of(192, 0, 2, last);
          present(cached).pathMtu = pathMtu;
        });
      const first = await from(1);
      checkTaken(first, 'a path from the first address');
      const same = await from(1);
      checkTaken(same, 'another path from the same address');
      checkRefused(present((await from(1, 1501)).paths[0]), NDIS_STATUS_OFFLOAD_PATH_MTU, 'a path with an MTU of one byte more than there can be');
      checkRefused(present((await from(9)).paths[0]), NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES, 'a path from a second address');
      await takeTreeBack(world, first);
      checkRefused(present((await from(9)).paths[0]), NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES, 'a path from a second address while one path from the first is left');
      await takeTreeBack(world, same);
      checkTaken(await from(9), 'a path from another address, when no other is used');
    },
  },
  {
    id: 'target-initiate-limits-neighbor',
    title: 'A neighbor with one source MAC too many is refused with HW_ADDRESS_ENTRIES, until there is room again; the interface\'s own needs none',
    rules: ['CHIM-INI-012', 'CHIM-INI-008'],
    requirement: 'C-NDIS-INI',
    requires: ['admission-limits'],
    wishes: { hardwareAddressCapacity: 1 },
    run: async (world) => {
      const from = (last: number): Promise<CaseTree> =>
        offerWith(world, (tree) => {
          if (last !== 0) present(neighborOf(tree).const).dlSourceAddress.set([2, 0, 0, 0, 9, last]);
        });
      const first = await from(1);
      checkTaken(first, 'a neighbor with the first source MAC');
      const same = await from(1);
      checkTaken(same, 'another neighbor with the same source MAC');
      checkTaken(await from(0), 'a neighbor with the interface\'s own MAC');
      checkRefused((await from(2)).root, NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES, 'a neighbor with a second source MAC');
      await takeTreeBack(world, first);
      checkRefused((await from(2)).root, NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES, 'a neighbor with a second source MAC while one with the first is left');
      await takeTreeBack(world, same);
      checkTaken(await from(2), 'a neighbor with another source MAC, when no other is used');
    },
  },
  {
    id: 'target-initiate-room-again',
    title: 'The room of paths and neighbors that went back is there for the next',
    rules: ['CHIM-INI-013', 'CHIM-TRM-014'],
    requirement: 'C-NDIS-INI',
    requires: ['path-capacity', 'neighbor-capacity'],
    wishes: { pathCapacity: 1, neighborCapacity: 1 },
    run: async (world) => {
      for (let time = 0; time < 3; time++) {
        const tree = await offerWith(world, () => undefined);
        checkTaken(tree, 'the only tree');
        await takeTreeBack(world, tree);
      }
    },
  },
];
