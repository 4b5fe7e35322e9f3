import { medianOf, ratioOf, youngGeneration, type CaseFactory, type Samples } from './harness.ts';
import { bulkCase, treeCase } from './state-bulk.ts';
import { chimneyHostCase, handlesCase } from './state-memory.ts';
import type { Report, Suite } from './suite.ts';

const EDGES = [1, 3] as const;
const FEW = 1000;
const MANY = 100_000;
/** Connections that are offloaded and idle while the heap is measured. */
const IDLE = 20_000;

const cases = new Map<string, CaseFactory>();
for (const connections of [FEW, MANY]) {
  cases.set(`state.tree.${connections}`, () => treeCase(connections));
  for (const edges of EDGES) cases.set(`state.bulk${edges}.${connections}`, () => bulkCase(edges, connections));
}
/** The same once more with nothing collected while the clock runs: before, and in a young generation with room for all. */
const ROOMY = '.roomy';
const ROOMY_MEGABYTES = 256;
const collect = (): void => globalThis.gc?.();
cases.set(`state.tree.${MANY}${ROOMY}`, () => treeCase(MANY, collect));
for (const edges of EDGES) cases.set(`state.bulk${edges}.${MANY}${ROOMY}`, () => bulkCase(edges, MANY, collect));
const timed = [...cases.keys()];
cases.set('state.memory.handle', () => handlesCase('nothing', IDLE));
cases.set('state.memory.target', () => handlesCase('target', IDLE));
cases.set('state.memory', () => handlesCase('intermediate and target', IDLE));
cases.set('state.memory.chimney-host', () => chimneyHostCase(IDLE));

type Part = Omit<Report, 'header'>;

function bulkPart(samples: Samples): Part {
  const figures: Record<string, object> = {};
  const rows: string[][] = [];
  for (const edges of EDGES) {
    const quotient = (size: string): number => ratioOf(samples, `state.bulk${edges}.${size}`, `state.tree.${size}`) / edges;
    const few = quotient(`${FEW}`);
    const many = quotient(`${MANY}`);
    const uncollected = quotient(`${MANY}${ROOMY}`);
    const growth = many / few;
    figures[`edges${edges}`] = { few, many, uncollected, growth };
    const what = `times their tree, per edge of ${edges}`;
    rows.push(
      [`bulk, ${MANY} connections: ${what}`, many.toFixed(2), '<= 4', many <= 4 ? 'holds' : 'MISSED'],
      [`bulk, ${MANY} connections, nothing collected: ${what}`, uncollected.toFixed(2), '<= 4', uncollected <= 4 ? 'holds' : 'MISSED'],
      [`bulk, ${FEW} connections: ${what}`, few.toFixed(2), '', ''],
      [`bulk, ${MANY} against ${FEW}, ${edges} edges`, growth.toFixed(2), '<= 1.5', growth <= 1.5 ? 'holds' : 'MISSED'],
    );
  }
  return { figures, rows: [...rows, ...timed.map((name) => [name, `${medianOf(samples, name, 'ns').toFixed(1)} ns`, '', ''])] };
}

function memoryPart(samples: Samples): Part {
  const bytes = (name: string): number => medianOf(samples, name, 'bytes');
  const total = bytes('state.memory.chimney-host');
  const handle = bytes('state.memory.handle');
  const target = bytes('state.memory.target') - handle;
  const bare = bytes('state.memory');
  const intermediate = bare - target - handle;
  const host = total - bare;
  const row = (what: string, value: number): string[] => [what, `${value.toFixed(0)} B`, '', ''];
  return {
    figures: { total, host, handle, intermediate, target },
    rows: [
      ['memory, an idle connection across ChimneyHost, one intermediate driver, target', `${total.toFixed(0)} B`, '<= 1280 B', total <= 1280 ? 'holds' : 'MISSED'],
      row('memory, of it what ChimneyHost keeps', host),
      row('memory, of it the handle, core’s part included', handle),
      row('memory, of it the intermediate driver’s entry and handle', intermediate),
      row('memory, of it the record of target-memory', target),
    ],
  };
}

/** `state`: many connections handed over and taken back at once, and what one costs in memory while it is idle. */
export const stateSuite: Suite = {
  name: 'state',
  cases,
  efforts: {
    full: { rounds: 9, warmUpMs: 600, repetitionMs: 400, repetitions: 5 },
    quick: { rounds: 3, warmUpMs: 300, repetitionMs: 100, repetitions: 3 },
  },
  flagsOf: (name) => (name.endsWith(ROOMY) ? youngGeneration(ROOMY_MEGABYTES) : []),
  report(samples) {
    const bulk = bulkPart(samples);
    const memory = memoryPart(samples);
    return {
      figures: { bulk: bulk.figures, memory: memory.figures },
      header: ['state', 'figure', 'bar', ''],
      rows: [...bulk.rows, ...memory.rows],
    };
  },
};
