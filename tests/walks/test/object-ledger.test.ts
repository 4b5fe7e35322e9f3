import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  OffloadBlockState,
  OffloadHandle,
  TcpOffloadStateConst,
  createMiniportOffloadBlockList,
  type MiniportOffloadBlockList,
  type NdisBinding,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { ObjectLedger, missingFrom, noTransitions, type StateOperationName } from './object-ledger.ts';
import { pick } from './pick.ts';

const TYPES = [OFFLOAD_STATE_TYPE.NeighborOffloadState, OFFLOAD_STATE_TYPE.Ip4OffloadState, OFFLOAD_STATE_TYPE.TcpOffloadState];

/** A neighbor, a path and a connection, and what the target is called with. */
class Life {
  readonly ledger = new ObjectLedger();
  readonly handles = TYPES.map(() => new OffloadHandle({} as NdisBinding, null));

  /** A tree of some of the three layers, each below the one before it. */
  tree(layers: readonly number[], isNew = false): MiniportOffloadBlockList {
    const blocks = layers.map((layer) => createMiniportOffloadBlockList(pick(TYPES, layer), this.handles[layer], isNew ? new OffloadBlockState(layer === 2 ? new TcpOffloadStateConst() : null, null, null) : null));
    blocks.forEach((block, at) => {
      block.dependentBlockList = blocks[at + 1] ?? null;
    });
    return pick(blocks, 0);
  }

  begin(operation: StateOperationName, ...layers: readonly number[]): MiniportOffloadBlockList {
    const tree = this.tree(layers, operation === 'initiate');
    this.ledger.begin(operation, tree);
    return tree;
  }

  end(operation: StateOperationName, tree: MiniportOffloadBlockList, status = NDIS_STATUS_SUCCESS): this {
    for (let block: MiniportOffloadBlockList | null = tree; block !== null; block = block.dependentBlockList) block.status = status;
    this.ledger.end(operation, tree);
    return this;
  }

  /** Begins and ends an operation. */
  do(operation: StateOperationName, layers: readonly number[], status = NDIS_STATUS_SUCCESS): this {
    return this.end(operation, this.begin(operation, ...layers), status);
  }
}

const offloaded = (): Life => new Life().do('initiate', [0, 1, 2]);

describe('the ledger', () => {
  test('counts each transition once per object', () => {
    const life = new Life().do('initiate', [0, 1, 2], NDIS_STATUS_FAILURE).do('initiate', [0, 1, 2]);
    life.do('query', [2]).do('update', [1]).do('update', [1], NDIS_STATUS_FAILURE).do('invalidate', [2], NDIS_STATUS_FAILURE).do('invalidate', [2]);
    life.do('terminate', [2]).do('terminate', [0, 1], NDIS_STATUS_FAILURE).do('terminate', [0, 1]);
    expect(life.ledger.faults).toEqual([]);
    expect(life.ledger.objects).toEqual([]);
    expect(life.ledger.counts).toEqual({ LC1: 6, LC2: 3, LC3: 3, LC4: 1, LC5: 1, LC6: 1, LC7: 1, LC8: 1, LC9: 3, LC10: 1, LC11: 2, LC12: 2, LC13: 0 });
  });

  test('says which transitions are missing', () => {
    expect(missingFrom(noTransitions())).toHaveLength(13);
    expect(missingFrom({ ...offloaded().ledger.counts, LC3: 1 })).not.toContain('LC2');
    expect(missingFrom(offloaded().ledger.counts)).toContain('LC13');
  });

  test('sees a path of an invalid neighbor move to another one', () => {
    const life = offloaded().do('invalidate', [0]);
    const [, path] = life.ledger.objects;
    life.handles[0] = new OffloadHandle({} as NdisBinding, null);
    life.do('initiate', [0]).do('update', [0, 1]);
    expect([life.ledger.counts.LC13, path?.parent?.state, life.ledger.faults]).toEqual([1, 'offloaded', []]);
  });
});

describe('no transition, and so a fault:', () => {
  const cases: readonly [what: string, act: (life: Life) => void, fault: RegExp][] = [
    ['a second offer', (life) => life.begin('initiate', 0), /a neighbor that is offloaded is offered/],
    ['an operation on an object that is being offloaded', (life) => {
      life.handles[0] = new OffloadHandle({} as NdisBinding, null);
      life.begin('initiate', 0);
      life.begin('query', 0);
    }, /query of a neighbor that is offloading/],
    ['an update of an invalid object', (life) => life.do('invalidate', [2]).begin('update', 2), /update of a tcp that is invalid/],
    ['an update during another', (life) => {
      life.begin('update', 1);
      life.begin('update', 1);
    }, /update of a path that is offloaded, with 1 updates/],
    ['a terminate during a query', (life) => {
      life.begin('query', 2);
      life.begin('terminate', 2);
    }, /with 1 queries/],
    ['a terminate of what something depends on', (life) => life.begin('terminate', 1), /a path is terminated and keeps a tcp/],
    ['anything after the terminate', (life) => life.do('terminate', [2]).begin('query', 2), /query of an object that is not offloaded/],
    ['a query of a lost object', (life) => life.do('terminate', [2], NDIS_STATUS_FAILURE).begin('query', 2), /query of a tcp that is lost/],
    ['an offer under nothing', (life) => {
      life.handles[1] = new OffloadHandle({} as NdisBinding, null);
      life.begin('initiate', 1);
    }, /a path is offered under nothing/],
  ];
  test.each(cases)('%s', (_what, act, fault) => {
    const life = offloaded();
    act(life);
    expect(life.ledger.faults.join('; ')).toMatch(fault);
  });
});
