import type { Group } from './group.ts';
import { World, type Setting } from './world/world.ts';

/** Runs a group's test once, and takes its worlds down. @throws what the test found, or what the worlds left behind. */
export function runGroup(group: Group, setting: Setting): void {
  const worlds: World[] = [];
  group.test((shape = {}) => {
    const world = new World(shape, setting);
    worlds.push(world);
    return world;
  });
  for (const world of worlds) world.close();
}
