import { expect, it } from 'vitest';

import { importsOf } from '../imports.mjs';

it('finds every kind of import, with its line and whether it is erased', () => {
  const text = [
    "import type { A } from 'a';",
    'import b, { type C } from "b";',
    "import 'c';",
    "export * from './d.ts';",
    "export type { E } from 'e';",
    'import {',
    '  f,',
    "} from 'f';",
    "export*from'g';import{h}from'h';",
    "const i = await import('i');",
    "const j = require('j');",
  ].join('\n');
  expect(importsOf(text)).toEqual([
    { specifier: 'a', typeOnly: true, line: 1 },
    { specifier: 'b', typeOnly: false, line: 2 },
    { specifier: 'c', typeOnly: false, line: 3 },
    { specifier: './d.ts', typeOnly: false, line: 4 },
    { specifier: 'e', typeOnly: true, line: 5 },
    { specifier: 'f', typeOnly: false, line: 8 },
    { specifier: 'g', typeOnly: false, line: 9 },
    { specifier: 'h', typeOnly: false, line: 9 },
    { specifier: 'i', typeOnly: false, line: 10 },
    { specifier: 'j', typeOnly: false, line: 11 },
  ]);
});

it('does not take comments, strings, templates and other uses of the words for imports', () => {
  const text = [
    "/** import a from 'a'; */",
    "// import b from 'b';",
    '/*',
    "import c from 'c';",
    '*/',
    'const d = "import d from \'d\';";',
    'const e = `',
    "import e from 'e';",
    '`;',
    "export const f = { from: 'f' };",
    "loader.import('g');",
    "export const from = 'h';",
  ].join('\n');
  expect(importsOf(text)).toEqual([]);
});
