// Which sources are broken, and which suite has to notice.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from '../workspace.mjs';

/**
 * Sources that no case of the kit can judge, each with the reason. What is not here is broken: a new file too.
 * @type {Record<string, string>}
 */
export const LEFT_OUT = {
  'packages/offload-target/src/engine-guard.ts': 'is for engines that throw; the memory target has none',

  'packages/offload-target/src/engine-rules.ts': 'is the text of those rules',
  'packages/offload-target/src/option-schema.ts': 'reads the options of a plugin, before there is a target',
  'packages/offload-target/src/address-text.ts': 'writes addresses for messages',
  'packages/target-memory/src/options.ts': 'reads the options, before there is a target',
  'packages/target-memory/src/memory-peer.ts': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/peer-endpoint.ts': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/peer-output.ts': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/peer-registry.ts': 'is the far end, which the kit takes as given',
  'packages/target-memory/src/wire.ts': 'is the way to the far end',
};

/**
 * Whole folders of sources, by the suite that decides over them.
 * @type {Record<string, readonly string[]>}
 */
const FOLDERS = {
  target: ['packages/target-memory/src', 'packages/offload-target/src'],
};

/** Entries and declarations, in which there is nothing to break. */
const WITHOUT_CODE = new Set(['index.ts', 'plugin.ts', 'ambient.d.ts']);

/**
 * Every source that is broken.
 * @param {string} [root]
 * @returns {{ file: string, suite: string }[]}
 */
export const brokenFiles = (root = repositoryRoot) =>
  Object.entries(FOLDERS).flatMap(([suite, folders]) =>
    folders.flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.ts') && !WITHOUT_CODE.has(name))
        .sort()
        .map((name) => ({ file: `${folder}/${name}`, suite }))
        .filter(({ file }) => LEFT_OUT[file] === undefined),
    ),
  );

/**
 * Does a path match a pattern in which `*` is anything within a folder and `**` anything?
 * @param {string} path
 * @param {string} pattern
 */
export function matches(path, pattern) {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\?]/g, '\\$&')
    .replaceAll(/\*\*\/?|\*/g, (stars) => (stars === '*' ? '[^/]*' : '.*'));
  return new RegExp(`^${source}$`).test(path);
}
