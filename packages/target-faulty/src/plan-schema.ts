import type { JsonSchema } from '@ndis-chimney/types';

import { FAULTS } from './catalogue.ts';
import type { FaultDescription } from './fault.ts';

const count = (description: string): JsonSchema => ({ type: 'integer', minimum: 1, description });
const port = (description: string): JsonSchema => ({ type: 'integer', minimum: 0, maximum: 65_535, description });
const milliseconds = (description: string): JsonSchema => ({ type: 'number', minimum: 0, description });

/** The members of a planned fault that say how often it strikes: one of them at most. */
export const FREQUENCIES = ['probability', 'nth', 'every', 'next'] as const;

const plannedFault: JsonSchema = {
  type: 'object',
  description: 'One fault. It strikes at every occasion unless probability, nth, every or next (one of them at most) says otherwise.',
  required: ['fault'],
  additionalProperties: false,
  properties: {
    fault: { enum: Object.keys(FAULTS), description: 'Which fault.' },
    id: { type: 'string', minLength: 1, description: 'Names it within the plan, and its random stream. Default: the fault\'s own id.' },
    probability: { type: 'number', minimum: 0, maximum: 1, description: 'How likely it strikes at an occasion.' },
    nth: count('Strikes at the n-th occasion only, counted from 1.'),
    every: count('Strikes at every n-th occasion.'),
    next: count('Strikes at the next n occasions only.'),
    window: {
      type: 'object',
      description: 'Milliseconds since the faults began.',
      additionalProperties: false,
      properties: { fromMs: milliseconds('From then on. Default 0.'), toMs: milliseconds('Up to then, without it. Default: for ever.') },
    },
    where: {
      type: 'object',
      description: 'Which occasions: every member given must hold.',
      additionalProperties: false,
      properties: {
        hostPort: port('The connection\'s port at the host\'s end.'),
        peerPort: port('The connection\'s port at the peer\'s end.'),
        adapter: { type: 'string', minLength: 1, description: 'Name of the adapter.' },
        operation: { enum: [...new Set(Object.values(FAULTS).flatMap(({ operations }) => operations))].sort(), description: 'One of the fault\'s operations.' },
        oid: { type: 'integer', minimum: 0, maximum: 0xFFFF_FFFF, description: 'The OID of a request.' },
      },
    },
    limit: { type: 'integer', minimum: 0, description: 'Most times it strikes.' },
    parameters: { type: 'object', description: 'What the fault can be told.' },
  },
  dependentSchemas: Object.fromEntries(
    FREQUENCIES.map((one) => [one, { properties: Object.fromEntries(FREQUENCIES.filter((other) => other !== one).map((other) => [other, false])) }]),
  ),
  allOf: Object.values(FAULTS).map((fault) => ({
    // With "else", because what has a member "then" is taken for a promise.
    if: { properties: { fault: { not: { const: fault.id } } } },
    else: { title: fault.title, properties: { where: { properties: { operation: { enum: fault.operations } } }, parameters: parametersOf(fault) } },
  })),
};

function parametersOf(fault: FaultDescription): JsonSchema {
  return { additionalProperties: false, properties: fault.parameters };
}

/** JSON Schema (draft 2020-12) of a `FaultPlan`; the package has it as `fault-plan.schema.json`, too. */
export const faultPlanSchema: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Fault plan of @ndis-chimney/target-faulty',
  type: 'object',
  required: ['faults'],
  additionalProperties: false,
  properties: {
    $schema: { type: 'string', description: 'For editors.' },
    id: { type: 'string', minLength: 1, description: 'Names the plan in events.', default: 'plan' },
    seed: { type: ['string', 'integer'], description: 'What chance is made from. Default: drawn, and told in every event.' },
    faults: { type: 'array', items: plannedFault, description: 'The faults.' },
  },
};
