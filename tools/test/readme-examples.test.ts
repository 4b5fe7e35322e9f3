import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { findExamples, runExample } from '../readme-examples.mjs';
import { removeTree, writeTree } from './tree.ts';

const fence = '```';

describe('findExamples', () => {
  it('takes only blocks marked as examples, with the output that follows at once', () => {
    const markdown = [
      '# Title',
      `${fence}js`,
      'notAnExample();',
      fence,
      `${fence}js example`,
      'console.log(1);',
      fence,
      '',
      `${fence}text`,
      '1',
      fence,
      `${fence}js example`,
      'console.log(2);',
      fence,
      'Prose between.',
      `${fence}text`,
      '2',
      fence,
    ].join('\n');
    expect(findExamples(markdown)).toEqual([
      { line: 6, code: 'console.log(1);\n', output: '1\n' },
      { line: 13, code: 'console.log(2);\n' },
    ]);
  });

  it('reads Windows line ends', () => {
    expect(findExamples(`${fence}js example\r\nf();\r\n${fence}\r\n`)).toEqual([{ line: 2, code: 'f();\n' }]);
  });
});

describe('runExample', () => {
  let folder = '';
  beforeEach(() => {
    folder = writeTree({});
  });
  afterEach(() => {
    removeTree(folder);
  });
  const run = (code: string, output?: string): Promise<string | undefined> =>
    runExample({ line: 7, code, ...(output !== undefined && { output }) }, { folder, label: 'packages/a/README.md' });

  it('accepts an example that ends well and prints what it says', async () => {
    expect(await run('console.log(1);', '1\n')).toBeUndefined();
    expect(await run('console.log(1);')).toBeUndefined();
  });

  it('reports another output', async () => {
    expect(await run('console.log(2);', '1\n')).toBe('packages/a/README.md:7: printed\n2\ninstead of\n1');
  });

  it('reports a failure with the line of the README', async () => {
    const problem = await run('const a = 1;\nthrow new Error("broken");');
    expect(problem).toContain('packages/a/README.md:7: exit code 1');
    expect(problem).toContain('packages-a-README.md-7.mjs:8');
  });
});
