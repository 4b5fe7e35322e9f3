import { renameSync, writeFileSync } from 'node:fs';

/**
 * Writes a file that others may be reading, or writing with the same content: whoever opens it finds it whole.
 * @param {string} path
 * @param {string | Uint8Array} content
 */
export function writeWhole(path, content) {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content);
  renameSync(draft, path);
}
