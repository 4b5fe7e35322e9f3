import { medianOf, ratioOf, type CaseFactory } from './harness.ts';
import { bulkCase, treeCase } from './state-bulk.ts';
import type { Suite } from './suite.ts';

const EDGES = [1, 2, 3] as const;
const FEW = 1000;
const MANY = 100_000;

const cases = new Map<string, CaseFactory>();
for (const connections of [FEW, MANY]) {
  cases.set(`state.tree.${connections}`, () => treeCase(connections));
  for (const edges of EDGES) cases.set(`state.bulk${edges}.${connections}`, () => bulkCase(edges, connections));
}

/** `state`: hand-over and taking back of many connections at once, and what one costs in memory while it is idle. */
export const stateSuite: Suite = {
  name: 'state',
  cases,
  efforts: {
    full: { rounds: 9, warmUpMs: 600, repetitionMs: 400, repetitions: 5 },
    quick: { rounds: 3, warmUpMs: 400, repetitionMs: 150, repetitions: 3 },
  },
  report(samples) {
    const rows: string[][] = [];
    const bulk: Record<string, object> = {};
    for (const edges of EDGES) {
      const quotient = (connections: number): number => ratioOf(samples, `state.bulk${edges}.${connections}`, `state.tree.${connections}`) / edges;
      const few = quotient(FEW);
      const many = quotient(MANY);
      const growth = many / few;
      bulk[`edges${edges}`] = { few, many, growth };
      rows.push(
        [`bulk, ${edges} edges, ${MANY}: times making such a tree, per edge`, many.toFixed(2), '<= 4', many <= 4 ? 'holds' : 'MISSED'],
        [`bulk, ${edges} edges: ${MANY} against ${FEW}`, growth.toFixed(2), '<= 1.5', growth <= 1.5 ? 'holds' : 'MISSED'],
      );
    }
    rows.push(...[...cases.keys()].map((name) => [name, `${medianOf(samples, name, 'ns').toFixed(1)} ns`, '', '']));
    return { figures: { bulk }, header: ['state', 'figure', 'bar', ''], rows };
  },
};
