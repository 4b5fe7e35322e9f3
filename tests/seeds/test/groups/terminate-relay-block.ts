import { blocksOf } from '@ndis-chimney/kit';
import type { MiniportOffloadBlockList, ProtocolOffloadBlockList } from '@ndis-chimney/types';

import { areSame, isSame, isTrue, only } from '../check.ts';
import { WITH_INTERMEDIATES, type Group } from '../group.ts';

export const terminateRelayBlock: Group = {
  id: 'TRM-IM-BLOCK',
  seeds: ['S3.13', 'S3.14', 'S3.15'],
  rules: ['CHIM-IM-003', 'CHIM-IM-004'],
  says: 'what an intermediate driver passes to NdisMTerminateOffloadComplete is the block list it was given, handles, ImReserved and SourceHandle as at MiniportTerminateOffload',
  depths: WITH_INTERMEDIATES,
  test(build) {
    const world = build({ connections: 2 });
    const { journal } = world;
    const [tree] = world.trees;
    isTrue(tree !== undefined, 'nothing is offloaded');
    const root = world.remainsOf(tree);
    isTrue(root !== null, 'nothing is offloaded');
    for (const block of blocksOf(root)) {
      block.imReserved0 = Symbol('what the driver above the topmost intermediate driver left there');
      block.imReserved1 = Symbol('likewise');
    }
    const above = new Map(blocksOf(root).map((block) => [block, reservedOf(block)]));
    const given = new Map<string, Picture>();
    const passedOn = new Map<string, Picture>();
    journal.onEnter('MiniportTerminateOffload', ({ driver, args }) => given.set(driver, pictureOf(args[1])));
    journal.onEnter('NdisMTerminateOffloadComplete', ({ driver, args }) => passedOn.set(driver, pictureOf(args[0])));
    world.connection.binding.terminateOffload(root);
    world.completeTerminate(root);
    for (const driver of world.relays) {
      const [, block] = only(journal.receivedBy(driver, 'MiniportTerminateOffload'), `terminates that reached ${driver}`).args;
      isSame(only(journal.madeBy(driver, 'NdisMTerminateOffloadComplete'), `completions by ${driver}`).args[0], block, `root that ${driver} passed on`);
      isSame(given.get(driver)?.size, blocksOf(root).length, `blocks that ${driver} was given`);
      for (const [one, members] of given.get(driver) ?? []) areSame(passedOn.get(driver)?.get(one) ?? [], members, `a block that ${driver} passed on`);
    }
    for (const [block, reserved] of above) areSame(reservedOf(block), reserved, 'ImReserved of a block that came back to the host');
  },
};

function reservedOf({ imReserved0, imReserved1 }: ProtocolOffloadBlockList): unknown[] {
  return [imReserved0, imReserved1];
}

/** Every block of a miniport tree, with what its driver above must find in it again. */
type Picture = ReadonlyMap<MiniportOffloadBlockList, readonly unknown[]>;

function pictureOf(tree: unknown): Picture {
  return new Map(
    blocksOf(tree as MiniportOffloadBlockList).map((block) => [
      block,
      [block.ndisOffloadHandle, block.miniportOffloadContext, block.imReserved0, block.imReserved1, block.sourceHandle],
    ]),
  );
}
