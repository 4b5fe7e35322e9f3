import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from '../../../tools/workspace.mjs';

/** Every test file of the packages, the applications and the private test workspaces. */
export function testFiles(): string[] {
  const files: string[] = [];
  for (const kind of ['packages', 'apps', 'tests']) {
    for (const workspace of readdirSync(join(repositoryRoot, kind))) collect(join(repositoryRoot, kind, workspace), files);
  }
  return files;
}

function collect(folder: string, files: string[]): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === 'node_modules' || entry.name === 'dist') continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) collect(path, files);
    else if (entry.name.endsWith('.test.ts')) files.push(path);
  }
}
