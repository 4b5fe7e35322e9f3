// Writes the version of the conformance kit into its sources, which compare the versions of their cases with it.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readManifest, repositoryRoot } from './workspace.mjs';

const root = join(repositoryRoot, 'packages/conformance');
const file = join(root, 'src/kit-version.ts');
const before = readFileSync(file, 'utf8');
const line = /^export const KIT_VERSION = '[^']*';$/mu;
if (!line.test(before)) throw new Error(`${file} has no line with KIT_VERSION`);
writeFileSync(file, before.replace(line, `export const KIT_VERSION = '${readManifest(join(root, 'package.json')).version}';`));
