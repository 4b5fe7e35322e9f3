// The examples of a README that run: fenced blocks whose info string is `js example`. A fence with the info string
// `text` that follows at once (blank lines aside) is what the example prints.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FENCE = /^```([^\n]*)\n([^]*?)^```[ \t]*$/gm;

/**
 * @typedef {object} Example
 * @property {number} line where the code starts in the README
 * @property {string} code
 * @property {string} [output] expected on stdout
 */

/**
 * @param {string} markdown
 * @returns {Example[]}
 */
export function findExamples(markdown) {
  const text = markdown.replaceAll('\r\n', '\n');
  const fences = [...text.matchAll(FENCE)].map((match) => ({
    info: (match[1] ?? '').trim(),
    body: match[2] ?? '',
    start: match.index,
    end: match.index + match[0].length,
  }));
  return fences.flatMap(({ info, body, start, end }, index) => {
    if (info !== 'js example') return [];
    const next = fences[index + 1];
    const output = next?.info === 'text' && text.slice(end, next.start).trim() === '' ? next.body : undefined;
    return [{ line: text.slice(0, start).split('\n').length + 1, code: body, ...(output !== undefined && { output }) }];
  });
}

/**
 * Runs an example as an ES module in `folder`, from where its imports are resolved.
 * @param {Example} example
 * @param {{ folder: string, label: string, node?: string, nodeArguments?: string[] }} options `label` names the README
 * in messages, `node` is the executable (the running one)
 * @returns {Promise<string | undefined>} what went wrong
 */
export async function runExample({ line, code, output }, options) {
  const { folder, label, node = process.execPath, nodeArguments = [] } = options;
  const file = join(folder, `${label.replaceAll(/[^\w.-]+/g, '-')}-${line}.mjs`);
  mkdirSync(folder, { recursive: true });
  // Empty lines first, so that the line numbers of a stack trace are those of the README.
  writeFileSync(file, '\n'.repeat(line - 1) + code);
  const run = await runNode(node, [...nodeArguments, file], folder);
  if (run.code !== 0) return `${label}:${line}: exit code ${run.code}\n${run.stderr}${run.stdout}`;
  if (output !== undefined && run.stdout.trimEnd() !== output.trimEnd()) {
    return `${label}:${line}: printed\n${run.stdout.trimEnd()}\ninstead of\n${output.trimEnd()}`;
  }
  return undefined;
}

/**
 * @param {string} node
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<{ code: number | null, stdout: string, stderr: string }>} code null: killed after 60 s
 */
export function runNode(node, args, cwd) {
  return new Promise((resolve, reject) => {
    // Task runners set FORCE_COLOR, which would colour even what goes into a pipe.
    const env = { ...process.env };
    delete env['FORCE_COLOR'];
    const child = spawn(node, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout: stdout.replaceAll('\r\n', '\n'), stderr });
    });
  });
}
