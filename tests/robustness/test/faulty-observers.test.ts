import { createProbeStack, present, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import { DDI_CROSSING, NDIS_STATUS_FAILURE, NDIS_STATUS_PENDING, type DdiCrossing, type NdisObserver, type NetBufferList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn } from './refusal.ts';
import { stopNext } from './stopping.ts';

const boom = new Error('boom');
type Notification = Exclude<keyof NdisObserver, 'enter'>;

/** Attaches an observer that throws from one notification whenever it gets it. @returns what detaches it. */
function throwFrom({ ndis }: ProbeStack, notification: Notification): () => void {
  return ndis.attachObserver({
    [notification]: () => {
      throw boom;
    },
  });
}

/** Takes the violations there are, which must all be the observer's. @returns how many. */
function takeReports({ violations }: ProbeStack): number {
  const reports = violations.splice(0);
  for (const { rule, actor, cause } of reports) expect([rule, actor, cause]).toEqual(['CHIM-LIF-005', 'an observer', boom]);
  return reports.length;
}

/** Each makes the notification once or more, and checks that what it is about has happened. */
const notifications: [notification: Notification, cause: (stack: ProbeStack) => void][] = [
  [
    'leave',
    ({ host, target, connection }) => {
      const list = host.list('x');
      expect(host.binding.offloadTcpSend(connection, list)).toBe(NDIS_STATUS_PENDING);
      target.completeSends();
      expect(host.calls.of('protocolTcpOffloadSendComplete').map(([, completed]) => completed === list)).toEqual([true]);
    },
  ],
  [
    'nonOffload',
    ({ host, target }) => {
      const list = target.indicateOrdinary(0, 'p', 'q');
      expect(host.calls.of('protocolReceiveNetBufferLists').map(([, received]) => received === list)).toEqual([true]);
      host.binding.returnNetBufferLists(list, 0);
    },
  ],
  ['allocated', ({ host }) => { expect(host.list('x').sourceHandle).toBeNull(); }],
  ['freed', ({ host, ndis }) => { const before = ndis.outstanding.netBufferLists; host.free([host.list('x')]); expect(ndis.outstanding.netBufferLists).toBe(before); }],
  [
    'dataStart',
    ({ host, ndis }) => {
      const netBuffer = present(host.list('data').firstNetBuffer);
      ndis.advanceNetBufferDataStart(netBuffer, 1, false);
      expect([netBuffer.dataOffset, netBuffer.dataLength]).toEqual([1, 3]);
    },
  ],
  ['timer', ({ ndis }) => { ndis.observer?.timer?.('start', 'retransmit', 300); }],
  ['wire', ({ ndis }) => { ndis.observer?.wire?.('transmit', 'nic', new Uint8Array(60)); }],
];

describe.each(STACK_SHAPES)('observers that fail, %s', (_name, shape) => {
  test.each(notifications)('CHIM-LIF-005: what one throws from %s is reported, and what it was told of has happened', (notification, cause) => {
    const stack = createProbeStack(shape);
    const detach = throwFrom(stack, notification);
    cause(stack);
    detach();
    expect(takeReports(stack)).toBeGreaterThan(0);
    expectGoesOn(stack);
  });

  test('those that saw a crossing begin see it end, as a failure, when a later one stops it; the later ones see nothing', () => {
    const stack = createProbeStack(shape);
    const seen: unknown[] = [];
    const note = (name: string): NdisObserver => ({
      enter: (crossing: DdiCrossing, edge) => {
        if (edge === stack.host.binding) seen.push([name, 'enter', crossing.call]);
      },
      leave: (crossing: DdiCrossing, edge, _subject, status) => {
        if (edge === stack.host.binding) seen.push([name, 'leave', crossing.call, status]);
      },
    });
    const detachments = [stack.ndis.attachObserver(note('first'), 'verifier'), stack.ndis.attachObserver(note('second'), 'verifier')];
    const { error, detach } = stopNext(stack.ndis, 'offloadTcpSend', stack.host.binding);
    detachments.push(detach, stack.ndis.attachObserver(note('last'), 'trace'));
    expect(() => stack.host.send(stack.connection, 'x')).toThrow(error);
    const { call } = DDI_CROSSING.offloadTcpSend;
    expect(seen).toEqual([
      ['first', 'enter', call],
      ['second', 'enter', call],
      ['second', 'leave', call, NDIS_STATUS_FAILURE],
      ['first', 'leave', call, NDIS_STATUS_FAILURE],
    ]);
    for (const end of detachments) end();
    expectGoesOn(stack);
  });

  test('one that calls NDIS from enter of a tree operation disturbs neither the tree nor its own call', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection, path } = stack;
    const root = host.connections(connection, path);
    const inner = [host.connections(connection), host.connections(connection)];
    const waiting = new Map([DDI_CROSSING.queryOffloadState, DDI_CROSSING.queryOffloadStateComplete].map((crossing, at) => [crossing, inner[at]]));
    const detach = stack.ndis.attachObserver({
      enter(crossing) {
        const tree = waiting.get(crossing);
        waiting.delete(crossing);
        if (tree !== undefined) host.binding.queryOffloadState(tree);
      },
    });
    host.binding.queryOffloadState(root);
    while (target.trees.length > 0) target.completeTree('query');
    detach();
    const completed = host.calls.of('protocolQueryOffloadComplete').map(([, tree]) => tree);
    expect(completed).toHaveLength(3);
    expect(new Set(completed)).toEqual(new Set([root, ...inner]));
    expectGoesOn(stack);
  });

  test('NBLs that an observer stops and NBLs that it lets through do not get mixed up', () => {
    const stack = createProbeStack(shape);
    const { host, connection } = stack;
    const stopped = host.list('stopped');
    const detach = stack.ndis.attachObserver({
      enter(_crossing, _edge, subject) {
        if (subject === stopped) throw boom;
      },
    });
    expect(() => host.binding.offloadTcpSend(connection, stopped)).toThrow(boom);
    const sent = host.send(connection, 'sent');
    expect([stopped.sourceHandle, stopped.context]).toEqual([null, null]);
    stack.target.completeSends();
    expect(host.calls.of('protocolTcpOffloadSendComplete').map(([, list]) => (list as NetBufferList) === sent)).toEqual([true]);
    detach();
    expectGoesOn(stack);
  });
});
