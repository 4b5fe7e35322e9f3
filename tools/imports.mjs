// Finds the import specifiers of a source text without a parser, so that checks built on it run before any install.

/** Comments go, template literals lose their text, other strings stay; line breaks stay, for line numbers. */
const SKIPPED = /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[^]|[^`\\])*`/g;

/** `import … from` and `export … from`: at the start of a statement, only names between keyword and `from`. */
const FROM = /(?<=^|[;}\n])[ \t]*(?:import|export)\b(\s+type\b)?[\w$*{},\s]*?\bfrom\s*(['"])([^'"\n]+)\2/g;
const SIDE_EFFECT = /(?<=^|[;}\n])[ \t]*import\s*()(['"])([^'"\n]+)\2/g;
const CALL = /(?<![.\w$])(?:import|require)\s*\(\s*()(['"])([^'"\n]+)\2/g;

/**
 * @typedef {object} Import
 * @property {string} specifier
 * @property {boolean} typeOnly true for `import type` and `export type`; `import { type X }` still loads the module
 * @property {number} line counted from 1
 */

/**
 * @param {string} text TypeScript or JavaScript
 * @returns {Import[]} in order of appearance
 */
export function importsOf(text) {
  const code = text.replace(SKIPPED, (match) => {
    if (match.startsWith('/')) return match.replace(/[^\n]/g, ' ');
    return match.startsWith('`') ? match.replace(/[^`\n]/g, ' ') : match;
  });
  return [FROM, SIDE_EFFECT, CALL]
    .flatMap((pattern) => [...code.matchAll(pattern)])
    .sort((a, b) => a.index - b.index)
    .map((match) => ({
      specifier: match[3] ?? '',
      typeOnly: Boolean(match[1]),
      line: code.slice(0, match.index + match[0].length).split('\n').length,
    }));
}
