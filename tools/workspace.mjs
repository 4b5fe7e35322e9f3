// What the repository's own tools know about the workspace. Plain Node: works before anything is installed.
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the repository, with a trailing separator. */
export const repositoryRoot = fileURLToPath(new URL('..', import.meta.url));

/** The npm scope of every workspace project. */
export const scope = '@ndis-chimney/';

/**
 * @typedef {object} Manifest the parts of a package.json that the tools read
 * @property {string} name
 * @property {string} version
 * @property {boolean} [private]
 * @property {Record<string, string | Record<string, string>>} [exports]
 * @property {Record<string, unknown>} [imports]
 * @property {{ tags?: string[] }} [nx]
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [devDependencies]
 * @property {Record<string, string>} [optionalDependencies]
 * @property {Record<string, string>} [peerDependencies]
 */

/**
 * @typedef {object} Project
 * @property {'packages' | 'apps' | 'tests' | 'tools'} group
 * @property {string} folder name of the folder inside its group
 * @property {string} dir absolute path
 * @property {Manifest} manifest
 */

/**
 * @param {string} file
 * @returns {Manifest}
 */
export const readManifest = (file) => JSON.parse(readFileSync(file, 'utf8'));

/**
 * Every workspace project below `root`, packages first.
 * @param {string} [root]
 * @returns {Project[]}
 */
export function findProjects(root = repositoryRoot) {
  const groups = /** @type {const} */ (['packages', 'apps', 'tests', 'tools']);
  return groups.flatMap((group) => {
    if (!existsSync(join(root, group))) return [];
    return readdirSync(join(root, group))
      .sort()
      .map((folder) => ({ group, folder, dir: join(root, group, folder) }))
      .filter(({ dir }) => existsSync(join(dir, 'package.json')))
      .map((found) => ({ ...found, manifest: readManifest(join(found.dir, 'package.json')) }));
  });
}

/**
 * The import specifiers a package offers, with the built file behind each (relative to the package).
 * @param {Manifest} manifest
 * @returns {{ specifier: string, file: string }[]}
 */
export function entriesOf({ name, exports = {} }) {
  return Object.entries(exports).flatMap(([path, target]) =>
    typeof target === 'string' || target['default'] === undefined
      ? []
      : [{ specifier: name + path.slice(1), file: target['default'] }],
  );
}

/**
 * Sources of published packages that may use Node: everything else in packages/<name>/src must also run in a browser.
 * Paths are relative to the repository; a package named here is a Node package as a whole, a longer path only there.
 */
export const nodeOnlySources = [
  'packages/target-ring/src/',
  'packages/link/src/tun',
  'packages/host-stack/src/node',
  'packages/conformance/src/node-test/',
];

/**
 * May this source of a published package use Node?
 * @param {string} path relative to the repository, with forward slashes
 */
export const mayUseNode = (path) =>
  /^packages\/[^/]+\/src\/bin\//.test(path) || nodeOnlySources.some((allowed) => path.startsWith(allowed));

/**
 * Must this package run in a browser, at least in part?
 * @param {Project} project
 */
export const isBrowserSafe = ({ group, folder }) =>
  group === 'packages' && !nodeOnlySources.includes(`packages/${folder}/src/`);

/**
 * Is the specifier one of Node's own modules, with or without the `node:` prefix?
 * @param {string} specifier
 */
export const isNodeModule = (specifier) => specifier.startsWith('node:') || isBuiltin(specifier);

/**
 * Was the module with this `import.meta.url` started from the command line, rather than imported?
 * @param {string} moduleUrl
 */
export const isMain = (moduleUrl) =>
  process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(moduleUrl);
