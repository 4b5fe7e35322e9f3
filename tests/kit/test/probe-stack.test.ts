import { createProbeStack, present, Snapshots, START_SEQ, STACK_SHAPES, tcpState } from '@ndis-chimney/kit';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, type BytesConsumed, type NDIS_STATUS, type NetBufferList, type OffloadHandle } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

// What every suite relies on: a stack that was left in disorder does not close quietly.

describe('the probes notice what is left behind', () => {
  test('an NBL that its owner did not get back', () => {
    const stack = createProbeStack();
    stack.host.send(stack.connection, 'lost');
    stack.target.sends.length = 0;
    expect(() => {
      stack.close();
    }).toThrow(/still out|NET_BUFFER_LISTs below/);
  });

  test('an indicated NBL that the host never returned', () => {
    const stack = createProbeStack();
    stack.host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, _nbl: unknown, _status: unknown, bytesConsumed: BytesConsumed) => {
      bytesConsumed.value = 4;
      return NDIS_STATUS_SUCCESS;
    });
    stack.target.indicate(stack.lowest(stack.connection), 'kept');
    expect(() => {
      stack.close();
    }).toThrow(/still out/);
  });

  test('a context that nobody took off', () => {
    const stack = createProbeStack();
    const pool = stack.ndis.allocateNetBufferListContextPool(stack.host);
    const nbl = stack.host.list('x');
    pool.allocateNetBufferListContext(nbl);
    expect(() => {
      stack.close();
    }).toThrow(/still carries a context/);
  });

  test('an NBL of a pool of somebody else', () => {
    const stack = createProbeStack();
    stack.ndis.allocateNetBufferListPool('somebody').allocateNetBufferAndNetBufferList(null, 0, 0);
    expect(() => {
      stack.close();
    }).toThrow(/1 netBufferLists are left/);
  });

  test('a violation nobody expected', () => {
    const stack = createProbeStack();
    stack.ndis.reportViolation({ rule: 'CHIM-SND-006', actor: 'somebody', detail: 'did it' });
    expect(() => {
      stack.close();
    }).toThrow(/CHIM-SND-006: somebody: did it/);
  });

  test('an object that is still offloaded', () => {
    const stack = createProbeStack();
    stack.host.handles.delete(stack.connection);
    expect(() => {
      stack.close();
    }).toThrow(/1 objects offloaded/);
  });

  test('an operation that was never completed', () => {
    const stack = createProbeStack();
    stack.host.offload();
    stack.target.trees.length = 0;
    expect(() => {
      stack.close();
    }).toThrow(/1 state operations below/);
  });

  test('a send that does not come back', () => {
    const stack = createProbeStack();
    stack.target.calls.on('miniportTcpOffloadSend', (_context: unknown, _connection: unknown, list: NetBufferList): NDIS_STATUS => {
      list.next = null;
      return NDIS_STATUS_PENDING;
    });
    expect(() => {
      stack.proveItWorks();
    }).toThrow(/came back as still/);
  });

  test('violations of other rules than the expected ones, or none', () => {
    const stack = createProbeStack();
    expect(() => stack.expectViolation('CHIM-SND-006')).toThrow(/found none/);
    stack.ndis.reportViolation({ rule: 'CHIM-SND-007', actor: 'somebody', detail: 'did it' });
    expect(() => stack.expectViolation('CHIM-SND-006')).toThrow(/CHIM-SND-007/);
    stack.ndis.reportViolation({ rule: 'CHIM-SND-007', actor: 'somebody', detail: 'did it' });
    expect(() => {
      stack.expectViolations('CHIM-SND-007', 'CHIM-SND-008');
    }).toThrow(/found CHIM-SND-007/);
  });

  test('an intermediate driver that keeps an entry', () => {
    class Keeper extends PassThroughDriver {
      keep(): void {
        this.blocks.offloadEntries++;
      }
    }
    const stack = createProbeStack({ intermediates: 1, createIntermediate: (ndis, options) => new Keeper(ndis, options) });
    (stack.intermediates[0] as Keeper).keep();
    expect(() => {
      stack.close();
    }).toThrow(/im1 has 1 offload entries/);
  });
});

describe.each(STACK_SHAPES)('snapshots of %s', (_name, shape) => {
  test('two of them are equal as long as nothing happens', () => {
    const stack = createProbeStack(shape);
    stack.host.send(stack.connection, 'a');
    const snapshots = new Snapshots(stack);
    expect(snapshots.take()).toEqual(snapshots.take());
    stack.close();
  });

  const changes: [what: string, change: (stack: ReturnType<typeof createProbeStack>, nbl: NetBufferList, key: OffloadHandle) => void][] = [
    ['a tag', (_stack, nbl) => { nbl.sourceHandle = null; }],
    ['a link', (_stack, nbl) => { nbl.next = nbl; }],
    ['a context', (stack, nbl) => { stack.ndis.allocateNetBufferListContextPool(stack.host).allocateNetBufferListContext(nbl); }],
    ['the state of a handle', (_stack, _nbl, key) => { key.ndisState = 0; }],
    ['a cell', (_stack, _nbl, key) => { key.miniportOffloadContext = {}; }],
    ['a depth', (_stack, _nbl, key) => { key.ndisCallDepth++; }],
    ['a counter of a binding', (_stack, _nbl, key) => { (key.binding as unknown as { outstandingNbls: number }).outstandingNbls++; }],
    ['a mark', (stack) => { (present(stack.host.handles.get(stack.path)) as unknown as { ndisReserved0: unknown }).ndisReserved0 = {}; }],
    ['a member that intermediate drivers save', (stack) => { present(stack.host.handles.get(stack.path)).imReserved0 = 'x'; }],
  ];

  test.each(changes)('they show %s that changed', (_what, change) => {
    const stack = createProbeStack(shape);
    const nbl = stack.host.send(stack.connection, 'a');
    const snapshots = new Snapshots(stack, { trees: [stack.tree.root] });
    const before = snapshots.take();
    change(stack, nbl, stack.lowest(stack.connection));
    expect(snapshots.take()).not.toEqual(before);
  });
});

test('connections start two below the wrap of the sequence numbers', () => {
  expect(START_SEQ >>> 0).toBe(0xffff_fffe);
  expect(tcpState().delegated).toMatchObject({ sndUna: START_SEQ, rcvNxt: START_SEQ });
});
