// Copied into an empty project by check-packages.mjs and run there by each Node version. Prints one JSON object.
//   node package-probe.mjs import|require <specifier…>   { "<specifier>": ["<exported name>", …] }
//   node package-probe.mjs plugin <specifier…>           { "<specifier>": ["<problem>", …] }
import { createRequire } from 'node:module';

const [mode, ...specifiers] = process.argv.slice(2);
const require = createRequire(import.meta.url);

/** @param {object} module */
const namesOf = (module) =>
  // require() of a module with a default export adds __esModule.
  Object.keys(module).filter((name) => name !== '__esModule').sort();

/** @param {unknown} plugin */
function pluginProblems(plugin) {
  if (typeof plugin !== 'object' || plugin === null) return ['no object as default export'];
  /** @type {Record<string, (value: unknown) => boolean>} */
  const members = {
    name: (value) => typeof value === 'string' && value !== '',
    apiVersion: (value) => typeof value === 'number',
    optionsSchema: (value) => typeof value === 'object' && value !== null,
    create: (value) => typeof value === 'function',
  };
  return Object.entries(members)
    .filter(([name, isValid]) => !isValid(Reflect.get(plugin, name)))
    .map(([name]) => `its ${name} is missing or of the wrong type`);
}

/** @type {Record<string, string[]>} */
const result = {};
for (const specifier of specifiers) {
  if (mode === 'import') result[specifier] = namesOf(await import(specifier));
  else if (mode === 'require') result[specifier] = namesOf(require(specifier));
  else if (mode === 'plugin') result[specifier] = pluginProblems((await import(specifier)).default);
  else throw new Error(`unknown mode ${mode}`);
}
console.log(JSON.stringify(result));
