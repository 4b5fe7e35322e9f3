import type { JsonSchema } from '@ndis-chimney/types';

/** One option of a target, in the words of JSON Schema. */
export interface OptionSchema {
  readonly type: 'string' | 'integer' | 'number' | 'boolean';
  /** One sentence. */
  readonly description: string;
  readonly default: string | number | boolean;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
}

/** The options of a target, by name. */
export type OptionSchemas<Options> = Record<keyof Options, OptionSchema>;

/** JSON Schema (draft 2020-12) of a target's options, for `OffloadTargetPlugin.optionsSchema`. */
export function optionsSchemaOf(title: string, properties: Readonly<Record<string, OptionSchema>>): JsonSchema {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, type: 'object', additionalProperties: false, properties };
}

/**
 * Fills in the defaults. @param who whose options they are, for the message.
 * @throws TypeError that names an option that does not exist or whose value is not allowed.
 */
export function resolveOptions<Options extends object>(who: string, options: Options, schemas: OptionSchemas<Options>): Required<Options> {
  const given = options as unknown as Readonly<Record<string, unknown>> | null;
  if (typeof given !== 'object' || given === null) throw new TypeError(`${who}: options is ${show(given)}, not an object`);
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(schemas, key)) throw new TypeError(`${who}: there is no option ${key} (there are ${Object.keys(schemas).join(', ')})`);
  }
  const resolved: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries<OptionSchema>(schemas)) {
    const value = given[key] === undefined ? schema.default : given[key];
    const expected = whatIsExpected(schema, value);
    if (expected !== '') throw new TypeError(`${who}: option ${key} is ${expected}, not ${show(value)}`);
    resolved[key] = value;
  }
  return resolved as Required<Options>;
}

/** What a value should have been, or nothing when it is. */
function whatIsExpected(schema: OptionSchema, value: unknown): string {
  if (schema.enum !== undefined) return schema.enum.includes(value as string) ? '' : `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'string') return typeof value === 'string' && value.length >= (schema.minLength ?? 0) ? '' : 'a text that is not empty';
  if (schema.type === 'boolean') return typeof value === 'boolean' ? '' : 'true or false';
  const { minimum = 0, maximum = Infinity } = schema;
  const isOfKind = schema.type === 'integer' ? Number.isInteger(value) : Number.isFinite(value);
  if (isOfKind && (value as number) >= minimum && (value as number) <= maximum) return '';
  return `a ${schema.type === 'integer' ? 'whole ' : ''}number from ${minimum} to ${maximum}`;
}

/** A value in a message. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
