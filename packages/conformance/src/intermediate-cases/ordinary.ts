import {
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_SUCCESS,
  type NetBufferList,
} from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { link, membersOf, textsOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { pictureOfList } from './pictures.ts';

/** Flags that a driver without an opinion on them passes on. */
const FLAGS = 0x0000_0004;
const PORT = 3;

export const ordinaryCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-ordinary-send',
    title: 'Ordinary sends go down and come back as the same NET_BUFFER_LISTs, with port, flags and statuses',
    rules: ['CHIM-NBL-001', 'CHIM-NBL-005', 'CHIM-IM-013'],
    requirement: 'C-NDIS-NBL',
    run: async (world) => {
      const { host } = world;
      const list = host.list('p', 'q', 'r');
      const members = membersOf(list);
      const statuses = [NDIS_STATUS_FAILURE, NDIS_STATUS_SUCCESS, NDIS_STATUS_PAUSED];
      members.forEach((nbl, at) => {
        nbl.status = present(statuses[at]);
      });
      const pictures = pictureOfList(list).split(' | ');
      world.binding.sendNetBufferLists(list, PORT, FLAGS);
      await world.settle();
      const target = present(world.targets.find(({ ordinarySends }) => ordinarySends.length > 0));
      checkSame(target.ordinarySends, members, 'ordinary sends at the target');
      const calls = target.calls.of('miniportSendNetBufferLists');
      if (world.isTransparent) checkEqual(calls.map(([, , port, flags]) => [port, flags]), [[PORT, FLAGS]], 'port and flags of the send');
      const [first, ...others] = target.ordinarySends.splice(0);
      members.forEach((nbl, at) => {
        nbl.status = present(statuses[at]);
      });
      for (const part of [others, [present(first)]]) {
        const whole = link(part);
        await world.atDispatch(() => {
          target.miniport.sendNetBufferListsComplete(whole, FLAGS);
        });
        checkEqual(pictureOfList(whole), part.map((nbl) => pictures[members.indexOf(nbl)]).join(' | '), 'a completed ordinary send, as the host has it back');
      }
      const back = host.entries('ordinarySendComplete').flatMap(({ nbls }) => nbls);
      checkSame(back.map(({ nbl }) => nbl), [...others, first], 'ordinary sends that came back');
      checkEqual(back.map(({ status }) => status), [...statuses.slice(1), statuses[0]], 'their statuses');
      if (world.isTransparent) checkEqual(host.calls.of('protocolSendNetBufferListsComplete').map(([, , flags]) => flags), [FLAGS, FLAGS], 'flags of the completions');
      check(members.every(({ sourceHandle, context }) => sourceHandle === null && context === null), 'an ordinary send is not as the host had passed it down');
    },
  },
  {
    id: 'intermediate-ordinary-receive',
    title: 'Ordinary packets go up as the same NET_BUFFER_LISTs, and back when the host returns them',
    rules: ['CHIM-NBL-001', 'CHIM-NBL-005', 'CHIM-NBL-004'],
    requirement: 'C-NDIS-NBL',
    run: async (world) => {
      const { host, target } = world;
      const kept: NetBufferList[] = [];
      host.calls.on('protocolReceiveNetBufferLists', (_context: unknown, list: NetBufferList) => {
        kept.push(...membersOf(list));
      });
      const list = target.list('one', 'two', 'three');
      const members = membersOf(list);
      await world.atDispatch(() => {
        target.miniport.indicateReceiveNetBufferLists(list, 0, members.length, 0);
      });
      checkSame(kept, members, 'ordinary packets that the host got');
      checkEqual(host.entries('ordinaryReceive').flatMap(({ packets }) => packets.map((packet) => new TextDecoder().decode(packet))).join(), 'one,two,three', 'their bytes');
      if (world.isTransparent) checkEqual(host.calls.of('protocolReceiveNetBufferLists').map(([, , port, count, flags]) => [port, count, flags]), [[0, 3, 0]], 'port, number and flags of the indication');
      // The case host returns them from inside the call.
      await world.settle();
      const back = target.calls.of('miniportReturnNetBufferLists').flatMap(([, returned]) => membersOf(returned as NetBufferList));
      checkSame(back, members, 'ordinary packets that were returned');
      check(members.every(({ sourceHandle, context }) => sourceHandle === null && context === null), 'a returned packet is not as the target indicated it');
    },
  },
  {
    id: 'intermediate-ordinary-receive-resources',
    title: 'Packets with NDIS_RECEIVE_FLAGS_RESOURCES are shown with that flag, and are the target’s on return',
    rules: ['CHIM-NBL-005', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-NBL',
    run: async (world) => {
      const { host, target } = world;
      const list = target.list('x', 'y');
      const members = membersOf(list);
      const isOnReturn = await world.atDispatch(() => {
        target.miniport.indicateReceiveNetBufferLists(list, PORT, members.length, NDIS_RECEIVE_FLAGS_RESOURCES);
        return members.every(({ sourceHandle, context }) => sourceHandle === null && context === null);
      });
      check(isOnReturn, 'packets that had to be back on return are not');
      checkEqual(host.calls.of('protocolReceiveNetBufferLists').map(([, , , , flags]) => Number(flags) & NDIS_RECEIVE_FLAGS_RESOURCES), [NDIS_RECEIVE_FLAGS_RESOURCES], 'flag RESOURCES of each indication');
      if (world.isTransparent) checkEqual(host.calls.of('protocolReceiveNetBufferLists').map(([, , port, count]) => [port, count]), [[PORT, 2]], 'port and number of the indication');
      checkSame(membersOf(list), members, 'packets of the list after it was shown');
      checkEqual(textsOf(list).join(), 'x,y', 'bytes of packets after they were shown');
      checkEqual(target.calls.count('miniportReturnNetBufferLists'), 0, 'returns of packets that were back already');
    },
  },
];
