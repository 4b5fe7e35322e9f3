import { blocksOf } from '@ndis-chimney/kit';
import type { ProtocolOffloadBlockList } from '@ndis-chimney/types';

import { areSame, isSame, isTrue, only } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';
import type { World } from '../world/world.ts';

export const terminateRoot: Group = {
  id: 'TRM-ROOT',
  seeds: ['S3.7', 'S3.8'],
  rules: ['CHIM-TRM-019', 'CHIM-BLK-003'],
  says: 'a terminated block list, stand-alone or a tree, comes back with the same root, blocks, links and handles that the driver passed down',
  depths: ANY_DEPTH,
  test(build) {
    const world = build({ connections: 4 });
    const [tree] = world.trees;
    isTrue(tree !== undefined, 'nothing is offloaded');
    const standAlone = world.host.connections(world.connection);
    checkRoundTrip(world, standAlone, 1);
    const rest = world.remainsOf(tree);
    isTrue(rest !== null, 'nothing is offloaded any more');
    // A neighbor, a path, three connections.
    checkRoundTrip(world, rest, 5);
  },
};

function checkRoundTrip(world: World, root: ProtocolOffloadBlockList, count: number): void {
  const { journal } = world;
  const wentDown = new Map<string, unknown[]>();
  const cameBack = new Map<string, unknown[]>();
  journal.clear();
  journal.onEnter('NdisTerminateOffload', ({ driver, args }) => wentDown.set(driver, pictureOf(args[0])));
  journal.onEnter('ProtocolTerminateOffloadComplete', ({ driver, args }) => cameBack.set(driver, pictureOf(args[1])));
  world.connection.binding.terminateOffload(root);
  world.completeTerminate(root);
  for (const driver of world.uppers) {
    isSame(only(journal.receivedBy(driver, 'ProtocolTerminateOffloadComplete'), `callbacks of ${driver}`).args[1], root, `root that ${driver} got`);
    isSame(wentDown.get(driver)?.length, count * MEMBERS, `members of the blocks that ${driver} passed down`);
    areSame(cameBack.get(driver) ?? [], wentDown.get(driver) ?? [], `blocks, links and handles that ${driver} got`);
  }
}

const MEMBERS = 4;

/** Every block in the order of the walk, with what it links to and what it names. */
function pictureOf(tree: unknown): unknown[] {
  return blocksOf(tree as ProtocolOffloadBlockList).flatMap((block) => [block, block.nextBlock, block.dependentBlockList, block.offloadHandle]);
}
