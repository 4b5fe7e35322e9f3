import { Dispatcher } from '@ndis-chimney/core';

import { createNbls } from './bench-drivers.ts';
import { figureOf, median, medianOf, ratioOf, type Case, type CaseFactory, type Samples } from './harness.ts';
import { ReferenceNbl, createReferenceChain } from './reference-chain.ts';
import { RxChain } from './rx-chain.ts';
import { createSendStack } from './send-stack.ts';
import type { Suite } from './suite.ts';

const INTERMEDIATES = 3;
const LIST_LENGTHS = [1, 8, 64] as const;
/** NBLs in flight. */
const BURST = 256;

interface Burstable<Nbl> {
  burst(nbls: readonly Nbl[], listLength: number): Promise<void>;
}

function bursts<Nbl>(host: Burstable<Nbl>, nbls: readonly Nbl[], listLength: number): Case {
  return {
    itemsPerBurst: nbls.length,
    async run(count) {
      for (let i = 0; i < count; i++) await host.burst(nbls, listLength);
    },
  };
}

const referenceNbls = (): ReferenceNbl[] => Array.from({ length: BURST }, () => new ReferenceNbl());

function observed(listLength: number): Case {
  const ndis = new Dispatcher();
  const { host } = createSendStack(INTERMEDIATES, ndis);
  let seen = 0;
  ndis.ddi$.subscribe((event) => {
    seen += event.count;
  });
  const one = bursts(host, createNbls(BURST), listLength);
  return {
    ...one,
    async run(count) {
      const before = seen;
      await one.run(count);
      // Four edges down, four up.
      if (seen - before !== count * BURST * 8) throw new Error(`the subscriber saw ${seen - before} of ${count * BURST * 8}`);
    },
  };
}

const cases = new Map<string, CaseFactory>();
for (const length of LIST_LENGTHS) {
  cases.set(`reference.list${length}`, () => bursts(createReferenceChain(), referenceNbls(), length));
  cases.set(`send3.list${length}`, () => bursts(createSendStack(INTERMEDIATES).host, createNbls(BURST), length));
}
cases.set('rx.single', () => bursts(new RxChain(), referenceNbls(), 1));
cases.set('observer.list64', () => observed(64));

interface SendFigures {
  readonly ratio: number;
  readonly bytesPerNbl: number;
  readonly bytesPerBurst: number;
}

function sendFigures(samples: Samples, length: number): SendFigures {
  const send = `send3.list${length}`;
  const reference = `reference.list${length}`;
  const excess = (figure: 'bytesPerItem' | 'bytesPerBurst'): number => {
    const ours = samples.get(send) ?? [];
    const theirs = samples.get(reference) ?? [];
    return median(ours.map((sample, round) => figureOf(sample, figure) - figureOf(theirs[round], figure)));
  };
  return { ratio: ratioOf(samples, send, reference), bytesPerNbl: excess('bytesPerItem'), bytesPerBurst: excess('bytesPerBurst') };
}

/** `dispatch`: a send and its coalesced completion through core and three pass-through drivers. */
export const dispatchSuite: Suite = {
  name: 'dispatch',
  cases,
  report(samples) {
    const list1 = sendFigures(samples, 1);
    const list8 = sendFigures(samples, 8);
    const list64 = sendFigures(samples, 64);
    const speedup = 1 / ratioOf(samples, 'send3.list8', 'rx.single');
    const observer = ratioOf(samples, 'observer.list64', 'send3.list64');
    const row = (what: string, value: number, digits: number, bar: string, holds: boolean): string[] => [what, value.toFixed(digits), bar, holds ? 'holds' : 'MISSED'];
    const sends = [
      { length: 1, figures: list1 },
      { length: 8, figures: list8 },
      { length: 64, figures: list64 },
    ];
    return {
      figures: { send3: { list1, list8, list64 }, rx: { list8: { speedup } }, observer: { list64: { ratio: observer } } },
      header: ['dispatch', 'figure', 'bar', ''],
      rows: [
        ...sends.flatMap(({ length, figures }) => [
          row(`send3 list${length}: times the reference chain`, figures.ratio, 2, '<= 1.4', figures.ratio <= 1.4),
          row(`send3 list${length}: excess garbage, B per NBL`, figures.bytesPerNbl, 2, '<= 0.1', figures.bytesPerNbl <= 0.1),
          row(`send3 list${length}: excess garbage, B per burst`, figures.bytesPerBurst, 0, '<= 1024', figures.bytesPerBurst <= 1024),
        ]),
        row('send3 list8: times faster than a Subject per hop', speedup, 1, '>= 7', speedup >= 7),
        row('one ddi$ subscriber, list64: times unobserved', observer, 2, '<= 1.3', observer <= 1.3),
        ...[...cases.keys()].map((name) => [name, `${medianOf(samples, name, 'ns').toFixed(1)} ns`, '', '']),
      ],
    };
  },
};
