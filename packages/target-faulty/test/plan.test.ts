import { Validator } from '@cfworker/json-schema';
import { FAULTS, faultPlanSchema, parseFaultPlan } from '@ndis-chimney/target-faulty';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

const one = (fault: object): unknown => ({ faults: [fault] });

describe('a plan is refused with the fault, the member and what is allowed', () => {
  test.each<[value: unknown, message: string]>([
    [null, 'fault plan: it is null, not an object with a list of faults'],
    [[], 'fault plan: it is a list, not an object with a list of faults'],
    [{}, 'fault plan: faults is undefined, not a list'],
    [{ faults: [], colour: 1 }, 'fault plan: there is no member colour (allowed: $schema, id, seed, faults)'],
    [{ faults: [], id: '' }, 'fault plan: id: String is too short (0 < 1).'],
    [{ faults: [], seed: 1.5 }, 'fault plan: seed: Instance type "number" is invalid. Expected "string", "integer".'],
    [one([]), 'fault plan: faults[0] is a list, not an object'],
    [{ faults: [{ fault: 'A1' }, { fault: 'constructor' }] }, `fault plan: faults[1]: there is no fault 'constructor' (there are ${Object.keys(FAULTS).join(', ')})`],
    [one({ fault: 'A1', often: 2 }), 'fault plan: faults[0] (A1): there is no member often (allowed: fault, id, probability, nth, every, next, window, where, limit, parameters)'],
    [one({ fault: 'A1', probability: 2 }), 'fault plan: faults[0] (A1): probability: 2 is greater than 1.'],
    [one({ fault: 'A1', nth: 0 }), 'fault plan: faults[0] (A1): nth: 0 is less than 1.'],
    [one({ fault: 'A1', nth: 1, every: 2 }), 'fault plan: faults[0] (A1): it has nth and every; one of them at most is allowed'],
    [one({ fault: 'A1', window: { from: 1 } }), 'fault plan: faults[0] (A1): window: there is no member from (allowed: fromMs, toMs)'],
    [one({ fault: 'A1', window: { fromMs: 5, toMs: 5 } }), 'fault plan: faults[0] (A1): window: it ends at 5 ms, and begins at 5 ms'],
    [one({ fault: 'A1', where: { port: 1 } }), 'fault plan: faults[0] (A1): where: there is no member port (allowed: hostPort, peerPort, adapter, operation, oid)'],
    [one({ fault: 'A11', where: { operation: 'TcpOffloadSend' } }), "fault plan: faults[0] (A11): where.operation is 'TcpOffloadSend'; allowed: Pause"],
    [one({ fault: 'A1', parameters: { delayMs: 1 } }), 'fault plan: faults[0] (A1): parameters: there is no member delayMs (it takes none)'],
    [one({ fault: 'A6', parameters: { mode: 'whole' } }), 'fault plan: faults[0] (A6): parameters.mode: Instance does not match any of ["foreign","partial"].'],
    [one({ fault: 'A4', parameters: { delayMs: '1' } }), 'fault plan: faults[0] (A4): parameters.delayMs: Instance type "string" is invalid. Expected "number".'],
    [{ faults: [{ fault: 'A1' }, { fault: 'A2', id: 'A1' }] }, 'fault plan: faults[1] (A2): its id A1 is that of faults[0] already; give one of them another id'],
  ])('%j', (value, message) => {
    expect(() => parseFaultPlan(value)).toThrow(new TypeError(message));
  });

  test.each(['target', 'intermediate', 'host'] as const)('at a %s: what cannot happen there', (edge) => {
    for (const { id, edges } of Object.values(FAULTS)) {
      const parse = (): unknown => parseFaultPlan(one({ fault: id }), edge);
      if (edges.includes(edge)) expect(parse).not.toThrow();
      else expect(parse).toThrow(`fault plan: faults[0] (${id}): it cannot happen at`);
    }
  });
});

test('every fault can be planned with nothing but its name, and with each of its operations and parameters', () => {
  for (const { id, operations, parameters } of Object.values(FAULTS)) {
    const byDefault = Object.fromEntries(Object.entries(parameters).map(([name, schema]) => [name, schema.default]));
    expect(parseFaultPlan(one({ fault: id, parameters: byDefault }))).toBeDefined();
    for (const operation of operations) expect(parseFaultPlan(one({ fault: id, where: { operation } }))).toBeDefined();
  }
});

test('the schema of the package, a file for editors, is the one that plans are checked with', async () => {
  await expect(`${JSON.stringify(faultPlanSchema, null, 2)}\n`).toMatchFileSnapshot('../fault-plan.schema.json');
});

const rarely = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, value);
const anyFault = fc
  .record({
    fault: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...Object.keys(FAULTS)) }, fc.constant('Z9')),
    id: rarely(fc.constantFrom('', 'one', 'other')),
    probability: rarely(fc.constantFrom(0, 0.5, 1, 1.5)),
    nth: rarely(fc.constantFrom(0, 1, 2.5)),
    every: rarely(fc.constantFrom(1, -1)),
    next: rarely(fc.constant(3)),
    window: rarely(fc.record({ fromMs: rarely(fc.constantFrom(-1, 0, 5)), toMs: rarely(fc.constant(9)) })),
    where: rarely(fc.record({ hostPort: rarely(fc.constantFrom(7, 70_000)), operation: rarely(fc.constantFrom('TcpOffloadSend', 'Pause', 'Timer')) })),
    limit: rarely(fc.constantFrom(0, 4, -1)),
    parameters: rarely(fc.record({ mode: rarely(fc.constantFrom('twice', 'all')), delayMs: rarely(fc.constantFrom(0, -1)) })),
  })
  .map((fault) => JSON.parse(JSON.stringify(fault)) as Record<string, unknown>);

test('a plan is accepted exactly when its schema accepts it and no two faults have one id', () => {
  const validator = new Validator(faultPlanSchema, '2020-12');
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(anyFault, { maxLength: 3 }), (faults) => {
      const ids = faults.map(({ id, fault }) => id ?? fault);
      const isFine = validator.validate({ faults }).valid && new Set(ids).size === ids.length;
      let isAccepted = true;
      try {
        parseFaultPlan({ faults });
      } catch (error) {
        isAccepted = false;
        expect(error).toBeInstanceOf(TypeError);
      }
      expect(isAccepted).toBe(isFine);
      if (isAccepted && faults.length > 0) accepted++;
    }),
    { numRuns: 300 },
  );
  expect(accepted).toBeGreaterThan(10);
});
