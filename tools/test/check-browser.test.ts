import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { checkEntry } from '../check-browser.mjs';
import { removeTree, writeTree } from './tree.ts';

let root = '';
afterEach(() => {
  removeTree(root);
});

const check = async (code: string): Promise<string[]> => {
  root = writeTree({ 'package.json': { type: 'module' }, 'index.js': code, 'other.js': 'export const other = 2;' });
  return (await checkEntry(join(root, 'index.js'))).problems;
};

describe('check-browser', () => {
  it('accepts what browsers have, and inlines what is imported', async () => {
    expect(await check("export * from './other.js'; export const f = () => setTimeout(console.log, 1);")).toEqual([]);
  });

  it('accepts a use of setImmediate that browsers pass over', async () => {
    expect(await check('export const later = (f) => { if (typeof setImmediate === "function") setImmediate(f); else setTimeout(f, 0); };')).toEqual([]);
  });

  it.each([
    ["import { readFileSync } from 'node:fs'; export const f = readFileSync;", 'needs the Node module node:fs'],
    ["import { EventEmitter } from 'events'; export const f = EventEmitter;", 'needs the Node module events'],
    ['export const f = () => process.cwd();', "'process' is not defined"],
    ["export const f = () => Buffer.from('a');", "'Buffer' is not defined"],
    ['export const f = () => setImmediate(f);', "'setImmediate' is not defined"],
    ['export const f = () => { if (typeof setTimeout === "function") setImmediate(f); };', "'setImmediate' is not defined"],
    ['export const f = () => globalThis.process;', "'globalThis.process' is restricted"],
    ["if (!('getMetadata' in Reflect)) throw new Error('no metadata');", 'without polyfills: Error: no metadata'],
  ])('reports %s', async (code, message) => {
    expect(await check(code)).toEqual([expect.stringContaining(message)]);
  });

  it('weighs an entry', async () => {
    root = writeTree({ 'index.js': 'export const long = 1;' });
    const { minified, brotli } = await checkEntry(join(root, 'index.js'));
    expect(minified).toBeGreaterThan(10);
    expect(brotli).toBeGreaterThan(10);
  });
});
