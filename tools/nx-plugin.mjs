// Gives every workspace project its Nx targets in one place. `nx:run-commands` needs no pnpm on the PATH,
// which package.json scripts would (Nx runs those through `pnpm run`).
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const name = 'workspace-targets';

/** @type {import('nx/src/devkit-exports').CreateNodesV2} */
export const createNodesV2 = [
  '{packages,apps,tests,tools}/*/package.json',
  (files, _options, { workspaceRoot }) =>
    files.map((file) => {
      const root = dirname(file);
      /** @param {string} entry */
      const has = (entry) => existsSync(join(workspaceRoot, root, entry));
      /** @type {{ name: string }} */
      const { name: project } = JSON.parse(readFileSync(join(workspaceRoot, file), 'utf8'));
      const run = (/** @type {string} */ command, cwd = root) => ({
        executor: 'nx:run-commands',
        options: { command, cwd },
      });
      const targets = {
        ...(has('tsconfig.lib.json') && { build: run(`tsc -b tsconfig.lib.json${has('tsconfig.node.json') ? ' tsconfig.node.json' : ''}`) }),
        ...(has('tsconfig.json') && { typecheck: run('tsc -b') }),
        ...(has('test') && { test: run(`vitest run --project ${project}`, '.') }),
        lint: run('eslint --no-error-on-unmatched-pattern .'),
      };
      return [file, { projects: { [root]: { name: project, targets } } }];
    }),
];
