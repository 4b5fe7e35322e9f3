// Compares the scenario's events on several versions of Node with those that are committed:
//   node tests/faults/on-nodes.mjs 20 22 24
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const expected = readFileSync(at('./test/scenario.txt'), 'utf8');

for (const version of process.argv.slice(2)) {
  const args = ['-y', `node@${version}`, '--import', at('../../tools/ts-register.mjs'), '--conditions=@ndis-chimney/source', at('./test/print-scenario.ts')];
  const { stdout, stderr, status } = spawnSync('npx', args, { encoding: 'utf8' });
  const isEqual = status === 0 && stdout === expected;
  console.log(`Node ${version}: ${isEqual ? 'the same, byte by byte' : 'NOT the same'}`);
  if (!isEqual) {
    console.log(status === 0 ? stdout : stderr);
    process.exitCode = 1;
  }
}
