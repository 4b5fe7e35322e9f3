// Bundles every entry of every browser-safe package, as built, for the browser with everything it needs inlined.
// Fails when a bundle needs a Node module or a global that browsers lack. Prints what each entry weighs.
// Needs an up to date dist (tsc -b).
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { brotliCompressSync } from 'node:zlib';

import { Linter } from 'eslint';
import globals from 'globals';
import { build } from 'vite';

import { entriesOf, findProjects, isBrowserSafe, isMain, isNodeModule, mayUseNode } from './workspace.mjs';

/** @type {import('eslint').Linter.Config} */
const onlyBrowserGlobals = {
  languageOptions: { globals: { ...globals.builtin, ...globals.browser } },
  rules: {
    'no-undef': 'error',
    'no-restricted-properties': [
      'error',
      ...['process', 'Buffer', 'global', 'setImmediate'].map((property) => ({ object: 'globalThis', property })),
    ],
  },
};

/** A use of `setImmediate` that browsers pass over: the only one allowed. */
const GUARDED_SET_IMMEDIATE = /if \(typeof setImmediate === ["']function["']\)\s*setImmediate\(/g;

/** Enough for a page that only loads a library: the language's own globals come with the context. */
const page = { clearTimeout, console, crypto, performance, queueMicrotask, setTimeout, URL };

/**
 * @param {string} script
 * @returns {string[]} why it does not load where nothing was polyfilled
 */
function loadProblems(script) {
  try {
    runInNewContext(script, { ...page });
    return [];
  } catch (error) {
    return [`does not load in a page without polyfills: ${String(error)}`];
  }
}

/**
 * @param {string} file a built ES module; what it imports is resolved from where it lies
 * @param {{ format: 'es' | 'iife', minify: boolean }} options
 * @returns {Promise<{ code: string, nodeModules: string[] }>}
 */
async function bundle(file, { format, minify }) {
  /** @type {Set<string>} */
  const nodeModules = new Set();
  const result = await build({
    configFile: false,
    logLevel: 'silent',
    root: join(file, '..'),
    plugins: [
      {
        name: 'find-node-modules',
        enforce: 'pre',
        resolveId(specifier, importer) {
          if (!isNodeModule(specifier)) return null;
          nodeModules.add(`${specifier} (from ${importer ?? 'the entry'})`);
          return { id: specifier, external: true };
        },
      },
    ],
    build: {
      write: false,
      target: 'es2022',
      minify,
      lib: { entry: file, name: 'entry', formats: [format] },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((each) => ('output' in each ? each.output : []));
  const code = outputs.map((chunk) => (chunk.type === 'chunk' ? chunk.code : '')).join('\n');
  return { code, nodeModules: [...nodeModules] };
}

/**
 * @param {string} file a built ES module
 * @returns {Promise<{ problems: string[], minified: number, brotli: number }>} sizes in bytes
 */
export async function checkEntry(file) {
  const readable = await bundle(file, { format: 'es', minify: false });
  const script = readable.code.replaceAll(GUARDED_SET_IMMEDIATE, 'if (false) void (');
  const messages = new Linter().verify(script, onlyBrowserGlobals, { allowInlineConfig: false });
  const problems = [
    ...readable.nodeModules.map((name) => `needs the Node module ${name}`),
    ...messages.map(({ message, line }) => `${message} ${(readable.code.split('\n')[line - 1] ?? '').trim()}`),
  ];
  // Vite leaves the white space in an ES library; a classic script is minified whole.
  const { code } = await bundle(file, { format: 'iife', minify: true });
  // What is known to be missing would only be reported twice.
  if (problems.length === 0) problems.push(...loadProblems(code));
  return { problems, minified: Buffer.byteLength(code), brotli: brotliCompressSync(code).length };
}

async function main() {
  let failures = 0;
  console.log(`${'entry'.padEnd(36)}${'min'.padStart(10)}${'brotli'.padStart(10)}   bytes, RxJS included`);
  for (const { dir, folder, manifest } of findProjects().filter(isBrowserSafe)) {
    for (const { specifier, file } of entriesOf(manifest)) {
      if (mayUseNode(join('packages', folder, file).replaceAll('\\', '/').replace('/dist/', '/src/'))) continue;
      const { problems, minified, brotli } = await checkEntry(join(dir, file));
      console.log(`${specifier.padEnd(36)}${String(minified).padStart(10)}${String(brotli).padStart(10)}`);
      for (const problem of problems) console.error(`${specifier}: ${problem}`);
      failures += problems.length;
    }
  }
  console.log(`${failures} browser errors`);
  process.exitCode = failures > 0 ? 1 : 0;
}

if (isMain(import.meta.url)) await main();
