import { requireTargetPlugin } from '@ndis-chimney/offload-target';

import type { ConformanceCase } from '../case.ts';
import { intermediateConformance } from '../intermediate-conformance.ts';
import { offloadTargetConformance } from '../offload-target-conformance.ts';
import type { IntermediateConformanceOptions, IntermediateFactory, OffloadTargetConformanceOptions } from '../subject.ts';
import { pluginSubject, requireIntermediateAbilities, type ConformanceAbilitiesExport, type PluginOptions } from './conformance-abilities.ts';

/** What a run of a module's cases is told. */
export interface ModuleSettings {
  /** Options of the target, above those the module asks for. */
  readonly options?: PluginOptions;
  /** Order of DPCs and what the subject draws. */
  readonly seed?: string | number;
  /** Intermediate drivers to try a target behind, from the host down. */
  readonly intermediates?: readonly IntermediateFactory[];
  /** So many intermediate drivers of the module one above the other. */
  readonly drivers?: number;
}

/** A module's subject with the cases for it. */
export interface ModuleSubject {
  /** For reports: the plugin's name, or the module's. */
  readonly name: string;
  readonly cases: readonly ConformanceCase[];
}

/** What a module's export `conformance` may be: cases, options for targets, or what makes one of them. */
export type ConformanceExport =
  | readonly ConformanceCase[]
  | OffloadTargetConformanceOptions
  | ((settings: ModuleSettings) => readonly ConformanceCase[] | OffloadTargetConformanceOptions | Promise<readonly ConformanceCase[] | OffloadTargetConformanceOptions>);

/**
 * The cases for what a module brings. The first of these decides:
 *
 * 1. its export `conformance`: a list of cases, the options of `offloadTargetConformance`, or a function of the settings
 *    that returns (a promise of) either;
 * 2. its default export, an `OffloadTargetPlugin`, with the abilities of its export `conformanceAbilities`;
 * 3. its export `createIntermediate`, the `create` of `intermediateConformance`, with `conformanceAbilities` as the rest of
 *    its options.
 *
 * @param module the module's namespace object. @param origin names it in errors.
 * @throws TypeError that says why there are none, or which setting the module cannot use.
 */
export async function casesOfModule(module: object, origin: string, settings: ModuleSettings = {}): Promise<ModuleSubject> {
  const exported = module as { readonly conformance?: unknown; readonly conformanceAbilities?: unknown; readonly createIntermediate?: unknown; readonly default?: unknown };
  if (exported.conformance !== undefined) return casesOfExport(exported.conformance, origin, settings);
  if (exported.default === undefined) {
    if (exported.createIntermediate !== undefined) {
      return { name: origin, cases: intermediateCasesOf(exported.createIntermediate, exported.conformanceAbilities, origin, settings) };
    }
    throw new TypeError(`${origin} brings nothing to prove: it has neither an offload-target plugin as default export nor an export named conformance or createIntermediate`);
  }
  const plugin = requireTargetPlugin(exported.default, origin);
  const abilities = exported.conformanceAbilities as ConformanceAbilitiesExport | undefined;
  return { name: plugin.name, cases: targetCasesOf(pluginSubject(plugin, abilities, settings.options), origin, settings) };
}

async function casesOfExport(exported: unknown, origin: string, settings: ModuleSettings): Promise<ModuleSubject> {
  if (typeof exported === 'function') {
    const made: unknown = await (exported as (settings: ModuleSettings) => unknown)(settings);
    return { name: origin, cases: casesOf(made, `${origin}: what conformance() returns`, settings) };
  }
  // What is not a function was made before anybody could tell it anything.
  if (settings.options !== undefined) throw new TypeError(`${origin}: options are for plugins and for a conformance export that is a function; this one is none`);
  if (Array.isArray(exported)) {
    if (settings.seed !== undefined) throw new TypeError(`${origin}: its conformance export is a list of cases, which have their seed already`);
    if (settings.drivers !== undefined) throw new TypeError(`${origin}: its conformance export is a list of cases, which have their number of drivers already`);
    if (settings.intermediates !== undefined) throw new TypeError(`${origin}: its conformance export is a list of cases, which have their intermediate drivers already`);
  }
  return { name: origin, cases: casesOf(exported, `${origin}: conformance`, settings) };
}

function casesOf(value: unknown, who: string, settings: ModuleSettings): readonly ConformanceCase[] {
  if (Array.isArray(value)) {
    value.forEach((member, index) => { requireCase(member, `${who}[${index}]`); });
    return value as readonly ConformanceCase[];
  }
  if (typeof value === 'object' && value !== null && typeof (value as Partial<OffloadTargetConformanceOptions>).create === 'function') {
    return targetCasesOf(value as OffloadTargetConformanceOptions, who, settings);
  }
  throw new TypeError(`${who} is neither a list of cases nor options with a function create`);
}

function targetCasesOf(options: OffloadTargetConformanceOptions, who: string, { seed, intermediates, drivers }: ModuleSettings): readonly ConformanceCase[] {
  if (drivers !== undefined) throw new TypeError(`${who}: a number of drivers is for intermediate drivers; this is a target`);
  return offloadTargetConformance({ ...options, ...(seed !== undefined && { seed }), ...(intermediates !== undefined && { intermediates }) });
}

function intermediateCasesOf(create: unknown, abilities: unknown, origin: string, settings: ModuleSettings): readonly ConformanceCase[] {
  const { options, seed, intermediates, drivers } = settings;
  if (typeof create !== 'function') throw new TypeError(`${origin}: createIntermediate is no function`);
  if (options !== undefined) throw new TypeError(`${origin}: options are for plugins and for a conformance export that is a function; this is an intermediate driver`);
  if (intermediates !== undefined) throw new TypeError(`${origin}: it is an intermediate driver, and only a target is tried behind others`);
  return intermediateConformance({
    ...requireIntermediateAbilities(abilities, origin),
    create: create as IntermediateConformanceOptions['create'],
    ...(seed !== undefined && { seed }),
    ...(drivers !== undefined && { drivers }),
  });
}

function requireCase(value: unknown, who: string): void {
  const found = value as Partial<ConformanceCase> | null;
  if (typeof found !== 'object' || found === null) throw new TypeError(`${who} is no conformance case`);
  const lacks = [
    ...(['id', 'title', 'requirement'] as const).filter((member) => typeof found[member] !== 'string'),
    ...(['rules', 'requires', 'missing'] as const).filter((member) => !Array.isArray(found[member])),
    ...(typeof found.run === 'function' ? [] : ['run']),
  ];
  if (lacks.length > 0) throw new TypeError(`${who} is no conformance case: it lacks ${lacks.join(', ')}`);
}
