import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The workspace folders, and `tools` itself, whose scripts have tests of their own. */
const folders = ['packages', 'apps', 'tests', 'tools'].flatMap((group) =>
  readdirSync(at(`./${group}`)).map((dir) => at(`./${group}/${dir}`)),
);

const nameOf = (root: string): string => {
  if (!existsSync(`${root}/package.json`)) return 'tools';
  return (JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { name: string }).name;
};

/** One project per folder that has a `test` folder. */
const projects = [...folders, at('./tools')]
  .filter((root) => existsSync(`${root}/test`))
  .map((root): TestProjectInlineConfiguration => ({
    extends: true,
    root,
    test: { name: nameOf(root), include: ['test/**/*.test.ts'] },
  }));

/** Workspace packages resolve to their sources: no build is needed to test. */
const source = '@ndis-chimney/source';

export default defineConfig({
  resolve: { conditions: ['module', 'node', source] },
  ssr: { resolve: { conditions: ['module', 'node', source], externalConditions: ['node', source] } },
  test: {
    projects,
    pool: 'forks',
    // Shared processes are three times faster; a project whose tests change globals sets `isolate: true` for itself.
    isolate: false,
    setupFiles: [at('./tools/vitest-workers.mjs'), at('./tools/vitest-seed.mjs')],
    coverage: { provider: 'v8', include: ['packages/*/src/**'], reporter: ['text-summary', 'json-summary', 'lcov'] },
  },
});
