import { createProbeStack, present, STACK_SHAPES, type ProbeStack } from '@ndis-chimney/kit';
import { NDIS_STATUS_FAILURE, OffloadHandle, type ProtocolOffloadBlockList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn, expectRefused } from './refusal.ts';

type Use = (stack: ProbeStack, handle: OffloadHandle) => unknown;

const named = (stack: ProbeStack, handle: OffloadHandle): ProtocolOffloadBlockList => stack.host.connections(stack.connection, handle);

/** Calls that name an offloaded connection; the host has an NBL at hand for those that pass one. */
const data: [name: string, use: (stack: ProbeStack, handle: OffloadHandle, nbl: ReturnType<ProbeStack['host']['list']>) => unknown][] = [
  ['NdisOffloadTcpForward', ({ host }, handle, nbl) => host.binding.offloadTcpForward(handle, nbl)],
  ['NdisOffloadTcpDisconnect', ({ host }, handle, nbl) => host.binding.offloadTcpDisconnect(handle, nbl, 1)],
  ['NdisOffloadTcpSend', ({ host }, handle, nbl) => host.binding.offloadTcpSend(handle, nbl)],
  ['NdisOffloadTcpReceive', ({ host }, handle, nbl) => host.binding.offloadTcpReceive(handle, nbl)],
];

/** Calls with a tree: a good block, then one with the handle. */
const state: [name: string, use: Use][] = [
  ['NdisQueryOffloadState', (stack, handle) => { stack.host.binding.queryOffloadState(named(stack, handle)); }],
  ['NdisUpdateOffload', (stack, handle) => { stack.host.binding.updateOffload(named(stack, handle)); }],
  ['NdisInvalidateOffload', (stack, handle) => { stack.host.binding.invalidateOffload(named(stack, handle)); }],
  ['NdisTerminateOffload', (stack, handle) => { stack.host.binding.terminateOffload(named(stack, handle)); }],
];

interface Life {
  readonly make: (stack: ProbeStack) => OffloadHandle;
  /** The rule that data calls break, and state operations. */
  readonly dataRule: string;
  readonly stateRule: string;
  /** What undoes it, so that the stack can close. */
  readonly finish?: (stack: ProbeStack) => void;
}

const lives: [state: string, life: Life][] = [
  ['new', { make: ({ host }) => new OffloadHandle(host.binding, 'never offered'), dataRule: 'CHIM-ST-001', stateRule: 'CHIM-ST-001' }],
  [
    'being offloaded',
    {
      make: ({ host }) => present(host.offload().connections[0]),
      dataRule: 'CHIM-ST-002',
      stateRule: 'CHIM-ST-002',
      finish: ({ target }) => { target.completeTree('initiate'); },
    },
  ],
  [
    'being terminated',
    {
      make: ({ host, target }) => {
        const handle = present(host.offload().connections[0]);
        target.completeTree('initiate');
        host.binding.terminateOffload(host.connections(handle));
        return handle;
      },
      dataRule: 'CHIM-TRM-003',
      stateRule: 'CHIM-ST-001',
      finish: ({ target }) => { target.completeTree('terminate'); },
    },
  ],
  [
    'dead after a terminate',
    {
      make: ({ host, target }) => {
        const handle = present(host.offload().connections[0]);
        target.completeTree('initiate');
        host.binding.terminateOffload(host.connections(handle));
        target.completeTree('terminate');
        return handle;
      },
      dataRule: 'CHIM-ST-003',
      stateRule: 'CHIM-ST-003',
    },
  ],
  [
    'dead after a failed initiate',
    {
      make: ({ host, target }) => {
        const handle = present(host.offload().connections[0]);
        target.completeTree('initiate', { status: NDIS_STATUS_FAILURE });
        return handle;
      },
      dataRule: 'CHIM-ST-003',
      stateRule: 'CHIM-ST-003',
    },
  ],
];

describe.each(STACK_SHAPES)('bad handles, %s', (_name, shape) => {
  describe.each(lives)('an object that is %s', (_state, { make, dataRule, stateRule, finish }) => {
    test.each(data)('%s is refused', (_call, use) => {
      const stack = createProbeStack(shape);
      const handle = make(stack);
      const nbl = stack.host.list('x');
      expectRefused(stack, () => use(stack, handle, nbl), { rule: dataRule, actor: 'probe host', object: handle }, { handles: [handle] });
      finish?.(stack);
      expectGoesOn(stack);
    });

    test.each(state)('%s is refused, with all that is in the tree', (_call, use) => {
      const stack = createProbeStack(shape);
      const handle = make(stack);
      expectRefused(stack, () => use(stack, handle), { rule: stateRule, actor: 'probe host', object: handle }, { handles: [handle] });
      finish?.(stack);
      expectGoesOn(stack);
    });
  });

  test.each([...data])('CHIM-ST-009: %s with a handle of another binding is refused', (_call, use) => {
    const stack = createProbeStack(shape);
    const other = createProbeStack(shape);
    const nbl = stack.host.list('x');
    expectRefused(stack, () => use(stack, other.connection, nbl), { rule: 'CHIM-ST-009', actor: 'probe host', object: other.connection });
    expectGoesOn(other);
    expectGoesOn(stack);
  });

  test.each([...state, ['NdisInitiateOffload', (stack, handle) => { stack.host.binding.initiateOffload(named(stack, handle)); }] as [string, Use]])(
    'CHIM-ST-009: %s with a handle of another binding in the tree is refused',
    (_call, use) => {
      const stack = createProbeStack(shape);
      const other = createProbeStack(shape);
      expectRefused(stack, () => use(stack, other.connection), { rule: 'CHIM-ST-009', actor: 'probe host', object: other.connection }, { handles: [other.connection] });
      expectGoesOn(other);
      expectGoesOn(stack);
    },
  );

  test('CHIM-ST-009: a connection’s handle of an intermediate driver is not the host’s to use', () => {
    const stack = createProbeStack(shape);
    if (stack.intermediates.length === 0) return;
    const key = stack.lowest(stack.connection);
    const nbl = stack.host.list('x');
    expectRefused(stack, () => stack.host.binding.offloadTcpForward(key, nbl), { rule: 'CHIM-ST-009', actor: 'probe host', object: key });
    expectGoesOn(stack);
  });

  const initiates: [what: string, rule: string, make: (stack: ProbeStack) => OffloadHandle, finish?: (stack: ProbeStack) => void][] = [
    ['is being offloaded', 'CHIM-INI-002', present(lives[1])[1].make, (stack) => { stack.target.completeTree('initiate'); }],
    ['is being terminated', 'CHIM-INI-002', present(lives[2])[1].make, (stack) => { stack.target.completeTree('terminate'); }],
    ['is dead', 'CHIM-ST-003', present(lives[3])[1].make],
    [
      'has something in its cell',
      'CHIM-INI-003',
      ({ host }) => {
        const handle = new OffloadHandle(host.binding, 'not ours');
        handle.miniportOffloadContext = {};
        return handle;
      },
    ],
  ];

  test.each(initiates)('an object that %s is not offered: %s', (_what, rule, make, finish) => {
    const stack = createProbeStack(shape);
    const handle = make(stack);
    const fresh = new OffloadHandle(stack.host.binding, 'fresh');
    const root = stack.host.connections(fresh, handle);
    expectRefused(stack, () => { stack.host.binding.initiateOffload(root); }, { rule, actor: 'probe host', object: handle }, { handles: [handle, fresh], trees: [root] });
    expect(fresh.state).toBe('new');
    finish?.(stack);
    expectGoesOn(stack);
  });

  test('a new object twice in a tree, or a connection twice in a terminate, is refused: CHIM-INI-002, CHIM-ST-001', () => {
    const stack = createProbeStack(shape);
    const { host, connection } = stack;
    const fresh = new OffloadHandle(host.binding, 'fresh');
    const offered = host.connections(fresh, fresh);
    expectRefused(stack, () => { host.binding.initiateOffload(offered); }, { rule: 'CHIM-INI-002', actor: 'probe host', object: fresh }, { handles: [fresh], trees: [offered] });
    const taken = host.connections(connection, connection);
    expectRefused(stack, () => { host.binding.terminateOffload(taken); }, { rule: 'CHIM-ST-001', actor: 'probe host', object: connection }, { trees: [taken] });
    expect([fresh.state, connection.state]).toEqual(['new', 'offloaded']);
    expectGoesOn(stack);
  });

  test('CHIM-UPD-001: an invalid object is not updated', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const other = present(host.offload().connections[0]);
    target.completeTree('initiate');
    host.binding.invalidateOffload(host.connections(connection));
    target.completeTree('invalidate');
    const root = host.connections(other, connection);
    expectRefused(stack, () => { host.binding.updateOffload(root); }, { rule: 'CHIM-UPD-001', actor: 'probe host', object: connection }, { trees: [root] });
    expectGoesOn(stack);
  });

  test.each([5, 'text', {}])('a handle slot with something else (%j) is a TypeError', (value) => {
    const stack = createProbeStack(shape);
    const root = stack.host.connections(stack.connection, stack.connection);
    present(root.nextBlock).offloadHandle = value as never;
    expectRefused(stack, () => { stack.host.binding.queryOffloadState(root); }, { actor: 'probe host', message: /not an OffloadHandle/ });
    expectGoesOn(stack);
  });

  test('CHIM-TRM-001: a terminate is not passed down from inside a receive or disconnect call of the object', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const root = host.connections(connection);
    for (const entry of ['miniportTcpOffloadReceive', 'miniportTcpOffloadDisconnect'] as const) {
      target.calls.once(entry, () => {
        expectRefused(stack, () => { host.binding.terminateOffload(root); }, { rule: 'CHIM-TRM-001', actor: 'probe host', object: connection }, { trees: [root] });
      });
    }
    host.receive(connection, 1);
    host.disconnect(connection);
    expect(stack.target.calls.entries).toEqual(['miniportTcpOffloadReceive', 'miniportTcpOffloadDisconnect']);
    expectGoesOn(stack);
  });
});
