import { blocksOf, createProbeStack, link, membersOf, newTree, present, STACK_SHAPES, type ProbeOperation, type ProbeStack } from '@ndis-chimney/kit';
import {
  BytesConsumed,
  INDICATE_OFFLOAD_EVENT,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  NetBuffer,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  createMiniportOffloadBlockList,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadBlockList,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { expectGoesOn, expectRefused } from './refusal.ts';

interface Kind {
  /** Makes the host start one with this list. */
  readonly start: (stack: ProbeStack, list: NetBufferList) => unknown;
  /** What the target holds of it. */
  readonly held: (stack: ProbeStack) => NetBufferList[];
  /** The function the target completes it with. */
  readonly complete: (stack: ProbeStack, list: NetBufferList) => void;
}

const kinds: [name: string, kind: Kind][] = [
  [
    'NdisTcpOffloadSendComplete',
    {
      start: ({ host, connection }, list) => host.binding.offloadTcpSend(connection, list),
      held: ({ target }) => target.sends,
      complete: ({ target }, list) => { target.handlers.tcpOffloadSendComplete(list); },
    },
  ],
  [
    'NdisTcpOffloadReceiveComplete',
    {
      start: ({ host, connection }, list) => host.binding.offloadTcpReceive(connection, list),
      held: ({ target }) => target.receives,
      complete: ({ target }, list) => { target.handlers.tcpOffloadReceiveComplete(list); },
    },
  ],
  [
    'NdisTcpOffloadForwardComplete',
    {
      start: ({ host, connection }, list) => host.binding.offloadTcpForward(connection, list),
      held: ({ target }) => target.forwards,
      complete: ({ target }, list) => { target.handlers.tcpOffloadForwardComplete(list); },
    },
  ],
  [
    'NdisMSendNetBufferListsComplete',
    {
      start: ({ host }, list) => { host.binding.sendNetBufferLists(list, 0, 0); },
      held: ({ target }) => target.ordinarySends,
      complete: ({ target }, list) => { target.miniport.sendNetBufferListsComplete(list, 0); },
    },
  ],
];

describe.each(STACK_SHAPES)('a target that lies about data, %s', (_name, shape) => {
  describe.each(kinds)('%s', (_function, { start, held, complete }) => {
    test('CHIM-NBL-001: an NBL is completed once', () => {
      const stack = createProbeStack(shape);
      const list = stack.host.list('a', 'b');
      start(stack, list);
      held(stack).length = 0;
      complete(stack, list);
      expectRefused(stack, () => { complete(stack, list); }, { rule: 'CHIM-NBL-001', actor: 'probe target', object: list });
      expectGoesOn(stack);
    });

    test.each([0, 1, 2])('CHIM-NBL-001: one that is not outstanding, at place %i, spoils the whole list', (at) => {
      const stack = createProbeStack(shape);
      const fresh = stack.host.list('never passed down');
      start(stack, stack.host.list('a', 'b'));
      const below = [...held(stack)];
      const list = link([...below.slice(0, at), fresh, ...below.slice(at)]);
      expectRefused(stack, () => { complete(stack, list); }, { rule: 'CHIM-NBL-001', actor: 'probe target', object: fresh });
      fresh.next = null;
      link(below);
      expectGoesOn(stack);
    });

    test('CHIM-NBL-001: a list that loops meets an NBL twice', () => {
      const stack = createProbeStack(shape);
      const list = stack.host.list('a', 'b', 'c');
      start(stack, list);
      const [, second, last] = membersOf(list) as [NetBufferList, NetBufferList, NetBufferList];
      last.next = second;
      expectRefused(stack, () => { complete(stack, list); }, { rule: 'CHIM-NBL-001', actor: 'probe target', object: second });
      last.next = null;
      expectGoesOn(stack);
    });

    test('CHIM-NBL-001: an NBL of another adapter is not this one’s to complete', () => {
      const stack = createProbeStack(shape);
      const other = createProbeStack(shape);
      const theirs = other.host.send(other.connection, 'theirs');
      expectRefused(stack, () => { complete(stack, theirs); }, { rule: 'CHIM-NBL-001', actor: 'probe target', object: theirs }, { lists: [theirs] });
      start(stack, stack.host.list('ours'));
      const [ours] = held(stack) as [NetBufferList];
      ours.next = theirs;
      expectRefused(stack, () => { complete(stack, ours); }, { rule: 'CHIM-NBL-001', actor: 'probe target', object: theirs }, { lists: [ours] });
      ours.next = null;
      expectGoesOn(other);
      expectGoesOn(stack);
    });

    test('CHIM-NBL-001: what the target itself indicated is not completed', () => {
      const stack = createProbeStack(shape);
      const list = stack.target.indicateOrdinary(0, 'kept by the host');
      expectRefused(stack, () => { complete(stack, list); }, { rule: 'CHIM-NBL-001', actor: 'probe target', object: list });
      stack.host.binding.returnNetBufferLists(list, 0);
      expectGoesOn(stack);
    });

    test('CHIM-NBL-009: a context the target leaves behind is noticed, on whichever member', () => {
      const stack = createProbeStack(shape);
      const pool = stack.ndis.allocateNetBufferListContextPool(stack.target);
      start(stack, stack.host.list('a', 'b', 'c'));
      for (const nbl of held(stack)) {
        pool.allocateNetBufferListContext(nbl);
        expectRefused(stack, () => { complete(stack, link(held(stack))); }, { rule: 'CHIM-NBL-009', actor: 'probe target', object: nbl });
        pool.freeNetBufferListContext(nbl);
      }
      expectGoesOn(stack);
    });
  });

  test('CHIM-DSC-011: a disconnect is completed alone', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const sent = host.send(connection, 'sent');
    const nbl = host.disconnect(connection);
    nbl.next = sent;
    expectRefused(stack, () => { target.handlers.tcpOffloadDisconnectComplete(nbl); }, { rule: 'CHIM-DSC-011', actor: 'probe target', object: nbl });
    nbl.next = null;
    expectGoesOn(stack);
  });

  const indications: [what: string, rule: string, make: (stack: ProbeStack) => [nbl: NetBufferList, status?: NDIS_STATUS], mend: (nbl: NetBufferList) => void][] = [
    ['two NBLs', 'CHIM-RXI-002', ({ target }) => [target.list('a', 'b')], () => undefined],
    ['no NET_BUFFER', 'CHIM-RXI-002', ({ target }) => [Object.assign(target.list('a'), { firstNetBuffer: null })], (nbl) => { nbl.firstNetBuffer = new NetBuffer(); }],
    [
      'two NET_BUFFERs',
      'CHIM-RXI-002',
      ({ target }) => {
        const nbl = target.list('a');
        present(nbl.firstNetBuffer).next = new NetBuffer();
        return [nbl];
      },
      (nbl) => { present(nbl.firstNetBuffer).next = null; },
    ],
    ['a status that is not success', 'CHIM-RXI-002', ({ target }) => [target.list('a'), NDIS_STATUS_FAILURE], () => undefined],
  ];

  test.each(indications)('CHIM-RXI-002: an indication with %s is refused', (_what, rule, make, mend) => {
    const stack = createProbeStack(shape);
    const [nbl, status = NDIS_STATUS_SUCCESS] = make(stack);
    expectRefused(stack, () => stack.target.handlers.tcpOffloadReceiveHandler(stack.lowest(stack.connection), nbl, status, new BytesConsumed()), { rule, actor: 'probe target', object: nbl });
    mend(nbl);
    expectGoesOn(stack);
  });

  test('CHIM-NBL-004: an NBL that the host has, or that came from the host, is not indicated', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const key = stack.lowest(connection);
    const kept = target.indicateOrdinary(0, 'kept by the host');
    const sent = host.send(connection, 'sent by the host');
    for (const nbl of [kept, sent]) {
      expectRefused(stack, () => target.indicateNbl(key, nbl), { rule: 'CHIM-NBL-004', actor: 'probe target', object: nbl });
      expectRefused(stack, () => { target.miniport.indicateReceiveNetBufferLists(nbl, 0, 1, 0); }, { rule: 'CHIM-NBL-004', actor: 'probe target', object: nbl });
    }
    host.binding.returnNetBufferLists(kept, 0);
    expectGoesOn(stack);
  });

  test('CHIM-NBL-008: ordinary packets in a list that loops, that has one which is out, or whose number is not what was said', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const list = target.list('a', 'b');
    const last = present(list.next);
    last.next = list;
    expectRefused(stack, () => { target.miniport.indicateReceiveNetBufferLists(list, 0, 2, 0); }, { rule: 'CHIM-NBL-008', actor: 'probe target', object: list });
    last.next = target.indicateOrdinary(0, 'kept by the host');
    expectRefused(stack, () => { target.miniport.indicateReceiveNetBufferLists(list, 0, 3, 0); }, { rule: 'CHIM-NBL-008', actor: 'probe target', object: last.next });
    host.binding.returnNetBufferLists(last.next, 0);
    last.next = null;
    expectRefused(stack, () => { target.miniport.indicateReceiveNetBufferLists(list, 0, 3, 0); }, { rule: 'CHIM-NBL-008', actor: 'probe target', object: list });
    expectGoesOn(stack);
  });

  test('CHIM-EVT-019: indications for a connection that was given back, never taken, or is another adapter’s', () => {
    const stack = createProbeStack(shape);
    const other = createProbeStack(shape);
    const { host, target } = stack;
    const gone = present(host.offload().connections[0]);
    target.completeTree('initiate');
    const key = stack.lowest(gone);
    host.binding.terminateOffload(host.connections(gone));
    target.completeTree('terminate');
    const nbl = target.list('late');
    const never = new OffloadHandle(key.binding, 'never offered');
    for (const bad of [key, never, other.lowest(other.connection)]) {
      const refusal = { rule: 'CHIM-EVT-019', actor: 'probe target', object: bad };
      expectRefused(stack, () => { target.event(bad, 2); }, refusal);
      expectRefused(stack, () => target.indicateNbl(bad, nbl), refusal);
      expectRefused(stack, () => { target.askAboutNeighbor(bad, INDICATE_OFFLOAD_EVENT.NeighborReachabilityQuery); }, refusal);
    }
    expectGoesOn(other);
    expectGoesOn(stack);
  });

  test('CHIM-EVT-016: a neighbor query is one stand-alone block', () => {
    const stack = createProbeStack(shape);
    const block = createMiniportOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, stack.lowest(stack.neighbor));
    for (const link of ['nextBlock', 'dependentBlockList'] as const) {
      block[link] = createMiniportOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState);
      expectRefused(stack, () => { stack.target.miniport.offloadEventIndicate(block, 2); }, { rule: 'CHIM-EVT-016', actor: 'probe target', object: block });
      block[link] = null;
    }
    expectGoesOn(stack);
  });

  const returned: [entry: string, rule: string, start: (stack: ProbeStack) => unknown][] = [
    ['miniportTcpOffloadSend', 'CHIM-SND-001', ({ host, connection }) => host.send(connection, 'x')],
    ['miniportTcpOffloadReceive', 'CHIM-RCV-001', ({ host, connection }) => host.receive(connection, 1)],
    ['miniportTcpOffloadForward', 'CHIM-FWD-001', ({ host, connection }) => host.forward(connection, 'x')],
    ['miniportTcpOffloadDisconnect', 'CHIM-DSC-001', ({ host, connection }) => host.disconnect(connection)],
  ];

  test.each(returned)('%s answers PENDING and nothing else: %s; to the host the request is pending all the same', (entry, rule, start) => {
    const stack = createProbeStack(shape);
    for (const answer of [NDIS_STATUS_SUCCESS, NDIS_STATUS_FAILURE, 'text', true, null, {}]) {
      stack.target.calls.once(entry, () => answer);
      start(stack);
      expect(stack.expectViolation(rule).actor).toBe('probe target');
      stack.finishAll();
    }
    expectGoesOn(stack);
  });

  test('CHIM-RET-001: receive return answers SUCCESS', () => {
    const stack = createProbeStack(shape);
    const list = stack.target.indicateOrdinary(0, 'kept');
    stack.target.calls.once('miniportTcpOffloadReceiveReturn', () => NDIS_STATUS_FAILURE);
    stack.host.binding.offloadTcpReceiveReturn(list);
    stack.expectViolation('CHIM-RET-001');
    expectGoesOn(stack);
  });
});

const operations: [operation: ProbeOperation, start: (stack: ProbeStack, root: ProtocolOffloadBlockList) => void][] = [
  ['initiate', ({ host }, root) => { host.initiate(root); }],
  ['query', ({ host }, root) => { host.binding.queryOffloadState(root); }],
  ['update', ({ host }, root) => { host.binding.updateOffload(root); }],
  ['invalidate', ({ host }, root) => { host.binding.invalidateOffload(root); }],
  ['terminate', ({ host }, root) => { host.binding.terminateOffload(root); }],
];

const bufferedDataOf = (block: MiniportOffloadBlockList, list: NetBufferList | null): void => {
  const { delegated } = block.state as TcpOffloadState;
  if (delegated !== null) delegated.bufferedData = list;
};

/** Puts another handle into the slot that a driver below only reads. */
function rename(block: MiniportOffloadBlockList, handle: OffloadHandle | null): void {
  (block as unknown as OffloadBlockList).offloadHandle = handle;
}

describe.each(STACK_SHAPES)('a target that lies about trees, %s', (_name, shape) => {
  /** Starts an operation on a tree of six blocks. @returns what the target holds. */
  function startOn(stack: ProbeStack, operation: ProbeOperation): { root: ProtocolOffloadBlockList; tree: MiniportOffloadBlockList } {
    const { host, target } = stack;
    const [, start] = present(operations.find(([name]) => name === operation));
    let { root } = newTree(host.binding, { pathsPerNeighbor: 2 });
    if (operation !== 'initiate') {
      root = host.offload({ pathsPerNeighbor: 2 }).root;
      target.completeTree('initiate');
    }
    start(stack, root);
    return { root, tree: present(target.trees[0]).tree };
  }

  describe.each(operations)('%s', (operation) => {
    /** Expects the completion of what the target holds to be refused. */
    const refused = (stack: ProbeStack, root: ProtocolOffloadBlockList, attempt: () => void, rule: string, object?: unknown): void => {
      expectRefused(stack, attempt, { rule, actor: 'probe target', object }, { trees: [root] });
    };

    test('CHIM-BLK-008: it is completed once', () => {
      const stack = createProbeStack(shape);
      const { root, tree } = startOn(stack, operation);
      stack.target.completeTree(operation);
      refused(stack, root, () => { stack.target.passUp(operation, tree); }, 'CHIM-BLK-008', root);
      expectGoesOn(stack);
    });

    test('CHIM-BLK-008: it is completed by its own function', () => {
      const stack = createProbeStack(shape);
      const { root, tree } = startOn(stack, operation);
      for (const [other] of operations) {
        if (other !== operation) refused(stack, root, () => { stack.target.passUp(other, tree); }, 'CHIM-BLK-008', root);
      }
      expectGoesOn(stack);
    });

    test('CHIM-BLK-008: a tree that never came down is not completed', () => {
      const stack = createProbeStack(shape);
      const { root } = newTree(stack.host.binding);
      refused(stack, root, () => { stack.target.passUp(operation, root as unknown as MiniportOffloadBlockList); }, 'CHIM-BLK-008', root);
      expectGoesOn(stack);
    });

    test('CHIM-BLK-008: a tree of another adapter is not completed', () => {
      const stack = createProbeStack(shape);
      const other = createProbeStack(shape);
      const { root, tree } = startOn(other, operation);
      refused(stack, root, () => { stack.target.passUp(operation, tree); }, 'CHIM-BLK-008', root);
      expectGoesOn(other);
      expectGoesOn(stack);
    });

    test('CHIM-BLK-003: another block than the root does not stand for the tree', () => {
      const stack = createProbeStack(shape);
      const { root, tree } = startOn(stack, operation);
      for (const block of blocksOf(tree).slice(1)) refused(stack, root, () => { stack.target.passUp(operation, block); }, 'CHIM-BLK-003', block);
      expectGoesOn(stack);
    });

    const bends: [what: string, bend: (blocks: MiniportOffloadBlockList[], stack: ProbeStack) => void][] = [
      ['without its last path', (blocks) => { present(blocks[1]).nextBlock = null; }],
      ['without a connection', (blocks) => { present(blocks[1]).dependentBlockList = null; }],
      ['without anything but the root', (blocks) => { present(blocks[0]).dependentBlockList = null; }],
      ['with a block that did not go down', (blocks) => { present(blocks.at(-1)).nextBlock = createMiniportOffloadBlockList(OFFLOAD_STATE_TYPE.TcpOffloadState); }],
      ['with a cycle', (blocks) => { present(blocks.at(-1)).nextBlock = present(blocks[0]); }],
      ['with a shared branch', (blocks) => { present(blocks[2]).nextBlock = present(blocks[3]); }],
      ['with a block that names nothing any more', (blocks) => { rename(present(blocks.at(-1)), null); }],
      ['with an object of another binding', (blocks, { connection }) => { rename(present(blocks.at(-1)), new OffloadHandle(createProbeStack(shape).host.binding, connection)); }],
      ['with something that is no handle', (blocks) => { rename(present(blocks.at(-1)), { binding: null } as unknown as OffloadHandle); }],
    ];

    test.each(bends)('CHIM-BLK-003: a tree that comes back %s is refused whole; mended, it goes up', (_what, bend) => {
      const stack = createProbeStack(shape);
      const { root, tree } = startOn(stack, operation);
      const blocks = blocksOf(tree);
      const members = (blocks as unknown as OffloadBlockList[]).map(({ nextBlock, dependentBlockList, offloadHandle }) => ({ nextBlock, dependentBlockList, offloadHandle }));
      // Statuses and cells are what a target writes before it completes.
      for (const block of blocks) {
        block.status = NDIS_STATUS_SUCCESS;
        if (operation === 'initiate') present(block.miniportOffloadContext).miniportOffloadContext = { block };
      }
      bend(blocks, stack);
      refused(stack, root, () => { stack.target.passUp(operation, tree); }, 'CHIM-BLK-003');
      blocks.forEach((block, at) => Object.assign(block, members[at]));
      stack.target.passUp(operation, tree);
      stack.target.trees.length = 0;
      expectGoesOn(stack);
    });
  });

  test('CHIM-INI-013: success needs a context, failure must not have one', () => {
    const stack = createProbeStack(shape);
    const { target } = stack;
    const { root } = startOn(stack, 'initiate');
    const trees = { trees: [root] };
    const refusal = { rule: 'CHIM-INI-013', actor: 'probe target' };
    const tree = present(target.trees[0]).tree;
    const blocks = blocksOf(tree);
    const cellOf = (block: MiniportOffloadBlockList | undefined): { miniportOffloadContext: unknown } => present(block?.miniportOffloadContext);
    for (const block of blocks) {
      block.status = NDIS_STATUS_SUCCESS;
      cellOf(block).miniportOffloadContext = { block };
    }
    for (const nothing of [null, undefined]) {
      cellOf(blocks[4]).miniportOffloadContext = nothing;
      expectRefused(stack, () => { target.passUp('initiate', tree); }, { ...refusal, object: blocks[4] }, trees);
    }
    present(blocks[4]).status = NDIS_STATUS_FAILURE;
    cellOf(blocks[4]).miniportOffloadContext = {};
    expectRefused(stack, () => { target.passUp('initiate', tree); }, { ...refusal, object: blocks[4] }, trees);
    cellOf(blocks[4]).miniportOffloadContext = null;
    target.passUp('initiate', tree);
    target.trees.length = 0;
    expectGoesOn(stack);
  });

  test('CHIM-NBL-001: a terminate hands back send data that is below, no other, and once', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const sent = host.send(connection, 'a', 'b');
    const completed = host.send(connection, 'c');
    target.sends.pop();
    target.handlers.tcpOffloadSendComplete(completed);
    const root = host.connections(connection);
    host.binding.terminateOffload(root);
    const refuse = (chain: NetBufferList, object: NetBufferList): void => {
      present(target.trees[0]).tree.netBufferListChain = chain;
      expectRefused(stack, () => { target.completeTree('terminate'); }, { rule: 'CHIM-NBL-001', actor: 'probe target', object }, { trees: [root] });
      present(target.trees[0]).tree.netBufferListChain = null;
    };
    refuse(completed, completed);
    present(sent.next).next = completed;
    refuse(sent, completed);
    present(sent.next).next = sent;
    refuse(sent, sent);
    present(sent.next).next = null;
    refuse(target.list('its own'), present([...target.nbls][0]));
    target.sends.length = 0;
    target.completeTree('terminate', { change: (block) => { block.netBufferListChain = sent; } });
    root.netBufferListChain = null;
    stack.close();
  });

  test('CHIM-NBL-004, CHIM-NBL-008: a terminate hands up received data that is the target’s own, and no list that loops', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const root = host.connections(connection);
    const sent = host.send(connection, 'the host’s');
    const kept = target.indicateOrdinary(0, 'kept by the host');
    const own = target.list('a', 'b');
    host.binding.terminateOffload(root);
    const refuse = (list: NetBufferList, rule: string, object: NetBufferList): void => {
      bufferedDataOf(present(target.trees[0]).tree, list);
      expectRefused(stack, () => { target.completeTree('terminate'); }, { rule, actor: 'probe target', object }, { trees: [root] });
      bufferedDataOf(present(target.trees[0]).tree, null);
    };
    refuse(sent, 'CHIM-NBL-004', sent);
    refuse(kept, 'CHIM-NBL-004', kept);
    present(own.next).next = own;
    refuse(own, 'CHIM-NBL-008', own);
    present(own.next).next = kept;
    refuse(own, 'CHIM-NBL-008', kept);
    present(own.next).next = null;
    host.binding.returnNetBufferLists(kept, 0);
    target.completeSends();
    target.completeTree('terminate', { change: (block) => { bufferedDataOf(block, own); } });
    host.binding.offloadTcpReceiveReturn(own);
    bufferedDataOf(root as unknown as MiniportOffloadBlockList, null);
    stack.close();
  });

  test('a terminate whose received data is bad puts back the send data it had taken', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const chain = host.send(connection, 'unsent');
    const kept = target.indicateOrdinary(0, 'kept by the host');
    const root = host.connections(connection);
    host.binding.terminateOffload(root);
    const { tree } = present(target.trees[0]);
    tree.netBufferListChain = chain;
    bufferedDataOf(tree, kept);
    expectRefused(stack, () => { target.completeTree('terminate'); }, { rule: 'CHIM-NBL-004', actor: 'probe target', object: kept }, { trees: [root] });
    host.binding.returnNetBufferLists(kept, 0);
    bufferedDataOf(tree, null);
    tree.netBufferListChain = null;
    target.completeSends();
    target.completeTree('terminate');
    stack.close();
  });

  test('a terminate that is refused at its last block puts back all it had taken: chains, data, states, cells', () => {
    const stack = createProbeStack(shape);
    const { host, target } = stack;
    const [first, second] = host.offload({ connectionsPerPath: 2 }).connections as [OffloadHandle, OffloadHandle];
    target.completeTree('initiate');
    const chain = host.send(first, 'unsent', 'data');
    const buffered = target.list('undelivered');
    target.sends.length = 0;
    const root = host.connections(first, second);
    host.binding.terminateOffload(root);
    const { tree } = present(target.trees[0]);
    const fill = (block: MiniportOffloadBlockList): void => {
      if (block !== tree) return;
      block.netBufferListChain = chain;
      bufferedDataOf(block, buffered);
    };
    fill(tree);
    present(tree.nextBlock).netBufferListChain = host.list('never passed down');
    expectRefused(stack, () => { target.completeTree('terminate', { change: fill }); }, { rule: 'CHIM-NBL-001', actor: 'probe target' }, { trees: [root] });
    expect([first.state, second.state]).toEqual(['terminating', 'terminating']);
    present(tree.nextBlock).netBufferListChain = null;
    target.completeTree('terminate', { change: fill });
    host.binding.offloadTcpReceiveReturn(buffered);
    root.netBufferListChain = null;
    bufferedDataOf(tree, null);
    expectGoesOn(stack);
  });

  test('CHIM-TRM-006: a terminate is not completed from inside an indication of the object', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const root = host.connections(connection);
    host.calls.once('protocolTcpOffloadEvent', () => {
      host.binding.terminateOffload(root);
      expectRefused(stack, () => { target.completeTree('terminate'); }, { rule: 'CHIM-TRM-006', actor: 'probe target' }, { trees: [root] });
    });
    target.event(stack.lowest(connection), 2);
    target.completeTree('terminate');
    expect(connection.state).toBe('dead');
    stack.close();
  });

  test('CHIM-NBL-001: after the terminate nothing of the connection is completed that came back with it', () => {
    const stack = createProbeStack(shape);
    const { host, target, connection } = stack;
    const list = host.send(connection, 'x');
    target.sends.length = 0;
    const root = host.connections(connection);
    host.binding.terminateOffload(root);
    target.completeTree('terminate', { change: (block) => { block.netBufferListChain = list; } });
    root.netBufferListChain = null;
    expectRefused(stack, () => { target.handlers.tcpOffloadSendComplete(list); }, { rule: 'CHIM-NBL-001', actor: 'probe target', object: list });
    stack.close();
  });
});
