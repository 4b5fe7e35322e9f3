// Type checks of mutants: what does not compile is no mutant, since nobody could have shipped it.
import { join } from 'node:path';
import ts from 'typescript';

import { repositoryRoot } from '../workspace.mjs';

/** @returns {ts.CompilerOptions} the options that all packages share, for checks of single files */
export function compilerOptions(root = repositoryRoot) {
  const file = join(root, 'tsconfig.base.json');
  const { config, error } = ts.readConfigFile(file, (path) => ts.sys.readFile(path));
  if (error !== undefined) throw new Error(`${file}: ${ts.flattenDiagnosticMessageText(error.messageText, ' ')}`);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  return {
    ...options,
    composite: false,
    incremental: false,
    declaration: false,
    declarationMap: false,
    isolatedDeclarations: false,
    rewriteRelativeImportExtensions: false,
    allowImportingTsExtensions: true,
    noEmit: true,
  };
}

/**
 * Makes a check whether a source file still compiles with another text in its place.
 * @param {readonly string[]} files relative to `root`; only these can be checked
 * @param {string} [root]
 * @returns {(file: string, text: string) => boolean}
 */
export function createTypeCheck(files, root = repositoryRoot) {
  const options = compilerOptions(root);
  const roots = files.map((file) => join(root, file));
  /** @type {{ path: string, text: string } | null} */
  let changed = null;
  let version = 0;
  const service = ts.createLanguageService({
    getScriptFileNames: () => roots,
    getScriptVersion: (path) => (path === changed?.path ? String(version) : '0'),
    getScriptSnapshot: (path) => {
      const text = path === changed?.path ? changed.text : ts.sys.readFile(path);
      return text === undefined ? undefined : ts.ScriptSnapshot.fromString(text);
    },
    getCurrentDirectory: () => root,
    getCompilationSettings: () => options,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (path) => ts.sys.fileExists(path),
    readFile: (path, encoding) => ts.sys.readFile(path, encoding),
    directoryExists: (path) => ts.sys.directoryExists(path),
    getDirectories: (path) => ts.sys.getDirectories(path),
    realpath: (path) => ts.sys.realpath?.(path) ?? path,
  });
  return (file, text) => {
    version++;
    changed = { path: join(root, file), text };
    return service.getSyntacticDiagnostics(changed.path).length === 0 && service.getSemanticDiagnostics(changed.path).length === 0;
  };
}
