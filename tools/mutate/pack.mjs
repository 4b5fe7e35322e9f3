// The sources that a run needs, as one script: read and stripped of their types once, loaded by every child in
// milliseconds, with the text of one module exchanged.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import ts from 'typescript';

import { repositoryRoot } from '../workspace.mjs';
import { compilerOptions } from './programs.mjs';
import { writeWhole } from './write-whole.mjs';

/**
 * A module as JavaScript, without comments: two texts that differ in nothing that runs come out the same.
 * @param {string} text TypeScript
 */
export const strip = (text) =>
  ts.transpileModule(text, {
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.CommonJS,
      esModuleInterop: true,
      removeComments: true,
    },
  }).outputText;

/**
 * One module as a member of the object that the script evaluates to.
 * @param {string} file
 * @param {string} code
 */
const member = (file, code) => `${JSON.stringify(file)}: function (exports, require) {${code}\n},\n`;

/**
 * The function of a module, as an expression; what {@link createPack} holds for each.
 * @param {string} file
 * @param {string} code
 */
export const moduleScript = (file, code) => `({${member(file, code)}})`;

/**
 * Collects modules from their entries on, and writes them down as a script.
 * @param {readonly string[]} entries relative to `root`
 * @param {string} [root]
 * @returns {{ script: string, files: string[] }} absolute path of the script, and what is in it. Beside it is a table of what its
 * imports lead to: a module of the pack, or, where it is none, the module itself, to be loaded by Node.
 */
export function createPack(entries, root = repositoryRoot) {
  const options = compilerOptions(root);
  const cache = ts.createModuleResolutionCache(root, (name) => name, options);
  const fileOf = (/** @type {string} */ path) => relative(root, path).split(sep).join('/');
  /** @type {Map<string, string>} */
  const members = new Map();
  /** @type {Record<string, Record<string, string>>} */
  const imports = {};
  const open = [...entries];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (members.has(file)) continue;
    const path = join(root, file);
    const code = strip(readFileSync(path, 'utf8'));
    members.set(file, member(file, code));
    /** @type {Record<string, string>} */
    const known = (imports[file] = {});
    for (const [, specifier = ''] of code.matchAll(/\brequire\(["']([^"']+)["']\)/g)) {
      const { resolvedModule } = ts.resolveModuleName(specifier, path, options, ts.sys, cache, undefined, ts.ModuleKind.ESNext);
      const found = resolvedModule?.resolvedFileName;
      if (found === undefined || found.endsWith('.d.ts') || found.includes('/node_modules/')) continue;
      known[specifier] = fileOf(found);
      open.push(fileOf(found));
    }
  }
  const text = `({\n${[...members.values()].join('')}})`;
  const table = JSON.stringify(imports);
  const folder = join(root, '.cache', 'mutate');
  const script = join(folder, `${createHash('sha256').update(text).update(table).digest('hex').slice(0, 16)}.js`);
  if (!existsSync(script)) {
    mkdirSync(folder, { recursive: true });
    writeWhole(`${script}on`, table);
    writeWhole(script, text);
  }
  return { script, files: [...members.keys()] };
}
