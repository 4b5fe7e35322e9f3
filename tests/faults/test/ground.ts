// The ground of these tests: NDIS, a target and a host that do what a test says and nothing else, and faults in one of
// them.
import { ProbeHost, ProbeTarget, blocksOf, membersOf, neighborBlock, newTree, pathBlock, present, referenceBlock, tcpBlock, textOf, under } from '@ndis-chimney/conformance/probes';
import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { withFaults, type FaultInjector, type FaultOptions, type FaultPlan, type PlannedFault } from '@ndis-chimney/target-faulty';
import { OffloadHandle, type ChimneyViolation, type MiniportOffloadBlockList, type NdisStatusIndication, type OFFLOAD_STATE_TYPE, type NetBufferList, type OffloadBlockState, type ProtocolOffloadBlockList, type TcpOffloadState } from '@ndis-chimney/types';

export { blocksOf, membersOf, newTree, present, referenceBlock, textOf };

/** Whose fault it is. */
export type FaultyParty = 'target' | 'host';

/** One stack with one connection (host port 4000, peer port 7) offloaded, its path and neighbor too. */
export class Ground {
  readonly runtime: DeterministicRuntime;
  readonly ndis: Ndis;
  readonly target: ProbeTarget;
  readonly host: ProbeHost;
  readonly faults: FaultInjector;
  readonly violations: ChimneyViolation[] = [];
  private nextPort = 4000;

  constructor(faults: readonly PlannedFault[] | FaultPlan, { party = 'target', options = {}, Target = ProbeTarget }: { readonly party?: FaultyParty; readonly options?: FaultOptions; readonly Target?: typeof ProbeTarget } = {}) {
    this.runtime = new DeterministicRuntime('faults');
    this.ndis = new Ndis(this.runtime);
    this.ndis.onViolationReported((violation) => {
      this.violations.push(violation);
    });
    this.target = new Target(this.ndis, { name: 'target' });
    this.host = new ProbeHost(this.ndis, { name: 'host' });
    const plan = 'faults' in faults ? faults : { id: 'test', seed: 1, faults };
    const { ndis, target, host } = this;
    this.faults = (party === 'target' ? withFaults(target, plan, ndis, options) : withFaults(host, plan, ndis, options)).faults;
    this.watchCompletions();
    target.start('nic0');
    host.register().bindTo('nic0');
    this.settle();
  }

  /** A tree of one new connection on a new path on a new neighbor. */
  tree(hostPort: number = this.nextPort++): { root: ProtocolOffloadBlockList; connection: OffloadHandle; blocks: ProtocolOffloadBlockList[] } {
    const { binding } = this.host;
    const tcp = tcpBlock(new OffloadHandle(binding, `connection ${hostPort}`));
    const constant = present((tcp.state as TcpOffloadState).const);
    constant.localPort = hostPort;
    constant.remotePort = 7;
    const root = under(neighborBlock(new OffloadHandle(binding, 'neighbor')), under(pathBlock(new OffloadHandle(binding, 'path')), tcp));
    return { root, connection: present(tcp.offloadHandle), blocks: blocksOf(root) };
  }

  /** Offloads one connection. */
  connect(hostPort?: number): OffloadHandle {
    const { root, connection } = this.tree(hostPort);
    this.host.initiate(root);
    this.target.completeTree('initiate');
    this.settle();
    return connection;
  }

  /** A block that names a connection, with room for what an operation fills in. */
  block(connection: OffloadHandle, state: OffloadBlockState | null = null): ProtocolOffloadBlockList {
    const root = this.host.connections(connection);
    if (state !== null) root.state = state;
    return root;
  }

  /** Terminates connections; the target completes that with whatever `change` writes. */
  terminate(connection: OffloadHandle, change?: (block: MiniportOffloadBlockList) => void): ProtocolOffloadBlockList {
    const root = this.block(connection);
    this.host.binding.terminateOffload(root);
    this.settle();
    this.target.completeTree('terminate', change === undefined ? {} : { change });
    this.settle();
    return root;
  }

  /** Terminates whatever is offloaded, connections first. */
  takeBackAll(): void {
    for (const [handle, block] of [...this.host.handles].reverse()) {
      if (handle.state !== 'offloaded') continue;
      const root = referenceBlock(block.header.type as OFFLOAD_STATE_TYPE, handle);
      handle.binding.terminateOffload(root);
      this.target.completeTree('terminate');
      this.settle();
    }
  }

  settle(): void {
    this.runtime.settle();
  }

  advance(ms: number): void {
    this.runtime.advance(ms);
  }

  /** Completions the host got, NBL by NBL: which, by which entry, with which status, at which IRQL and time. */
  readonly completions: { readonly entry: string; readonly nbl: NetBufferList; readonly status: number; readonly irql: number; readonly atMs: number }[] = [];

  private watchCompletions(): void {
    for (const entry of ['Send', 'Receive', 'Disconnect', 'Forward'].map((kind) => `protocolTcpOffload${kind}Complete`)) {
      this.host.calls.on(entry, (_context: unknown, list: NetBufferList | null) => {
        for (const nbl of membersOf(list)) this.completions.push({ entry, nbl, status: nbl.status, irql: this.ndis.currentIrql, atMs: this.runtime.clock.now() });
      });
    }
  }

  /** What the NBLs hold that the host got back, in order. */
  get completed(): string[] {
    return this.completions.map(({ nbl }) => textOf(nbl));
  }

  /** Statuses that were indicated to the host, in order. */
  get statuses(): number[] {
    return this.host.calls.of('protocolStatusEx').map(([, indication]) => (indication as NdisStatusIndication).statusCode);
  }

  /** Events of connections that the host was told, in order. */
  get events(): (readonly unknown[])[] {
    return this.host.calls.of('protocolTcpOffloadEvent');
  }

  /** Ids of the rules that were broken. */
  get rules(): string[] {
    return this.violations.map(({ rule }) => rule);
  }
}
