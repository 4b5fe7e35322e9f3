import { SeededRandom } from '@ndis-chimney/core/runtime';
import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import { createProbeStack, membersOf, under, type ProbeStack } from '@ndis-chimney/kit';
import {
  Dpc,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  createProtocolOffloadBlockList,
  netBufferListDataLength,
  type BytesConsumed,
  type NetBufferList,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

const OPERATIONS = 100_000;
/** Operations between two drains: so many are under way together. */
const BURST = 50;
const CONNECTIONS = 32;

const KINDS = ['initiate', 'send', 'receive', 'indicate', 'disconnect', 'terminate'] as const;
type Kind = (typeof KINDS)[number];

/** A host and a target that do one thing after the other, at random. */
class Traffic {
  /** How often each thing was done. */
  readonly counts = new Map<Kind, number>(KINDS.map((kind) => [kind, 0]));
  private readonly stack: ProbeStack;
  private readonly random: SeededRandom;
  /** Connections that take requests, and those that were disconnected. */
  private readonly open: OffloadHandle[] = [];
  private readonly closed: OffloadHandle[] = [];
  private made = 0;

  constructor(stack: ProbeStack, seed: string) {
    this.stack = stack;
    this.random = new SeededRandom(seed);
    const { host, target } = stack;
    this.open.push(stack.connection);
    for (const completion of ['Send', 'Receive', 'Disconnect']) {
      host.calls.on(`protocolTcpOffload${completion}Complete`, (_context: unknown, list: NetBufferList) => {
        host.free(membersOf(list));
      });
    }
    host.calls.on('protocolTcpOffloadReceiveIndicate', (handle: OffloadHandle, nbl: NetBufferList, _status: number, bytesConsumed: BytesConsumed) => {
      if (this.random.nextInt(2) === 0) return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
      bytesConsumed.value = netBufferListDataLength(nbl);
      this.returnLater(handle, nbl);
      return NDIS_STATUS_SUCCESS;
    });
    target.calls.on('miniportTcpOffloadReceiveReturn', (_context: unknown, list: NetBufferList) => {
      target.free(membersOf(list));
      return NDIS_STATUS_SUCCESS;
    });
  }

  /** Does so many things, with a pause for completions now and then. */
  run(operations: number): void {
    for (let done = 0; done < operations; done++) {
      const kind = this.step();
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
      if (done % BURST !== 0) continue;
      this.stack.settle();
      this.stack.host.calls.clear();
      this.stack.target.calls.clear();
    }
    this.stack.settle();
  }

  private step(): Kind {
    const dice = this.random.nextInt(100);
    const at = this.random.nextInt(Math.max(1, this.open.length));
    const connection = this.open[at];
    if (connection === undefined || (dice < 10 && this.open.length < CONNECTIONS)) return this.initiate();
    if (dice < 45) return this.send(connection);
    if (dice < 70) return this.receive(connection);
    if (dice < 85) return this.indicate(connection);
    if (dice < 92) return this.disconnect(at);
    return this.terminate(at);
  }

  private send(connection: OffloadHandle): Kind {
    this.stack.host.send(connection, ...Array<string>(1 + this.random.nextInt(4)).fill('some data'));
    return 'send';
  }

  private receive(connection: OffloadHandle): Kind {
    this.stack.host.receive(connection, ...Array<number>(1 + this.random.nextInt(3)).fill(100));
    return 'receive';
  }

  /** Offers one more connection, linked to the path that is offloaded. */
  private initiate(): Kind {
    const { host, tree } = this.stack;
    const { NeighborOffloadState, Ip4OffloadState } = OFFLOAD_STATE_TYPE;
    const [neighbor = null] = tree.neighbors;
    const [path = null] = tree.paths;
    const handle = new OffloadHandle(host.binding, `connection ${this.made++}`);
    const root = under(createProtocolOffloadBlockList(NeighborOffloadState, neighbor), under(createProtocolOffloadBlockList(Ip4OffloadState, path), host.connections(handle)));
    host.initiate(root);
    this.stack.finishAll();
    this.open.push(handle);
    return 'initiate';
  }

  private disconnect(at: number): Kind {
    const [connection] = this.open.splice(at, 1);
    if (connection !== undefined) {
      this.stack.host.disconnect(connection);
      this.closed.push(connection);
    }
    return 'disconnect';
  }

  /** Disconnected connections first, or there would be more and more of them. */
  private terminate(at: number): Kind {
    const connection = this.closed.shift() ?? this.open.splice(at, 1)[0];
    if (connection !== undefined) {
      this.stack.host.binding.terminateOffload(this.stack.host.connections(connection));
      this.stack.host.handles.delete(connection);
    }
    return 'terminate';
  }

  /** Indicates data, as a target does: from a DPC. What is not accepted is the target's at once. */
  private indicate(connection: OffloadHandle): Kind {
    const { target, ndis } = this.stack;
    const handle = this.stack.contextOf(connection).handle;
    ndis.dpcQueue.insert(
      new Dpc({
        runDpc() {
          // The connection may have been terminated since.
          if (handle.state !== 'offloaded') return;
          const { status, netBufferList } = target.indicate(handle, 'received');
          if (status !== NDIS_STATUS_SUCCESS) target.free([netBufferList]);
        },
      }),
    );
    return 'indicate';
  }

  private returnLater(handle: OffloadHandle, nbl: NetBufferList): void {
    this.stack.ndis.dpcQueue.insert(
      new Dpc({
        runDpc() {
          handle.binding.offloadTcpReceiveReturn(nbl);
        },
      }),
    );
  }
}

/** Loses one completion of receives in ten. */
class Forgetful extends PassThroughDriver {
  private receivesDone = 0;

  override protocolTcpOffloadReceiveComplete(adapter: PassThroughAdapter, netBufferList: NetBufferList): void {
    if (++this.receivesDone % 10 !== 0) super.protocolTcpOffloadReceiveComplete(adapter, netBufferList);
  }
}

const NOTHING = { netBufferLists: 0, netBuffers: 0, contexts: 0, operations: 0 };

describe('pools, with everything completed', () => {
  it(`have nothing out after ${OPERATIONS} sends, receives, indications, disconnects, terminates and initiates through 3 intermediate drivers`, () => {
    const stack = createProbeStack({ intermediates: 3, isAutomatic: true, seed: 'leaks' });
    const traffic = new Traffic(stack, 'leaks');
    traffic.run(OPERATIONS);
    expect(stack.violations.map(({ message }) => message)).toEqual([]);
    expect(stack.ndis.outstanding).toEqual(NOTHING);
    stack.close();
    for (const kind of KINDS) expect(traffic.counts.get(kind), kind).toBeGreaterThan(OPERATIONS / 20);
  });

  it('have something out when an intermediate driver loses a completion now and then', () => {
    const stack = createProbeStack({ intermediates: 3, isAutomatic: true, seed: 'leaks', createIntermediate: (ndis, options) => new Forgetful(ndis, options) });
    new Traffic(stack, 'leaks').run(OPERATIONS / 100);
    const { netBufferLists, contexts } = stack.ndis.outstanding;
    expect(netBufferLists).toBeGreaterThan(0);
    expect(contexts).toBeGreaterThan(0);
  });
});
