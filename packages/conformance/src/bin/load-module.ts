import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { resolve as resolveModule } from 'import-meta-resolve';

import { ModuleError } from './arguments.ts';

/**
 * Loads a module: a path, or a package that is installed where the command runs.
 * @throws ModuleError that says what was looked for, or what it threw.
 */
export async function loadModule(name: string): Promise<object> {
  const url = locate(name);
  try {
    return (await import(url)) as object;
  } catch (error) {
    throw new ModuleError(`${name} cannot be loaded: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

function locate(name: string): string {
  const path = resolve(name);
  // A folder is no module; one of the same name as a package does not hide it.
  if (existsSync(path) && statSync(path).isFile()) return pathToFileURL(path).href;
  try {
    return resolveModule(name, pathToFileURL(resolve('index.js')).href);
  } catch (error) {
    throw new ModuleError(`${name}: neither a file nor a package installed here (${error instanceof Error ? error.message : String(error)})`);
  }
}
