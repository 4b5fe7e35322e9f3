import { Validator } from '@cfworker/json-schema';

import { FAULTS } from './catalogue.ts';
import type { FaultEdge } from './fault.ts';
import { FREQUENCIES, faultPlanSchema } from './plan-schema.ts';
import type { FaultPlan, PlannedFault } from './plan.ts';

/** Keywords whose errors only say that something deeper is wrong, or that are told in better words. */
const NOT_TOLD = new Set(['properties', 'items', 'allOf', 'if', 'else', 'dependentSchemas', 'false', 'additionalProperties']);

/**
 * Makes sure that a value, out of a JSON file say, is a fault plan.
 * @param edge whose plan it is; then the faults must be such that can happen there. Default: anybody's.
 * @returns the value. @throws TypeError that says which fault, which member, and what is allowed.
 */
export function parseFaultPlan(value: unknown, edge?: FaultEdge): FaultPlan {
  if (!isRecord(value)) throw new TypeError(`fault plan: it is ${show(value)}, not an object with a list of faults`);
  if (!Array.isArray(value['faults'])) throw new TypeError(`fault plan: faults is ${show(value['faults'])}, not a list`);
  requireMembers('fault plan', value, membersOf(faultPlanSchema));
  const takenBy = new Map<string, number>();
  value['faults'].forEach((fault: unknown, at) => {
    checkFault(fault, at, takenBy, edge);
  });
  checkSchema(value);
  return value as unknown as FaultPlan;
}

function checkFault(value: unknown, at: number, takenBy: Map<string, number>, edge: FaultEdge | undefined): void {
  if (!isRecord(value)) throw new TypeError(`fault plan: faults[${at}] is ${show(value)}, not an object`);
  const planned = value as unknown as PlannedFault;
  const fault = Object.hasOwn(FAULTS, planned.fault) ? FAULTS[planned.fault] : undefined;
  if (fault === undefined) throw new TypeError(`fault plan: faults[${at}]: there is no fault ${show(planned.fault)} (there are ${Object.keys(FAULTS).join(', ')})`);
  const who = `fault plan: faults[${at}] (${fault.id})`;
  const schema = (faultPlanSchema['properties'] as Schemas)['faults']?.['items'] as Schema;
  requireMembers(who, value, membersOf(schema));
  for (const member of ['window', 'where'] as const) {
    const part: unknown = value[member];
    if (isRecord(part)) requireMembers(`${who}: ${member}`, part, membersOf((schema['properties'] as Schemas)[member] as Schema));
  }
  if (isRecord(planned.parameters)) requireMembers(`${who}: parameters`, planned.parameters, Object.keys(fault.parameters));
  if (edge !== undefined && !fault.edges.includes(edge)) throw new TypeError(`${who}: it cannot happen at ${edge === 'intermediate' ? 'an intermediate driver' : `a ${edge}`}, only at: ${fault.edges.join(', ')}`);
  const frequencies = FREQUENCIES.filter((member) => planned[member] !== undefined);
  if (frequencies.length > 1) throw new TypeError(`${who}: it has ${frequencies.join(' and ')}; one of them at most is allowed`);
  const { fromMs = 0, toMs = Infinity } = planned.window ?? {};
  if (fromMs >= toMs) throw new TypeError(`${who}: window: it ends at ${toMs} ms, and begins at ${fromMs} ms`);
  const operation = (planned.where as { readonly operation?: unknown } | undefined)?.operation;
  if (operation !== undefined && !fault.operations.includes(operation as string)) throw new TypeError(`${who}: where.operation is ${show(operation)}; allowed: ${fault.operations.join(', ')}`);
  const id: unknown = planned.id ?? planned.fault;
  if (typeof id !== 'string') throw new TypeError(`${who}: id is ${show(id)}, not a text`);
  const first = takenBy.get(id);
  if (first !== undefined) throw new TypeError(`${who}: its id ${id} is that of faults[${first}] already; give one of them another id`);
  takenBy.set(id, at);
}

function checkSchema(plan: Record<string, unknown>): void {
  const { valid, errors } = new Validator(faultPlanSchema, '2020-12', false).validate(plan);
  if (valid) return;
  const details = errors.filter(({ keyword }) => !NOT_TOLD.has(keyword)).map(({ instanceLocation, error }) => `${placeOf(instanceLocation, plan)}: ${error}`);
  throw new TypeError(`fault plan: ${details.join('; ')}`);
}

/** `#/faults/2/probability` as `faults[2] (A1): probability`. */
function placeOf(pointer: string, plan: Record<string, unknown>): string {
  const found = /^#\/faults\/(\d+)(?:\/(.*))?$/.exec(pointer);
  if (found === null) return pointer.replace(/^#\/?/, '').replaceAll('/', '.') || 'the plan';
  const at = Number(found[1]);
  const { fault } = (plan['faults'] as readonly PlannedFault[])[at] as PlannedFault;
  return `faults[${at}] (${fault})${found[2] === undefined ? '' : `: ${found[2].replaceAll('/', '.')}`}`;
}

type Schema = Readonly<Record<string, unknown>>;
type Schemas = Readonly<Record<string, Schema | undefined>>;

function membersOf(schema: Schema): string[] {
  return Object.keys(schema['properties'] as object);
}

function requireMembers(who: string, value: object, allowed: readonly string[]): void {
  for (const member of Object.keys(value)) {
    if (!allowed.includes(member)) throw new TypeError(`${who}: there is no member ${member} (${allowed.length === 0 ? 'it takes none' : `allowed: ${allowed.join(', ')}`})`);
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
