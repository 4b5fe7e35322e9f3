import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { requireTargetPlugin } from '@ndis-chimney/stack';
import memoryTarget from '@ndis-chimney/target-memory';
import type { OffloadTargetPlugin } from '@ndis-chimney/types';
import { resolve as resolveModule } from 'import-meta-resolve';

/**
 * Loads a target plugin: one of ours by its short name, or the default export of a module. A module is a path, or a
 * package that is installed where the command runs.
 * @throws Error that says what was looked for and why it will not do.
 */
export async function loadTarget(name: string): Promise<OffloadTargetPlugin> {
  if (name === 'memory' || name === 'target-memory') return requireTargetPlugin(memoryTarget, name);
  const url = locate(name);
  const module = (await import(url)) as { readonly default?: unknown };
  return requireTargetPlugin(module.default, name);
}

function locate(name: string): string {
  const path = resolve(name);
  if (existsSync(path)) return pathToFileURL(path).href;
  try {
    return resolveModule(name, pathToFileURL(resolve('index.js')).href);
  } catch {
    throw new Error(`--target ${name}: neither a target of ours (memory), nor a file, nor a package installed here`);
  }
}

/**
 * The options that make a target's peer echo what it gets, which is what this command needs.
 * @throws Error when the plugin's schema offers no such peer.
 */
export function echoOptions(plugin: OffloadTargetPlugin): Record<string, unknown> {
  const properties = plugin.optionsSchema['properties'] as Record<string, { readonly enum?: readonly unknown[] }> | undefined;
  if (properties?.['peer']?.enum?.includes('echo') !== true) {
    throw new Error(`target ${plugin.name} has no peer that echoes (its options lack peer: 'echo'), so nothing would come back to compare`);
  }
  return { peer: 'echo' };
}
