import {
  NDIS_STATUS_RESOURCES,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  type MiniportOffloadBlockList,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { link, membersOf, textsOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { blocksOf, type ProbeTree } from '../probes/trees.ts';
import type { IntermediateWorld } from '../world/intermediate-world.ts';
import type { IntermediateCase } from './intermediate-case.ts';

const delegatedOf = ({ state }: ProtocolOffloadBlockList | MiniportOffloadBlockList): NonNullable<TcpOffloadState['delegated']> => present((state as TcpOffloadState).delegated);

/** A tree of two connections of which the second has send data. */
function chainedTree(world: IntermediateWorld): { tree: ProbeTree; block: ProtocolOffloadBlockList; connection: OffloadHandle; members: NetBufferList[] } {
  const tree = world.tree({ connectionsPerPath: 2 });
  const connection = present(tree.connections[1]);
  const block = present(blocksOf(tree.root).find(({ offloadHandle }) => offloadHandle === connection));
  const chain = world.host.list('first', 'second', 'third');
  block.netBufferListChain = chain;
  const members = membersOf(chain);
  const delegated = delegatedOf(block);
  delegated.sendDataHead = present(members[1]);
  delegated.sendDataTail = present(members[2]);
  return { tree, block, connection, members };
}

/** The block of the chained connection, at the target that has it. */
function blockBelow(world: IntermediateWorld, connection: OffloadHandle): MiniportOffloadBlockList {
  const { target, handle } = world.below(connection);
  return present(target.trees.flatMap(({ tree }) => blocksOf(tree)).find(({ ndisOffloadHandle }) => ndisOffloadHandle === handle));
}

const asTheyWere = (nbls: readonly NetBufferList[]): boolean => nbls.every(({ sourceHandle, context }) => sourceHandle === null && context === null);

export const chainedDataCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-chain-down',
    title: 'Send data that an initiate brings goes down in its block, and comes back by send completions like any other',
    rules: ['CHIM-IM-001', 'CHIM-IM-009', 'CHIM-BLK-010', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const { host } = world;
      const { tree, block, connection, members } = chainedTree(world);
      host.initiate(tree.root, world.binding);
      await world.settle();
      const below = blockBelow(world, connection);
      checkSame(membersOf(below.netBufferListChain), members, 'NET_BUFFER_LISTs of the chain at the target');
      const { sendDataHead, sendDataTail } = delegatedOf(below);
      check(sendDataHead === members[1] && sendDataTail === members[2], 'SendDataHead and SendDataTail do not name what they named');
      const { target } = world.below(connection);
      await world.completeTrees();
      checkSame(membersOf(block.netBufferListChain), members, 'NET_BUFFER_LISTs of the chain when the initiate came back');
      const later = host.send(connection, 'fourth');
      await world.settle();
      target.sends.unshift(...members);
      await world.completeAll();
      const back = host.entries('dataComplete').flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl));
      checkSame(back, [...members, later], 'sends that came back: those of the chain, and one more');
      check(asTheyWere(back), 'send data of a chain is not as the host had passed it down');
    },
  },
  {
    id: 'intermediate-chain-of-a-refused-connection',
    title: 'Send data of a connection that was refused comes back in its block, as it went down',
    rules: ['CHIM-IM-006', 'CHIM-IM-013', 'CHIM-NBL-001', 'CHIM-NBL-005'],
    requirement: 'C-NDIS-INI',
    run: async (world) => {
      const { host } = world;
      const { tree, block, connection, members } = chainedTree(world);
      host.initiate(tree.root, world.binding);
      await world.settle();
      const { handle } = world.below(connection);
      await world.completeTrees({
        change: (below) => {
          if (below.ndisOffloadHandle !== handle) return;
          below.status = NDIS_STATUS_RESOURCES;
          present(below.miniportOffloadContext).miniportOffloadContext = null;
        },
      });
      checkEqual(block.status, NDIS_STATUS_RESOURCES, 'the status of the connection that was refused');
      checkSame(membersOf(block.netBufferListChain), members, 'its send data');
      check(asTheyWere(members), 'send data of a connection that was refused is not as the host had passed it down');
      checkEqual(host.entries('dataComplete').length, 0, 'send completions of a connection that was refused');
      checkEqual(textsOf(block.netBufferListChain).join(), 'first,second,third', 'the bytes of its send data');
    },
  },
  {
    id: 'intermediate-chain-up',
    title: 'A terminate brings back in the block what was not sent, in order, and only that',
    rules: ['CHIM-IM-003', 'CHIM-NBL-001', 'CHIM-BLK-010', 'CHIM-TRM-019'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      const { host } = world;
      const { tree, connection, members } = chainedTree(world);
      host.initiate(tree.root, world.binding);
      await world.completeTrees();
      const sent = membersOf(host.send(connection, 'fourth', 'fifth'));
      await world.settle();
      const { target, handle } = world.below(connection);
      target.sends.unshift(...members);
      // The first is acknowledged; the second is completed for the upload; the others come back in the chain.
      await world.atDispatch(() => target.completeSends(1));
      const [acknowledged, , ...unsent] = [...members, ...sent];
      const root = host.connections(connection);
      world.begin('terminate', root);
      await world.settle();
      await world.atDispatch(() => target.completeSends(1, NDIS_STATUS_UPLOAD_IN_PROGRESS));
      target.sends.length = 0;
      await world.completeTrees({
        change: (below) => {
          if (below.ndisOffloadHandle !== handle) return;
          below.netBufferListChain = link(unsent);
          delegatedOf(below).sendDataHead = present(unsent[0]);
          delegatedOf(below).sendDataTail = present(unsent.at(-1));
        },
      });
      const completed = host.entries('dataComplete').flatMap(({ nbls }) => nbls);
      checkSame(completed.map(({ nbl }) => nbl), members.slice(0, 2), 'sends that were completed');
      checkEqual(completed.map(({ status }) => status), [NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS], 'their statuses');
      checkSame(membersOf(root.netBufferListChain), unsent, 'send data that the terminate brought');
      check(delegatedOf(root).sendDataHead === unsent[0] && delegatedOf(root).sendDataTail === unsent.at(-1), 'SendDataHead and SendDataTail do not name what the target said');
      check(asTheyWere([present(acknowledged), ...unsent]), 'send data that came back is not as the host had passed it down');
      root.netBufferListChain = null;
    },
  },
  {
    id: 'intermediate-buffered-data',
    title: 'Received data that a terminate hands over is the host’s, which returns it, also in part and with other data',
    rules: ['CHIM-IM-016', 'CHIM-RET-001', 'CHIM-BLK-010'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      const { host } = world;
      host.keepsIndicated = true;
      const { connections } = await world.offload({ connectionsPerPath: 2 });
      const [connection, other] = [present(connections[0]), present(connections[1])];
      const { target, handle } = world.below(connection);
      const buffered = target.list('a', 'bc', 'def');
      const members = membersOf(buffered);
      const root = host.connections(connection);
      world.begin('terminate', root);
      await world.completeTrees({
        change: (below) => {
          if (below.ndisOffloadHandle === handle) delegatedOf(below).bufferedData = buffered;
        },
      });
      checkSame(membersOf(delegatedOf(root).bufferedData), members, 'BufferedData of the terminate');
      checkEqual(textsOf(delegatedOf(root).bufferedData).join(), 'a,bc,def', 'bytes of BufferedData');
      delegatedOf(root).bufferedData = null;
      const place = world.below(other);
      await world.atDispatch(() => place.target.indicate(place.handle, 'of another'));
      const indicated = present(host.kept.pop());
      const [one, two, three] = [present(members[0]), present(members[1]), present(members[2])];
      world.binding.offloadTcpReceiveReturn(link([three, indicated, one]));
      world.binding.offloadTcpReceiveReturn(link([two]));
      await world.settle();
      const back = world.targets.flatMap((each) => each.calls.of('miniportTcpOffloadReceiveReturn').flatMap(([, list]) => membersOf(list as NetBufferList)));
      checkEqual([one, two, three, indicated].map((nbl) => back.filter((found) => found === nbl).length), [1, 1, 1, 1], 'times that each NET_BUFFER_LIST was returned to a target');
      check(asTheyWere(back), 'returned data is not as the target handed it over');
    },
  },
];
