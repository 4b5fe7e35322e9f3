import { areSame, isSame, isTrue, only } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';
import type { World } from '../world/world.ts';

export const sendNbl: Group = {
  id: 'SND-NBL',
  seeds: ['S1.7', 'S1.8', 'S1.9', 'S1.15', 'S1.18'],
  rules: ['CHIM-NBL-003', 'CHIM-IM-009'],
  says: 'a completed NET_BUFFER_LIST, stand-alone or a list, goes up with the same head, members and order through every layer, and each member was sent by the driver that gets it',
  depths: ANY_DEPTH,
  test(build) {
    const world = build();
    checkWayUp(world, [['alone']]);
    checkWayUp(world, [['one', 'two', 'three']]);
    // A list may hold what several sends brought.
    checkWayUp(world, [['one'], ['two', 'three']]);
  },
};

/** Makes these sends, and lets the target complete all of them as one list. */
function checkWayUp(world: World, sends: readonly string[][]): void {
  const { journal } = world;
  journal.clear();
  for (const contents of sends) world.host.send(world.connection, ...contents);
  world.completeSends();
  const completed = only(journal.madeBy('target', 'NdisTcpOffloadSendComplete'), 'completions by the target');
  const [head] = completed.args;
  isSame(completed.members.length, sends.flat().length, 'members of the list that the target completed');
  for (const driver of world.uppers) {
    const callback = only(journal.receivedBy(driver, 'ProtocolTcpOffloadSendComplete'), `callbacks of ${driver}`);
    isSame(callback.args[1], head, `head of the list that ${driver} got`);
    areSame(callback.members, completed.members, `list that ${driver} got`);
    const sent = journal.madeBy(driver, 'NdisOffloadTcpSend').flatMap(({ members }) => members);
    isTrue(callback.members.every((nbl) => sent.includes(nbl)), `${driver} got an NBL that it has not sent`);
  }
  for (const driver of world.relays) {
    const passedOn = only(journal.madeBy(driver, 'NdisTcpOffloadSendComplete'), `completions by ${driver}`);
    isSame(passedOn.args[0], head, `head of the list that ${driver} passed on`);
    areSame(passedOn.members, completed.members, `list that ${driver} passed on`);
  }
}
