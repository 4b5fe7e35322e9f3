import { SeededRandom } from '@ndis-chimney/core/runtime';
import { createProbeStack, link, membersOf, present, STACK_SHAPES, textsOf, type ProbeOperation, type ProbeStack, type ProbeStackOptions, type ProbeTree } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  isChimneyViolation,
  type BytesConsumed,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

/** A connection and what is under way for it. */
interface Connection {
  readonly tree: ProbeTree;
  readonly handle: OffloadHandle;
  /** Queries, updates and invalidates under way. */
  operations: number;
  /** The updates and invalidates of these. */
  changes: number;
  isDisconnected: boolean;
}

/** What a step may be; some come more often. */
const ACTIONS = [
  'offload',
  'send',
  'send',
  'receive',
  'forward',
  'ordinary',
  'disconnect',
  'complete',
  'complete',
  'complete',
  'indicate',
  'returnKept',
  'stateOperation',
  'completeTree',
  'completeTree',
  'terminate',
  'event',
  'misbehave',
] as const;

/** Does one random thing after the other to a stack: mostly what is allowed, sometimes what is not. */
class RandomWalk {
  private readonly stack: ProbeStack;
  private readonly random: SeededRandom;
  private connections: Connection[] = [];
  /** Received NBLs the host has kept. */
  private kept: NetBufferList[] = [];
  /** NBLs the host sent, by what they hold; gone when they came back. */
  private readonly sent = new Map<NetBufferList, string>();
  /** Whose query, update or invalidate a tree is. */
  private readonly operationOf = new Map<object, Connection>();
  private nextText = 0;
  refused = 0;

  constructor(options: ProbeStackOptions, seed: string) {
    this.stack = createProbeStack({ ...options, seed });
    this.random = new SeededRandom(seed);
    const { host } = this.stack;
    for (const entry of ['protocolTcpOffloadSendComplete', 'protocolTcpOffloadReceiveComplete', 'protocolTcpOffloadForwardComplete', 'protocolTcpOffloadDisconnectComplete', 'protocolSendNetBufferListsComplete']) {
      host.calls.on(entry, (_context: unknown, list: NetBufferList) => {
        this.takeBack(list);
      });
    }
    host.calls.on('protocolTcpOffloadReceiveIndicate', (_handle: unknown, nbl: NetBufferList, _status: unknown, bytesConsumed: BytesConsumed) => this.answer(nbl, bytesConsumed));
    host.calls.on('protocolReceiveNetBufferLists', (_context: unknown, list: NetBufferList, _port: number, _count: number, flags: number) => {
      if (flags === 0) this.kept.push(...membersOf(list));
    });
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      this[present(ACTIONS[this.random.nextInt(ACTIONS.length)])]();
      if (i % 64 === 0) this.tidy();
    }
  }

  /** Ends everything; what pools have out afterwards was lost. */
  end(): void {
    const { stack } = this;
    stack.finishAll();
    this.connections = [];
    if (this.kept.length > 0) stack.host.binding.offloadTcpReceiveReturn(link(this.kept.splice(0)));
    stack.host.calls.off('protocolReceiveNetBufferLists');
    stack.terminateAll();
    expect(this.sent.size).toBe(0);
    stack.close();
  }

  private tidy(): void {
    const { host, target } = this.stack;
    host.calls.clear();
    target.calls.clear();
    host.free([...host.nbls].filter((nbl) => nbl.sourceHandle === null && !this.sent.has(nbl)));
    target.free([...target.nbls].filter((nbl) => nbl.sourceHandle === null));
    for (const [handle] of host.handles) if (handle.state === 'dead') host.handles.delete(handle);
    this.connections = this.connections.filter(({ handle }) => handle.state !== 'dead');
  }

  private chance(percent: number): boolean {
    return this.random.nextInt(100) < percent;
  }

  /** One of the connections that are offloaded and may be used for data, or null. */
  private usable(): Connection | null {
    const usable = this.connections.filter(({ handle, isDisconnected }) => handle.state === 'offloaded' && !isDisconnected);
    return usable.length === 0 ? null : (usable[this.random.nextInt(usable.length)] ?? null);
  }

  private list(): NetBufferList {
    const texts = Array.from({ length: 1 + this.random.nextInt(this.chance(10) ? 20 : 4) }, () => `nbl ${this.nextText++}`);
    const list = this.stack.host.list(...texts);
    membersOf(list).forEach((nbl, at) => this.sent.set(nbl, texts[at] ?? ''));
    return list;
  }

  private takeBack(list: NetBufferList): void {
    for (const nbl of membersOf(list)) {
      if (!this.sent.delete(nbl)) throw new Error('an NBL came back that was not out');
      if (nbl.sourceHandle !== null || nbl.context !== null) throw new Error('an NBL came back with something on it');
    }
    // Sometimes the host uses what it got back at once.
    const connection = this.chance(5) ? this.usable() : null;
    if (connection === null) return;
    textsOf(list).forEach((text, at) => this.sent.set(present(membersOf(list)[at]), text));
    this.stack.host.binding.offloadTcpSend(connection.handle, list);
  }

  private offload(): void {
    if (this.connections.length >= 8) return;
    const tree = this.stack.host.offload({ connectionsPerPath: 1 + this.random.nextInt(2) });
    for (const handle of tree.connections) this.connections.push({ tree, handle, operations: 0, changes: 0, isDisconnected: false });
  }

  private send(): void {
    const connection = this.usable();
    if (connection !== null) this.stack.host.binding.offloadTcpSend(connection.handle, this.list());
  }

  private receive(): void {
    const connection = this.usable();
    if (connection !== null) this.stack.host.binding.offloadTcpReceive(connection.handle, this.list());
  }

  private forward(): void {
    const connection = this.usable();
    if (connection !== null) this.stack.host.binding.offloadTcpForward(connection.handle, this.list());
  }

  private ordinary(): void {
    if (this.chance(50)) this.stack.host.binding.sendNetBufferLists(this.list(), 0, 0);
    else this.stack.target.indicateOrdinary(this.chance(50) ? 0 : 2, 'p', 'q');
  }

  private disconnect(): void {
    const connection = this.chance(20) ? this.usable() : null;
    if (connection === null) return;
    connection.isDisconnected = true;
    const nbl = this.stack.host.list('bye');
    this.sent.set(nbl, 'bye');
    this.stack.host.binding.offloadTcpDisconnect(connection.handle, nbl, 1);
  }

  private complete(): void {
    const { target } = this.stack;
    const status = this.chance(80) ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE;
    const some = (of: readonly unknown[]): number => Math.min(of.length, 1 + this.random.nextInt(12));
    switch (this.random.nextInt(5)) {
      case 0:
        target.completeReceives(some(target.receives), status);
        break;
      case 1:
        target.completeForwards(some(target.forwards), status);
        break;
      case 2:
        target.completeOrdinarySends(some(target.ordinarySends), status);
        break;
      case 3:
        target.completeDisconnect(status);
        break;
      default:
        target.completeSends(some(target.sends), status);
    }
  }

  private answer(nbl: NetBufferList, bytesConsumed: BytesConsumed): NDIS_STATUS {
    const length = nbl.firstNetBuffer?.dataLength ?? 0;
    switch (this.random.nextInt(4)) {
      case 0:
        return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
      case 1:
        bytesConsumed.value = 1;
        return NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
      case 2:
        // Consumed and given back before the answer.
        this.stack.host.binding.offloadTcpReceiveReturn(nbl);
        bytesConsumed.value = length;
        return NDIS_STATUS_SUCCESS;
      default:
        this.kept.push(nbl);
        bytesConsumed.value = length;
        return NDIS_STATUS_SUCCESS;
    }
  }

  private indicate(): void {
    const connection = this.usable();
    if (connection !== null) this.stack.target.indicate(this.stack.lowest(connection.handle), 'received');
  }

  private returnKept(): void {
    const returned = this.kept.splice(0, 1 + this.random.nextInt(6));
    if (returned.length > 0) this.stack.host.binding.offloadTcpReceiveReturn(link(returned));
  }

  private stateOperation(): void {
    const connection = this.usable();
    if (connection === null) return;
    const { host } = this.stack;
    const root = host.connections(connection.handle);
    connection.operations++;
    this.operationOf.set(root, connection);
    if (connection.handle.invalid || connection.changes > 0 || this.chance(60)) {
      host.binding.queryOffloadState(root);
      return;
    }
    connection.changes++;
    if (this.chance(80)) host.binding.updateOffload(root);
    else host.binding.invalidateOffload(root);
  }

  private completeTree(): void {
    const { target } = this.stack;
    const pending = target.trees[this.random.nextInt(Math.max(1, target.trees.length))];
    if (pending === undefined) return;
    this.completeFirst(pending.operation, this.chance(85) ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE);
  }

  /** Completes the oldest of the operations of one kind. */
  private completeFirst(operation: ProbeOperation, status: NDIS_STATUS): void {
    const { target } = this.stack;
    const first = present(target.trees.find((one) => one.operation === operation));
    const connection = this.operationOf.get(first.tree);
    if (connection !== undefined) {
      connection.operations--;
      if (operation !== 'query') connection.changes--;
      this.operationOf.delete(first.tree);
    }
    target.completeTree(operation, { status });
  }

  private terminate(): void {
    const idle = this.connections.filter(({ handle, operations }) => operations === 0 && (handle.state === 'offloaded' || handle.state === 'lost'));
    const connection = this.chance(30) ? idle[0] : undefined;
    if (connection === undefined) return;
    const { host, target } = this.stack;
    const root = host.connections(connection.handle);
    host.binding.terminateOffload(root);
    // The target hands back in the tree some of what was sent, and what it received.
    const unsent = target.trees.length === 1 && this.chance(50) ? target.sends.splice(0) : [];
    const received = this.chance(30) ? target.list('undelivered', 'data') : null;
    if (unsent.length === 0 && received === null) return;
    while (target.trees.length > 1) this.completeFirst(present(target.trees[0]).operation, NDIS_STATUS_SUCCESS);
    target.completeTree('terminate', {
      change: (block) => {
        if (unsent.length > 0) block.netBufferListChain = link(unsent);
        const { delegated } = block.state as TcpOffloadState;
        if (delegated !== null) delegated.bufferedData = received;
      },
    });
    this.takeBackFromTree(root.netBufferListChain);
    root.netBufferListChain = null;
    if (received !== null) this.kept.push(...membersOf(received));
  }

  private takeBackFromTree(list: NetBufferList | null): void {
    for (const nbl of membersOf(list)) {
      if (!this.sent.delete(nbl) || nbl.sourceHandle !== null || nbl.context !== null) throw new Error('an NBL came back in a tree that was not in order');
    }
  }

  private event(): void {
    const connection = this.usable();
    if (connection !== null) this.stack.target.event(this.stack.lowest(connection.handle), 1 + this.random.nextInt(4), this.random.nextInt(100));
  }

  /** Something that is refused. */
  private misbehave(): void {
    const { host, target } = this.stack;
    const connection = this.usable();
    const out = [...this.sent.keys()][0];
    const dead = [...host.handles.keys()].find(({ state }) => state === 'dead');
    if (connection === null || out === undefined || dead === undefined) return;
    const attempts: (() => unknown)[] = [
      () => host.binding.offloadTcpForward(connection.handle, out),
      () => host.binding.offloadTcpForward(dead, host.list('to the dead')),
      () => { host.binding.terminateOffload(host.connections(connection.handle, connection.handle)); },
      () => { host.binding.offloadTcpReceiveReturn(host.list('never indicated')); },
      () => host.binding.closeAdapterEx(),
      () => { target.handlers.tcpOffloadSendComplete(host.list('never passed down')); },
      () => { target.handlers.tcpOffloadReceiveComplete(target.list('its own')); },
      () => { target.passUp('query', host.connections(this.stack.connection) as never); },
      () => target.indicateNbl(this.stack.lowest(this.stack.connection), target.list('two', 'of them')),
      () => {
        const loop = host.list('a', 'b', 'c');
        present(loop.next?.next).next = loop;
        try {
          return host.binding.offloadTcpForward(connection.handle, loop);
        } finally {
          present(loop.next?.next).next = null;
        }
      },
    ];
    const attempt = present(attempts[this.random.nextInt(attempts.length)]);
    const before = this.stack.violations.length;
    try {
      attempt();
    } catch (error) {
      if (!isChimneyViolation(error)) throw error;
      this.stack.violations.length = before;
      this.refused++;
      return;
    }
    throw new Error(`it was not refused: ${attempt.toString()}`);
  }
}

const TOTAL = 100_000;

describe(`${TOTAL} random operations`, () => {
  const seeds = STACK_SHAPES.map(([name, shape], at) => [name, `walk ${at}`, shape] as const);

  test.each(seeds)('leave every pool empty, nothing lost and nothing twice: %s, seed %s', { timeout: 60_000 }, (_name, seed, shape) => {
    const walk = new RandomWalk(shape, seed);
    const steps = Math.ceil(TOTAL / seeds.length);
    walk.run(steps);
    // Refusals are part of it, and not all there is.
    expect(walk.refused).toBeGreaterThan(steps / 100);
    expect(walk.refused).toBeLessThan(steps / 5);
    walk.end();
  });
});
