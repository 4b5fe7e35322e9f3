// Makes `npm start` and `npm test` work on a machine with nothing but Node and npm: installs the workspace through the
// pinned pnpm (fetched by npx, nothing global) when the lockfile changed. Everything it says goes to stderr.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stampFile = `${root}node_modules/.bootstrap`;

/** @param {string} path */
const read = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const workspace = read(`${root}pnpm-workspace.yaml`);
const pnpm = /^ {2}pnpm: (\d+\.\d+\.\d+)$/m.exec(workspace)?.[1];
if (!pnpm) throw new Error('pnpm-workspace.yaml does not pin pnpm in its catalog');

const stamp = createHash('sha256').update(read(`${root}pnpm-lock.yaml`)).update(workspace).digest('hex');
if (read(stampFile) !== stamp) {
  console.error(`installing the workspace with pnpm ${pnpm} ...`);
  const install = spawnSync(
    'npx',
    ['-y', `pnpm@${pnpm}`, 'install', '--frozen-lockfile', '--reporter=append-only', '--loglevel=warn'],
    {
      cwd: root,
      // stdout stays free for what the command itself prints.
      stdio: ['ignore', 2, 2],
      shell: process.platform === 'win32',
      env: { ...process.env, npm_config_update_notifier: 'false' },
    },
  );
  if (install.status !== 0) process.exit(install.status ?? 1);
  mkdirSync(`${root}node_modules`, { recursive: true });
  writeFileSync(stampFile, stamp);
}
