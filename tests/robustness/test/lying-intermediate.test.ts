import { createProbeStack, membersOf, present, type ProbeStack, type ProbeStackOptions } from '@ndis-chimney/kit';
import { PassThroughDriver, type OffloadEntry, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { BytesConsumed, NDIS_STATUS_SUCCESS, isChimneyViolation, type NDIS_STATUS, type NetBufferList, type ProtocolOffloadBlockList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

/** What a bad driver does in place of relaying a send completion. */
type SendLie = (driver: LyingDriver, adapter: PassThroughAdapter, list: NetBufferList) => void;
/** What it does in place of relaying a completed query. */
type TreeLie = (driver: LyingDriver, adapter: PassThroughAdapter, root: ProtocolOffloadBlockList) => void;

/** What it does before it relays a forward. */
type ForwardLie = (adapter: PassThroughAdapter, entry: Entry) => void;
type Entry = OffloadEntry<PassThroughAdapter>;

/** A pass-through driver that lies when it is told to, and afterwards does what it should have done. */
class LyingDriver extends PassThroughDriver {
  sendLie: SendLie | null = null;
  treeLie: TreeLie | null = null;
  forwardLie: ForwardLie | null = null;
  /** What the lie was answered with. */
  readonly told: unknown[] = [];

  override protocolTcpOffloadSendComplete(adapter: PassThroughAdapter, list: NetBufferList): void {
    const lie = this.sendLie;
    this.sendLie = null;
    if (lie !== null) this.attempt(() => { lie(this, adapter, list); });
    super.protocolTcpOffloadSendComplete(adapter, list);
  }

  override miniportTcpOffloadForward(adapter: PassThroughAdapter, entry: Entry, list: NetBufferList): NDIS_STATUS {
    const lie = this.forwardLie;
    this.forwardLie = null;
    if (lie !== null) this.attempt(() => { lie(adapter, entry); });
    return super.miniportTcpOffloadForward(adapter, entry, list);
  }

  override protocolQueryOffloadComplete(adapter: PassThroughAdapter, root: ProtocolOffloadBlockList): void {
    const lie = this.treeLie;
    this.treeLie = null;
    if (lie === null) {
      super.protocolQueryOffloadComplete(adapter, root);
      return;
    }
    this.attempt(() => { lie(this, adapter, root); });
  }

  attempt(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.told.push(error);
    }
  }

  get tracked(): typeof this.sends {
    return this.sends;
  }

  get reuse(): typeof this.blocks {
    return this.blocks;
  }
}

const shapes = [1, 3].flatMap((intermediates) =>
  [false, true].flatMap((isObserved) =>
    (intermediates === 1 ? [0] : [0, 1, 2]).map((liar): [name: string, shape: ProbeStackOptions, liar: number] => [
      `${intermediates} intermediate drivers, ${isObserved ? 'observed' : 'unobserved'}, number ${liar + 1} lies`,
      { intermediates, isObserved, createIntermediate: (ndis, options) => new LyingDriver(ndis, options) },
      liar,
    ]),
  ),
);

function liarOf(stack: ProbeStack, at: number): LyingDriver {
  return stack.intermediates[at] as LyingDriver;
}

describe.each(shapes)('an intermediate driver that lies, among %s', (_name, shape, at) => {
  const sendLies: [what: string, rule: string, lie: SendLie][] = [
    ['completes without taking its contexts off', 'CHIM-NBL-001', (_driver, { handlers }, list) => { handlers.tcpOffloadSendComplete(list); }],
    [
      'takes its contexts off and does not restore the sources',
      'CHIM-NBL-001',
      (_driver, { handlers }, list) => {
        const kept = membersOf(list).map((nbl) => [nbl, nbl.context] as const);
        for (const [nbl, context] of kept) nbl.context = present(context).next;
        try {
          handlers.tcpOffloadSendComplete(list);
        } finally {
          for (const [nbl, context] of kept) nbl.context = context;
        }
      },
    ],
    [
      'restores the sources and leaves its contexts on',
      'CHIM-NBL-009',
      (_driver, { handlers }, list) => {
        for (const nbl of membersOf(list)) nbl.sourceHandle = present(nbl.context).sourceHandle;
        try {
          handlers.tcpOffloadSendComplete(list);
        } finally {
          for (const nbl of membersOf(list)) nbl.sourceHandle = null;
        }
      },
    ],
    [
      'restores all but the last source',
      'CHIM-NBL-001',
      (driver, { handlers }, list) => {
        driver.tracked.pop(list);
        const last = present(membersOf(list).at(-1));
        const source = last.sourceHandle;
        last.sourceHandle = null;
        try {
          handlers.tcpOffloadSendComplete(list);
        } finally {
          last.sourceHandle = source;
          driver.tracked.push(list, list.context?.upperEdge as PassThroughAdapter);
          for (const nbl of membersOf(list)) nbl.sourceHandle = null;
        }
      },
    ],
  ];

  test.each(sendLies)('%s: %s, thrown to it and to nobody else; told the truth, the list goes up', (_what, rule, lie) => {
    const stack = createProbeStack(shape);
    const liar = liarOf(stack, at);
    const list = stack.host.send(stack.connection, 'a', 'b', 'c');
    liar.sendLie = lie;
    stack.target.completeSends();
    const [told] = liar.told;
    expect(isChimneyViolation(told) && [told.rule, told.actor]).toEqual([rule, liar.name]);
    expect(stack.expectViolation(rule)).toBe(told);
    expect(stack.host.calls.of('protocolTcpOffloadSendComplete').map(([, completed]) => completed === list)).toEqual([true]);
    for (const nbl of membersOf(list)) expect([nbl.sourceHandle, nbl.context]).toEqual([null, null]);
    stack.proveItWorks();
    stack.close();
  });

  const treeLies: [what: string, rule: string, lie: TreeLie][] = [
    [
      'forgets to restore the SourceHandle of the root',
      'CHIM-IM-004',
      (driver, _adapter, root) => {
        const { tree, upperEdge } = driver.reuse.up('query', root);
        const source = tree.sourceHandle;
        tree.sourceHandle = null;
        driver.attempt(() => { upperEdge.miniport.queryOffloadStateComplete(tree); });
        tree.sourceHandle = source;
        upperEdge.miniport.queryOffloadStateComplete(tree);
      },
    ],
    [
      'completes by the wrong function',
      'CHIM-BLK-008',
      (driver, _adapter, root) => {
        const { tree, upperEdge } = driver.reuse.up('query', root);
        driver.attempt(() => { upperEdge.miniport.updateOffloadComplete(tree); });
        upperEdge.miniport.queryOffloadStateComplete(tree);
      },
    ],
    [
      'completes twice',
      'CHIM-BLK-008',
      (driver, _adapter, root) => {
        const { tree, upperEdge } = driver.reuse.up('query', root);
        upperEdge.miniport.queryOffloadStateComplete(tree);
        driver.attempt(() => { upperEdge.miniport.queryOffloadStateComplete(tree); });
      },
    ],
    [
      'drops a block on the way up',
      'CHIM-BLK-003',
      (driver, _adapter, root) => {
        const { tree, upperEdge } = driver.reuse.up('query', root);
        const dropped = tree.nextBlock;
        tree.nextBlock = null;
        driver.attempt(() => { upperEdge.miniport.queryOffloadStateComplete(tree); });
        tree.nextBlock = dropped;
        upperEdge.miniport.queryOffloadStateComplete(tree);
      },
    ],
  ];

  test.each(treeLies)('%s: %s, thrown to it and to nobody else; told the truth, the tree goes up', (_what, rule, lie) => {
    const stack = createProbeStack(shape);
    const liar = liarOf(stack, at);
    const root = stack.host.connections(stack.connection, stack.path);
    stack.host.binding.queryOffloadState(root);
    liar.treeLie = lie;
    stack.target.completeTree('query');
    const [told] = liar.told;
    expect(isChimneyViolation(told) && [told.rule, told.actor]).toEqual([rule, liar.name]);
    expect(stack.expectViolation(rule)).toBe(told);
    expect(stack.host.calls.of('protocolQueryOffloadComplete').map(([, completed]) => completed === root)).toEqual([true]);
    expect(root.status).toBe(NDIS_STATUS_SUCCESS);
    stack.proveItWorks();
    stack.close();
  });

  const theirs: [whose: string, take: (stack: ProbeStack, other: ProbeStack) => NetBufferList][] = [
    ['that went down in another stack', (_stack, other) => other.host.send(other.connection, 'theirs')],
    ['that is below itself already', ({ host, connection }) => host.send(connection, 'sent before')],
    ['that was indicated and kept by the host', ({ target }) => target.indicateOrdinary(0, 'kept')],
  ];

  test.each(theirs)('passes down an NBL %s: CHIM-NBL-004, thrown to it and to nobody else', (_whose, take) => {
    const stack = createProbeStack(shape);
    const other = createProbeStack(shape);
    const liar = liarOf(stack, at);
    const nbl = take(stack, other);
    const source = nbl.sourceHandle;
    liar.forwardLie = (adapter, entry) => adapter.lower.offloadTcpForward(entry.handle, nbl);
    stack.host.forward(stack.connection, 'honest');
    const [told] = liar.told;
    expect(isChimneyViolation(told) && [told.rule, told.actor, told.objects.includes(nbl)]).toEqual(['CHIM-NBL-004', liar.name, true]);
    expect(stack.expectViolation('CHIM-NBL-004')).toBe(told);
    expect([nbl.sourceHandle === source, stack.target.forwards.length]).toEqual([true, 1]);
    if (stack.target.nbls.has(nbl)) stack.host.binding.returnNetBufferLists(nbl, 0);
    other.finishAll();
    other.close();
    stack.finishAll();
    stack.proveItWorks();
    stack.close();
  });

  test('indicates what it was to pass down, or what went down already: CHIM-NBL-004', () => {
    const stack = createProbeStack(shape);
    const liar = liarOf(stack, at);
    const sent = stack.host.send(stack.connection, 'sent before');
    const refused: unknown[] = [];
    liar.forwardLie = (adapter, entry) => {
      for (const nbl of [sent, present([...stack.host.nbls].at(-1))]) {
        try {
          adapter.handlers.tcpOffloadReceiveHandler(entry.upperHandle, nbl, NDIS_STATUS_SUCCESS, new BytesConsumed());
        } catch (error) {
          refused.push(isChimneyViolation(error) && [error.rule, error.actor, error.objects.includes(nbl)]);
        }
      }
    };
    stack.host.forward(stack.connection, 'honest');
    expect(refused).toEqual([
      ['CHIM-NBL-004', liar.name, true],
      ['CHIM-NBL-004', liar.name, true],
    ]);
    stack.expectViolations('CHIM-NBL-004', 'CHIM-NBL-004');
    stack.finishAll();
    stack.proveItWorks();
    stack.close();
  });
});
