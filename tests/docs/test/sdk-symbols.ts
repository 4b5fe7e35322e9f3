import { join } from 'node:path';

import ts from 'typescript';

import { repositoryRoot } from '../../../tools/workspace.mjs';

/** `NetBufferList.next`, or `binding.offloadTcpSend(netBufferList)` with its receiver's type. */
const SYMBOL = /^(?<head>\w+)(?<path>(?:\.\w+)*)(?:\((?<parameter>\w+)\))?$/;

interface SymbolParts {
  readonly head: string;
  readonly path: readonly string[];
  readonly parameter: string | null;
}

/** The parts of a symbol, or null when it is not one. */
export function partsOf(symbol: string): SymbolParts | null {
  const groups = SYMBOL.exec(symbol)?.groups;
  if (groups?.['head'] === undefined) return null;
  return { head: groups['head'], path: (groups['path'] ?? '').split('.').slice(1), parameter: groups['parameter'] ?? null };
}

/** What the packages export, as the compiler sees their sources. */
export class SdkSymbols {
  private readonly checker: ts.TypeChecker;
  private readonly exports = new Map<string, ReadonlyMap<string, ts.Symbol>>();

  /** @param packageNames folders under `packages`; only what their `src/index.ts` exports is looked at. */
  constructor(packageNames: readonly string[]) {
    const base = join(repositoryRoot, 'tsconfig.base.json');
    const { options, errors } = ts.parseJsonConfigFileContent(
      { extends: base, files: packageNames.map((name) => indexOf(name)), compilerOptions: { composite: false, noEmit: true } },
      ts.sys,
      repositoryRoot,
    );
    if (errors.length > 0) throw new Error(ts.formatDiagnostics(errors, diagnosticsHost));
    const program = ts.createProgram(packageNames.map((name) => indexOf(name)), options);
    this.checker = program.getTypeChecker();
    for (const name of packageNames) {
      const file = program.getSourceFile(indexOf(name));
      const module = file === undefined ? undefined : this.checker.getSymbolAtLocation(file);
      if (module === undefined) throw new Error(`packages/${name}/src/index.ts is not a module`);
      const all = this.checker.getExportsOfModule(module).map((symbol) => [symbol.name, this.resolve(symbol)] as const);
      this.exports.set(name, new Map(all));
    }
  }

  private resolve(symbol: ts.Symbol): ts.Symbol {
    return (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : this.checker.getAliasedSymbol(symbol);
  }

  /** Says why a package has no such symbol; null when it has. */
  problemOf(packageName: string, symbol: string): string | null {
    const found = this.find(packageName, symbol);
    return typeof found === 'string' ? found : null;
  }

  /** The doc comment of a function; null when the symbol is none. */
  functionComment(packageName: string, symbol: string): string | null {
    const found = this.find(packageName, symbol);
    if (typeof found === 'string') return null;
    const type = this.checker.getNonNullableType(this.checker.getTypeOfSymbol(found));
    return type.getCallSignatures().length === 0 ? null : ts.displayPartsToString(found.getDocumentationComment(this.checker));
  }

  /** The declared thing behind a symbol, or what is wrong with the symbol. */
  private find(packageName: string, symbol: string): ts.Symbol | string {
    const parts = partsOf(symbol);
    if (parts === null) return `${symbol} is not the spelling of a symbol`;
    let found = this.exports.get(packageName)?.get(parts.head);
    if (found === undefined) return `${packageName} does not export ${parts.head}`;
    let types = this.typesOf(found);
    for (const segment of parts.path) {
      const member = types.map((type) => this.checker.getPropertyOfType(type, segment)).find((property) => property !== undefined);
      if (member === undefined || isHidden(member)) return `${parts.head} of ${packageName} has no ${segment} (${symbol})`;
      types = [this.checker.getNonNullableType(this.checker.getTypeOfSymbol(member))];
      found = member;
    }
    const { parameter } = parts;
    if (parameter === null) return found;
    const declared = types.flatMap((type) => type.getCallSignatures()).flatMap((signature) => signature.parameters);
    return declared.find(({ name }) => name === parameter) ?? `no parameter ${parameter} (${symbol})`;
  }

  /** A class or an interface has members by its own type, an object of constants by the type of its value. */
  private typesOf(symbol: ts.Symbol): ts.Type[] {
    const types: ts.Type[] = [];
    if ((symbol.flags & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0) types.push(this.checker.getDeclaredTypeOfSymbol(symbol));
    if ((symbol.flags & ts.SymbolFlags.Value) !== 0) types.push(this.checker.getTypeOfSymbol(symbol));
    else if ((symbol.flags & ts.SymbolFlags.TypeAlias) !== 0) types.push(this.checker.getDeclaredTypeOfSymbol(symbol));
    return types;
  }

  /** True when the type may lack the member (`handler?()`). */
  isOptional(packageName: string, typeName: string, member: string): boolean {
    const exported = this.exports.get(packageName)?.get(typeName);
    if (exported === undefined) return false;
    return this.typesOf(exported).some((type) => {
      const found = this.checker.getPropertyOfType(type, member);
      return found !== undefined && (found.flags & ts.SymbolFlags.Optional) !== 0;
    });
  }

  /** True when the export exists at run time. */
  isValue(packageName: string, name: string): boolean {
    const exported = this.exports.get(packageName)?.get(name);
    return exported !== undefined && (exported.flags & ts.SymbolFlags.Value) !== 0;
  }
}

const indexOf = (packageName: string): string => join(repositoryRoot, 'packages', packageName, 'src/index.ts').replaceAll('\\', '/');

const diagnosticsHost: ts.FormatDiagnosticsHost = {
  getCanonicalFileName: (file) => file,
  getCurrentDirectory: () => repositoryRoot,
  getNewLine: () => '\n',
};

const isHidden = (symbol: ts.Symbol): boolean =>
  (symbol.declarations ?? []).some(
    (declaration) => (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.NonPublicAccessibilityModifier) !== 0,
  );
