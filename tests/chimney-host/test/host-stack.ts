import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { ChimneyHost, describeConnection, type ChimneyConnection, type ChimneyHostOptions, type ConnectionState } from '@ndis-chimney/host';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { ProbeTarget, blocksOf, type CompleteTreeOptions, type ProbeContext, type ProbeOperation, type ProbeTargetOptions } from '@ndis-chimney/kit';
import { NDIS_STATUS_SUCCESS, OFFLOAD_STATE_TYPE, offloadLayerOf, type ChimneyViolation, type MiniportOffloadBlockList, type NdisBinding, type OffloadHandle } from '@ndis-chimney/types';

/** Options of {@link createHostStack}. */
export interface HostStackOptions {
  readonly intermediates?: number;
  readonly seed?: number;
  readonly host?: ChimneyHostOptions;
  readonly target?: ProbeTargetOptions;
  /** What the target answers when the chimney is to be enabled. Default NDIS_STATUS_SUCCESS. */
  readonly enableStatus?: number;
}

/** What a connection is described with, unless a test says otherwise. */
export const ENDS: Parameters<typeof describeConnection>[0] = {
  local: { address: '192.0.2.1', port: 49_152 },
  remote: { address: '192.0.2.2', port: 80 },
  sndNxt: -2,
  rcvNxt: -2,
};

/** A {@link ChimneyHost} on top of so many pass-through drivers and a probe target, on a runtime that stands still. */
export class HostStack {
  readonly runtime: DeterministicRuntime;
  readonly ndis: Ndis;
  readonly target: ProbeTarget;
  readonly host: ChimneyHost;
  readonly violations: ChimneyViolation[] = [];
  /** What the target keeps for the newest connection it accepted. */
  context!: ProbeContext;
  /** What the target keeps for the newest neighbor it accepted. */
  neighborContext!: ProbeContext;
  private readonly drivers: readonly PassThroughDriver[];

  constructor({ intermediates = 0, seed = 0, host, target, enableStatus = NDIS_STATUS_SUCCESS }: HostStackOptions) {
    this.runtime = new DeterministicRuntime(seed);
    const { clock, random, dpcQueue } = this.runtime;
    this.ndis = new Ndis({ clock, random, dpcQueue });
    this.ndis.onViolationReported((violation) => this.violations.push(violation));
    this.target = new ProbeTarget(this.ndis, target);
    this.target.calls.on('miniportOidRequest', () => enableStatus);
    this.target.start('nic');
    let lower = 'nic';
    this.drivers = Array.from({ length: intermediates }, (_, at) => {
      const driver = new PassThroughDriver(this.ndis, { name: `im${at + 1}` }).register();
      this.bind(driver, lower);
      lower = driver.virtualNameOf(lower);
      return driver;
    });
    this.host = new ChimneyHost(this.ndis, host).register();
    this.bind(this.host, lower);
  }

  private bind(driver: { readonly ndisProtocolHandle: PassThroughDriver['ndisProtocolHandle'] }, adapterName: string): void {
    const adapter = this.ndis.findAdapter(adapterName);
    if (adapter === null) throw new Error(`there is no adapter ${adapterName}`);
    this.ndis.bindAdapter(driver.ndisProtocolHandle, adapter);
    this.settle();
  }

  settle(): void {
    this.runtime.advance(0);
  }

  /** Lets everything happen that is due now, what awaits promises included. */
  async rest(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) {
      this.settle();
      await Promise.resolve();
    }
  }

  /** An offloaded connection. */
  async connect(state: ConnectionState = describeConnection(ENDS)): Promise<ChimneyConnection> {
    const offloading = this.host.offload(state);
    this.settle();
    this.accept();
    const { status, connection } = await offloading;
    if (status !== NDIS_STATUS_SUCCESS || connection === null) throw new Error(`the offload was refused with ${status}`);
    return connection;
  }

  /** The tree of the newest operation of a kind that the target has not completed. */
  pending(operation: ProbeOperation): MiniportOffloadBlockList {
    const found = this.target.trees.findLast((pending) => pending.operation === operation);
    if (found === undefined) throw new Error(`the target has no tree to ${operation}`);
    return found.tree;
  }

  /** How many trees the target has not completed, by operation. */
  get operations(): ProbeOperation[] {
    return this.target.trees.map(({ operation }) => operation);
  }

  /** The target accepts the oldest offload. */
  accept(): void {
    this.target.completeTree('initiate', {
      change: (block) => {
        const context = block.miniportOffloadContext?.miniportOffloadContext as ProbeContext;
        if (block.header.type === OFFLOAD_STATE_TYPE.TcpOffloadState) this.context = context;
        else if (block.header.type === OFFLOAD_STATE_TYPE.NeighborOffloadState) this.neighborContext = context;
      },
    });
  }

  /** The handle to indicate with. */
  get handle(): OffloadHandle {
    return this.context.handle;
  }

  /** Completes a tree of the target and lets what follows happen. */
  async complete(operation: ProbeOperation, how?: CompleteTreeOptions): Promise<void> {
    this.target.completeTree(operation, how);
    await this.rest();
  }

  /** The bindings of the host. */
  get binding(): NdisBinding {
    const [binding] = (this.host as unknown as { driver: { adapters: Map<NdisBinding, unknown> } }).driver.adapters.keys();
    if (binding === undefined) throw new Error('the host is not bound');
    return binding;
  }

  /** Rules broken so far; forgets them. */
  takeViolations(): string[] {
    return this.violations.splice(0).map(({ rule }) => rule);
  }

  /** Halts the adapter, with the target completing whatever it is asked. Fails when anything is left. */
  async close(): Promise<void> {
    this.target.isAutomatic = true;
    this.target.runDpc();
    const halted: string[] = [];
    this.ndis.removeAdapter(this.target.miniport, () => halted.push('nic'));
    await this.rest();
    this.target.free();
    const left = Object.entries(this.ndis.outstanding).filter(([, count]) => count !== 0);
    if (halted.length === 0) throw new Error('the adapter was not halted');
    if (left.length > 0) throw new Error(`left: ${left.map(([what, count]) => `${count} ${what}`).join(', ')}`);
    if (this.violations.length > 0) throw new Error(this.violations.map(({ message }) => message).join('; '));
    this.ndis.deregisterProtocolDriver(this.host.ndisProtocolHandle);
    this.host.dispose();
    for (const driver of this.drivers) {
      this.ndis.deregisterProtocolDriver(driver.ndisProtocolHandle);
      this.ndis.deregisterMiniportDriver(driver.ndisDriverHandle);
    }
    this.ndis.deregisterMiniportDriver(this.target.driverHandle);
  }
}

/** See {@link HostStack}. */
export function createHostStack(options: HostStackOptions = {}): HostStack {
  return new HostStack(options);
}

/** Bytes of a text. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Text of bytes. */
export function text(of: Uint8Array): string {
  return new TextDecoder().decode(of);
}

/** Makes a block of an initiate fail: the cell of a new object stays empty. */
export function refuse(block: MiniportOffloadBlockList, status: number): void {
  block.status = status;
  if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
}

/** A description with another port of ours, and whatever else is to differ. */
export function from(port: number, change: Partial<Parameters<typeof describeConnection>[0]> = {}): ConnectionState {
  return describeConnection({ ...ENDS, local: { address: '192.0.2.1', port }, ...change });
}

/** What each block of a tree is, by layer: `new`, `linker`, `placeholder`, or `reference` when it is not an initiate. */
export function rolesOf(root: MiniportOffloadBlockList): string[] {
  return blocksOf(root).map((block) => {
    const layer = offloadLayerOf(block.header.type) ?? 'none';
    if (block.miniportOffloadContext === null) return `placeholder ${layer}`;
    if (block.miniportOffloadContext.miniportOffloadContext === null) return `new ${layer}`;
    return `${block.state === null ? 'linker' : 'reference'} ${layer}`;
  });
}
