import { Ndis } from '@ndis-chimney/core';
import { attachVerifier, formatFinding, type VerifyLevel } from '@ndis-chimney/verifier';

import { createNbls } from './bench-drivers.ts';
import { FULL, QUICK, COMPACTED, medianOf, ratioOf, type Case, type CaseFactory } from './harness.ts';
import { ReferenceNbl, createReferenceChain } from './reference-chain.ts';
import { createSendStack } from './send-stack.ts';
import type { Suite } from './suite.ts';

const INTERMEDIATES = 3;
const LIST_LENGTHS = [1, 8, 64] as const;
/** NBLs in flight. */
const BURST = 256;

/** A bar per list length would be another promise: the level of the last owner has one for all of them. */
const LAST_OWNER_BAR = 6;
const DETACHED_BAR = 1.05;

function bursts(host: { burst(nbls: never, listLength: number): Promise<void> }, nbls: readonly unknown[], listLength: number): Case {
  return {
    itemsPerBurst: nbls.length,
    async run(count) {
      for (let i = 0; i < count; i++) await host.burst(nbls as never, listLength);
    },
  };
}

function verified(level: VerifyLevel, listLength: number, inFlight: number = BURST): Case {
  const ndis = new Ndis();
  const verifier = attachVerifier(ndis, { level });
  const one = bursts(createSendStack(INTERMEDIATES, ndis).host, createNbls(inFlight), listLength);
  // The bench drivers offload their one connection the shortest way, which is not the right one.
  const atFirst = verifier.findings.length;
  return {
    ...one,
    async run(count) {
      await one.run(count);
      const found = verifier.findings.slice(atFirst).map(formatFinding);
      if (found.length > 0) throw new Error(`the verifier found ${found.length} things wrong: ${found.slice(0, 3).join('; ')}`);
    },
  };
}

/** A stack that was verified once, while it sent a burst, and is not any more. */
function detached(listLength: number): Case {
  const ndis = new Ndis();
  const verifier = attachVerifier(ndis);
  const { host } = createSendStack(INTERMEDIATES, ndis);
  const nbls = createNbls(BURST);
  const one = bursts(host, nbls, listLength);
  let isDetached = false;
  return {
    ...one,
    async run(count) {
      if (!isDetached) {
        await one.run(1);
        verifier.detach();
        isDetached = true;
      }
      await one.run(count);
    },
  };
}

const cases = new Map<string, CaseFactory>();
for (const length of LIST_LENGTHS) {
  cases.set(`verifier.reference.list${length}`, () => bursts(createReferenceChain(), Array.from({ length: BURST }, () => new ReferenceNbl()), length));
  cases.set(`verifier.never.list${length}`, () => bursts(createSendStack(INTERMEDIATES).host, createNbls(BURST), length));
  cases.set(`verifier.detached.list${length}`, () => detached(length));
  cases.set(`verifier.lastOwner.list${length}`, () => verified('lastOwner', length));
}
cases.set('verifier.history.list64', () => verified('history', 64));
// A stack per hop takes so long that bursts have to be small.
cases.set('verifier.stacks.list8', () => verified('stacks', 8, 8));

/** `verifier`: what it costs to be watched, through core and three pass-through drivers. */
export const verifierSuite: Suite = {
  name: 'verifier',
  cases,
  // Fourteen cases, a process each: the quick effort takes the fewest rounds that have a median worth the name.
  efforts: { full: FULL, quick: { ...QUICK, rounds: 5 } },
  // What a verifier keeps, and what it leaves behind, lies between the NBLs' contexts.
  flagsOf: () => COMPACTED,
  report(samples) {
    const figures: Record<string, object> = {};
    const rows: string[][] = [];
    const row = (what: string, value: number, bar: number | null): void => {
      rows.push([what, value.toFixed(2), bar === null ? '' : `<= ${bar}`, bar === null ? '' : value <= bar ? 'holds' : 'MISSED']);
    };
    for (const length of LIST_LENGTHS) {
      const lastOwner = ratioOf(samples, `verifier.lastOwner.list${length}`, `verifier.reference.list${length}`);
      const after = ratioOf(samples, `verifier.detached.list${length}`, `verifier.never.list${length}`);
      figures[`list${length}`] = { lastOwner, detached: after };
      row(`last owner, list${length}: times the reference chain`, lastOwner, LAST_OWNER_BAR);
      row(`attached and detached, list${length}: times never attached`, after, DETACHED_BAR);
    }
    for (const [level, length] of [
      ['history', 64],
      ['stacks', 8],
    ] as const) {
      const ratio = ratioOf(samples, `verifier.${level}.list${length}`, `verifier.reference.list${length}`);
      figures[level] = { [`list${length}`]: ratio };
      row(`${level}, list${length}: times the reference chain`, ratio, null);
    }
    rows.push(...[...cases.keys()].map((name) => [name, `${medianOf(samples, name, 'ns').toFixed(1)} ns`, '', '']));
    return { figures, header: ['verifier', 'figure', 'bar', ''], rows };
  },
};
