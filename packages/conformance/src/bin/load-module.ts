import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

import { moduleResolve } from 'import-meta-resolve';

import { ModuleError } from './arguments.ts';

/**
 * Loads a module: a path, or a package that is installed where the command runs.
 * @throws ModuleError that says what was looked for, or what it threw.
 */
export async function loadModule(name: string): Promise<object> {
  const url = locate(name);
  try {
    const module = (await import(url)) as object;
    // What nobody waits for in it goes wrong now, not during a case.
    await setImmediate();
    return module;
  } catch (error) {
    throw new ModuleError(`${name} cannot be loaded: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

function locate(name: string): string {
  const path = resolve(name);
  // A folder is no module; one of the same name as a package does not hide it.
  if (existsSync(path) && statSync(path).isFile()) return pathToFileURL(path).href;
  try {
    return moduleResolve(name, pathToFileURL(resolve('index.js')), new Set(['node', 'import', ...conditionsOf(process.execArgv)])).href;
  } catch (error) {
    throw new ModuleError(`${name}: neither a file nor a package installed here (${error instanceof Error ? error.message : String(error)})`);
  }
}

/** The export conditions that Node was started with, so that a package is the one that an import would give. */
export function conditionsOf(nodeArguments: readonly string[]): string[] {
  return nodeArguments.flatMap((argument, index) => {
    const [name = '', value] = argument.split('=', 2);
    if (name !== '--conditions' && name !== '-C') return [];
    return [value ?? nodeArguments[index + 1] ?? []].flat();
  });
}
