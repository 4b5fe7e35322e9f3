import { Validator } from '@cfworker/json-schema';
import { OFFLOAD_TARGET_API_VERSION, type MiniportDriver, type OffloadTargetEnvironment, type OffloadTargetPlugin } from '@ndis-chimney/types';

/**
 * Makes sure that something is an offload-target plugin this stack can use: what a module exports by default.
 * @param origin names it in errors: the module's name.
 * @throws TypeError that says what is missing or does not fit.
 */
export function requireTargetPlugin(value: unknown, origin: string): OffloadTargetPlugin {
  if (value === undefined) throw new TypeError(`${origin} is not an offload-target plugin: it has no default export`);
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${origin} is not an offload-target plugin: its default export is ${value === null ? 'null' : `a ${typeof value}`}, not an object`);
  }
  const plugin = value as Partial<OffloadTargetPlugin>;
  const missing: string[] = [];
  if (typeof plugin.name !== 'string' || plugin.name === '') missing.push('name (a string)');
  if (typeof plugin.apiVersion !== 'number') missing.push('apiVersion (a number)');
  if (typeof plugin.optionsSchema !== 'object' || plugin.optionsSchema === null) missing.push('optionsSchema (a JSON Schema object)');
  if (typeof plugin.create !== 'function') missing.push('create (a function)');
  if (missing.length > 0) throw new TypeError(`${origin} is not an offload-target plugin: it lacks ${missing.join(', ')}`);
  if (plugin.apiVersion !== OFFLOAD_TARGET_API_VERSION) {
    throw new TypeError(`${origin} was written for version ${plugin.apiVersion} of the plugin contract; this stack has version ${OFFLOAD_TARGET_API_VERSION}`);
  }
  return plugin as OffloadTargetPlugin;
}

/**
 * Checks options of a target against its plugin's schema.
 * @throws TypeError that names the plugin, the option and what is wrong with it.
 */
export function checkTargetOptions({ name, optionsSchema }: Pick<OffloadTargetPlugin, 'name' | 'optionsSchema'>, options: object): void {
  const { valid, errors } = new Validator(optionsSchema, '2020-12', false).validate(options);
  if (valid) return;
  // The first errors only say that something deeper is wrong.
  const details = errors.filter(({ keyword }) => keyword !== 'properties').map(({ instanceLocation, error }) => `${instanceLocation.replace('#', 'options')}: ${error}`);
  throw new TypeError(`target ${name}: ${details.join('; ')}`);
}

/**
 * Makes the target of a plugin, options checked against its schema first.
 * @throws TypeError that names the plugin, the option and what is wrong with it.
 */
export function createTarget<Options extends object, Target extends MiniportDriver<never>>(
  plugin: OffloadTargetPlugin<Options, Target>,
  environment: OffloadTargetEnvironment,
  options: Options,
): Target {
  checkTargetOptions(plugin, options);
  return plugin.create(environment, options);
}
