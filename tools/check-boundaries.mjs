// Checks who may import whom: the arrows between packages, the layers above them, cycles, paths that leave a package,
// undeclared and unexported specifiers, Node modules in browser-safe packages, and loading of the optional container.
// Plain Node without dependencies: it also runs before an install and cannot be skipped silently.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

import { importsOf } from './imports.mjs';
import {
  findProjects,
  isMain,
  isNodeModule,
  mayUseNode,
  readManifest,
  repositoryRoot,
  scope,
} from './workspace.mjs';

/** @typedef {import('./workspace.mjs').Project} Project */
/** @typedef {import('./imports.mjs').Import} Import */

/**
 * What each package stands on, devDependencies included. Transitive: whoever may import a package may import what that
 * one may. Every package may import `types`. A new package starts with its row here.
 * @type {Record<string, string[]>}
 */
export const ARROWS = {
  types: [],
  core: ['types'],
  intermediate: ['core'],
  host: ['core'],
  'offload-target': ['core'],
  'target-memory': ['offload-target'],
  'target-faulty': ['core'],
  verifier: ['core'],
  conformance: ['core', 'host', 'offload-target', 'verifier'],
  stack: ['host', 'intermediate', 'target-memory', 'verifier'],
};

/**
 * Which groups the private workspaces of each group may use; `packages` follow {@link ARROWS} instead.
 * @type {Record<Project['group'], Project['group'][]>}
 */
const LAYERS = {
  packages: ['packages'],
  apps: ['packages'],
  tests: ['packages', 'apps', 'tests'],
  tools: ['packages', 'tools'],
};

/** The tag that says the same to Nx. */
const TAGS = { packages: 'layer:package', apps: 'layer:app', tests: 'layer:test', tools: 'layer:tool' };

/** Loaded by applications only; `stack/di` knows their types. */
const CONTAINER = ['tsyringe', 'reflect-metadata'];
const CONTAINER_TYPES = 'packages/stack/src/di/';

/**
 * @param {string} root the workspace to check
 * @param {Record<string, string[]>} [arrows]
 * @returns {{ errors: string[], projects: number, edges: number }}
 */
export function checkBoundaries(root, arrows = ARROWS) {
  const projects = new Map(findProjects(root).map((project) => [project.manifest.name, project]));
  const rootDevDependencies = Object.keys(readManifest(join(root, 'package.json')).devDependencies ?? {});
  /** @type {string[]} */
  const errors = [];
  /** @type {Map<string, string[]>} */
  const edges = new Map();

  for (const [name, project] of projects) {
    errors.push(...checkManifest(project, arrows));
    const uses = declared(project).all.filter((dependency) => projects.has(dependency));
    edges.set(name, uses);
    for (const dependency of uses) {
      const target = projects.get(dependency);
      if (target && !mayUse(project, target, arrows)) errors.push(`${name} may not depend on ${dependency}`);
    }
    for (const file of sourceFiles(project.dir)) {
      for (const found of importsOf(readFileSync(join(project.dir, file), 'utf8'))) {
        const problem = checkImport({ root, project, projects, file, found, rootDevDependencies });
        const place = relative(root, join(project.dir, file)).split(sep).join('/');
        if (problem) errors.push(`${place}:${found.line}: ${found.specifier} ${problem}`);
      }
    }
  }
  errors.push(...findCycles(edges));
  return { errors, projects: projects.size, edges: [...edges.values()].flat().length };
}

/**
 * @param {Project} project
 * @param {Record<string, string[]>} arrows
 */
function checkManifest({ group, folder, manifest }, arrows) {
  const { name, nx } = manifest;
  const errors = [];
  // Tests about a package may have a folder of its name, but not the name itself.
  const isNamed = name === scope + folder || (group === 'tests' && name === `${scope}${folder}-tests`);
  if (!isNamed) errors.push(`${group}/${folder}: the package is named ${name}, not ${scope}${folder}`);
  if (!nx?.tags?.includes(TAGS[group])) errors.push(`${name}: no ${TAGS[group]} tag in package.json nx.tags`);
  if (group === 'packages' && !arrows[folder]) errors.push(`${name}: no row in ARROWS of tools/check-boundaries.mjs`);
  return errors;
}

/** @param {Project} project */
function declared({ manifest }) {
  const { dependencies, optionalDependencies, peerDependencies, devDependencies } = manifest;
  const shipped = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return { shipped, all: [...new Set([...shipped, ...Object.keys(devDependencies ?? {})])] };
}

/**
 * @param {Project} from
 * @param {Project} to
 * @param {Record<string, string[]>} arrows
 */
function mayUse(from, to, arrows) {
  if (from.group !== 'packages') return LAYERS[from.group].includes(to.group);
  return to.group === 'packages' && (to.folder === 'types' || reach(from.folder, arrows).has(to.folder));
}

/**
 * @param {string} folder
 * @param {Record<string, string[]>} arrows
 * @param {Set<string>} [seen]
 */
function reach(folder, arrows, seen = new Set()) {
  for (const next of arrows[folder] ?? []) {
    if (seen.has(next)) continue;
    seen.add(next);
    reach(next, arrows, seen);
  }
  return seen;
}

/**
 * @param {string} dir
 * @param {string} [inside]
 * @returns {string[]} paths relative to `dir`
 */
function sourceFiles(dir, inside = '') {
  return readdirSync(join(dir, inside), { withFileTypes: true }).flatMap((entry) => {
    const path = join(inside, entry.name);
    if (entry.isDirectory()) {
      return ['node_modules', 'dist', '.cache', 'coverage'].includes(entry.name) ? [] : sourceFiles(dir, path);
    }
    return /\.[cm]?[jt]sx?$/.test(entry.name) ? [path] : [];
  });
}

/**
 * @param {{ root: string, project: Project, projects: Map<string, Project>, file: string, found: Import,
 *   rootDevDependencies: string[] }} context
 * @returns {string | undefined} what is wrong with the import
 */
function checkImport({ root, project, projects, file, found, rootDevDependencies }) {
  const { specifier, typeOnly } = found;
  const path = relative(root, join(project.dir, file)).split(sep).join('/');
  const isShipped = project.group === 'packages' && path.startsWith(`packages/${project.folder}/src/`);

  if (specifier.startsWith('.')) {
    const target = resolve(root, dirname(path), specifier);
    if (target.startsWith(project.dir + sep)) return undefined;
    // The repository's own scripts belong to no package; its tests and tools share them.
    const isScript = dirname(target) === join(root, 'tools') && target.endsWith('.mjs');
    return isScript && ['tests', 'tools'].includes(project.group) ? undefined : 'leaves the package';
  }
  if (specifier.startsWith('#')) {
    return specifier in (project.manifest.imports ?? {}) ? undefined : 'is not in the "imports" of package.json';
  }
  if (isNodeModule(specifier)) {
    return !isShipped || mayUseNode(path) ? undefined : 'is a Node module in a package that must run in browsers';
  }

  const owner = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
  if (isShipped && CONTAINER.includes(owner)) {
    if (!typeOnly) return 'is loaded by a package: only applications load the container (import type)';
    if (!path.startsWith(CONTAINER_TYPES)) return `is for ${CONTAINER_TYPES} only`;
  }
  const target = projects.get(owner);
  if (target && !(`.${specifier.slice(owner.length)}` in (target.manifest.exports ?? {}))) {
    return `is not in the "exports" of ${owner}`;
  }
  if (owner === project.manifest.name) return undefined;
  if (isShipped) {
    return declared(project).shipped.includes(owner) ? undefined : 'is in neither dependencies nor peerDependencies';
  }
  const known = declared(project).all.includes(owner) || (!target && rootDevDependencies.includes(owner));
  return known ? undefined : 'is not in package.json';
}

/**
 * @param {Map<string, string[]>} edges
 * @returns {string[]}
 */
function findCycles(edges) {
  /** @type {string[]} */
  const errors = [];
  /** @type {Map<string, 'open' | 'done'>} */
  const state = new Map();
  const visit = (/** @type {string} */ name, /** @type {string[]} */ path) => {
    if (state.get(name) === 'done') return;
    if (state.get(name) === 'open') {
      errors.push(`cycle: ${[...path.slice(path.indexOf(name)), name].join(' -> ')}`);
      return;
    }
    state.set(name, 'open');
    for (const next of edges.get(name) ?? []) visit(next, [...path, name]);
    state.set(name, 'done');
  };
  for (const name of edges.keys()) visit(name, []);
  return errors;
}

if (isMain(import.meta.url)) {
  const { errors, projects, edges } = checkBoundaries(repositoryRoot);
  for (const error of errors) console.error(error);
  console.log(`${projects} projects, ${edges} edges, ${errors.length} boundary errors`);
  process.exitCode = errors.length > 0 ? 1 : 0;
}
