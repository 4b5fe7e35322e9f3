import { ESLint, Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { beforeAll, describe, expect, it } from 'vitest';

import { repositoryRoot } from '../workspace.mjs';

/** What the repository's eslint.config.js really says for a file, without the rules that need types. */
const effectiveRules = new Map<string, Linter.RulesRecord>();

const files = {
  core: 'packages/core/src/example.ts',
  runtime: 'packages/core/src/runtime/example.ts',
  host: 'packages/host/src/example.ts',
  target: 'packages/target-memory/src/example.ts',
  plugin: 'packages/target-memory/src/plugin.ts',
  targetIndex: 'packages/target-memory/src/index.ts',
  test: 'packages/core/test/example.test.ts',
  nodeEntry: 'packages/conformance/src/node-test/index.ts',
  command: 'packages/conformance/src/bin/conformance.ts',
  app: 'apps/transfer/src/example.ts',
} as const;
type FileKind = keyof typeof files;

beforeAll(async () => {
  const eslint = new ESLint({ cwd: repositoryRoot });
  for (const file of Object.values(files)) {
    const { rules } = (await eslint.calculateConfigForFile(file)) as { rules: Linter.RulesRecord };
    const restrictions = Object.entries(rules).filter(([name]) => name.startsWith('no-restricted-'));
    effectiveRules.set(file, Object.fromEntries(restrictions));
  }
});

const config = (rules: Linter.RulesRecord): Linter.Config => ({
  files: ['**/*.ts'],
  languageOptions: { parser: tseslint.parser },
  rules,
});

const lint = (kind: FileKind, code: string): string[] =>
  new Linter()
    .verify(code, [config(effectiveRules.get(files[kind]) ?? {})], 'example.ts')
    .map(({ message }) => message);

describe('everything nondeterministic is injected', () => {
  const snippets: [code: string, message: string][] = [
    ['export const t = Date.now();', 'Clock'],
    ['export const t = new Date();', 'Clock'],
    ['export const t = performance.now();', 'Clock'],
    ['export const r = Math.random();', 'Random'],
    ['export const { random } = Math;', 'Random'],
    ['crypto.getRandomValues(bytes);', 'Random'],
    ['setTimeout(f, 1);', 'Clock'],
    ['globalThis.setTimeout(f, 1);', 'Clock'],
    ['setInterval(f, 1);', 'Clock'],
    ['setImmediate(f);', 'DpcQueue'],
    ['queueMicrotask(f);', 'DpcQueue'],
    ['export const e = process.env;', 'browsers'],
  ];

  it.each(snippets)('refuses %s in a package', (code, message) => {
    expect(lint('core', code)).toEqual([expect.stringContaining(message)]);
    expect(lint('host', code)).toEqual([expect.stringContaining(message)]);
  });

  it.each(snippets)('accepts %s in core/runtime, in tests and in apps', (code) => {
    expect(lint('runtime', code)).toEqual([]);
    expect(lint('test', code)).toEqual([]);
    expect(lint('app', code)).toEqual([]);
  });

  it('accepts members of our own with such names', () => {
    expect(lint('core', 'clock.setTimeout(f); export const t = clock.performance; random.random();')).toEqual([]);
  });
});

describe('stable shapes in the packages on the hot path', () => {
  const snippets: [code: string, message: string][] = [
    ['export class A { f = () => 1; }', 'write a method'],
    ['export class A { f = function () { return 1; }; }', 'write a method'],
    ['export class A { static f = () => 1; }', 'write a method'],
    ['delete a.b;', 'dictionary'],
    ['export function f(): number { return arguments.length; }', 'rest parameter'],
    ['export function f(): void { g(arguments); }', 'rest parameter'],
  ];

  it.each(snippets)('refuses %s', (code, message) => {
    for (const kind of ['core', 'runtime', 'target', 'plugin'] as const) {
      expect(lint(kind, code)).toEqual([expect.stringContaining(message)]);
    }
  });

  it.each(snippets)('accepts %s elsewhere', (code) => {
    expect(lint('host', code)).toEqual([]);
    expect(lint('test', code)).toEqual([]);
  });

  it('accepts methods, accessors and members named arguments', () => {
    expect(lint('core', 'export class A { n = 0; arguments = 1; f() { return this.arguments; } }')).toEqual([]);
    expect(lint('core', 'export const a = { arguments: 1 };')).toEqual([]);
  });
});

describe('identity is a brand', () => {
  it.each(['NetBufferList', 'ns.NetBufferList', 'ChimneyError'])('refuses instanceof %s', (name) => {
    for (const kind of ['core', 'runtime', 'host', 'target', 'plugin'] as const) {
      expect(lint(kind, `export const b = a instanceof ${name};`)).toEqual([expect.stringContaining('brand')]);
    }
  });

  it.each(['Error', 'TypeError', 'RangeError', 'Uint8Array', 'ArrayBuffer', 'SharedArrayBuffer'])(
    'accepts instanceof %s',
    (name) => {
      expect(lint('core', `export const b = a instanceof ${name};`)).toEqual([]);
    },
  );
});

describe('named exports', () => {
  it.each(['export default class A {}', "export { default } from './plugin.ts';", 'export { a as default };'])(
    'refuses %s except in plugin modules',
    (code) => {
      expect(lint('core', code)).toEqual([expect.stringContaining('only plugin modules')]);
      expect(lint('target', code)).toEqual([expect.stringContaining('only plugin modules')]);
      expect(lint('plugin', code)).toEqual([]);
      expect(lint('targetIndex', code)).toEqual([]);
    },
  );
});

describe('browser-safe packages', () => {
  it.each(["import fs from 'node:fs';", "import { EventEmitter } from 'events';", "export * from 'node:path';"])(
    'refuse %s',
    (code) => {
      for (const kind of ['core', 'runtime', 'host', 'target'] as const) {
        expect(lint(kind, code)).toEqual([expect.stringContaining('no Node modules')]);
      }
      expect(lint('test', code)).toEqual([]);
      expect(lint('app', code)).toEqual([]);
    },
  );

  it('may have entries and commands for Node, which take time from the Clock all the same', () => {
    for (const kind of ['nodeEntry', 'command'] as const) {
      expect(lint(kind, "import { test } from 'node:test';")).toEqual([]);
      expect(lint(kind, 'setTimeout(f, 1);')).toEqual([expect.stringContaining('Clock')]);
    }
  });
});
