import type { Dispatcher } from '@ndis-chimney/core';
import type { ChimneyHost, ConnectionState, OffloadOptions, OffloadResult } from '@ndis-chimney/host';
import { NDIS_STATUS_SUCCESS, formatNdisStatus, type MiniportDriver, type NdisMiniport, type NdisMiniportDriverHandle, type NdisProtocolHandle } from '@ndis-chimney/types';
import type { Verifier } from '@ndis-chimney/verifier';

/** What a stack needs to know of an intermediate driver; `PassThroughDriver` and what is derived from it have it. */
export interface IntermediateDriver {
  readonly name: string;
  /** Registers both edges with NDIS. */
  register(): unknown;
  /** The upper edge; valid after `register`. */
  readonly ndisDriverHandle: NdisMiniportDriverHandle;
  /** The lower edge; valid after `register`. */
  readonly ndisProtocolHandle: NdisProtocolHandle;
  /** Name of the virtual miniport above an adapter. */
  virtualNameOf(adapterName: string): string;
}

/** The parts of a stack, made but not yet connected. */
export interface StackParts<Target extends MiniportDriver<never> = MiniportDriver<never>> {
  readonly ndis: Dispatcher;
  readonly target: Target;
  /** From the host down to the target. */
  readonly intermediates: readonly IntermediateDriver[];
  readonly host: ChimneyHost;
  /** Name of the target's adapter. Default `nic0`. */
  readonly adapterName?: string;
  /** What checks the rules, attached to `ndis` before anything was registered. Default none. */
  readonly verifier?: Verifier | null;
}

/**
 * A running stack: a host on top, intermediate drivers, an offload target at the bottom. Everything NDIS is behind
 * `ndis`, everything TCP behind `host`.
 */
export class Stack<Target extends MiniportDriver<never> = MiniportDriver<never>> {
  readonly ndis: Dispatcher;
  readonly host: ChimneyHost;
  readonly target: Target;
  readonly intermediates: readonly IntermediateDriver[];
  /** The target's adapter, at the bottom. */
  readonly adapter: NdisMiniport;
  /** What checks the rules while the stack runs; null when nothing does. It finishes when the stack is closed. */
  readonly verifier: Verifier | null;
  private readonly registrations: Registrations;
  private closing: Promise<void> | null = null;

  /** @internal Made by `composeStack`. */
  constructor(parts: StackParts<Target>, adapter: NdisMiniport, registrations: Registrations) {
    this.ndis = parts.ndis;
    this.host = parts.host;
    this.target = parts.target;
    this.intermediates = parts.intermediates;
    this.adapter = adapter;
    this.verifier = parts.verifier ?? null;
    this.registrations = registrations;
  }

  /** Offers a connection to the target, through every intermediate driver. See `ChimneyHost.offload`. */
  offload(state: ConnectionState, options?: OffloadOptions): Promise<OffloadResult> {
    return this.host.offload(state, options);
  }

  /**
   * Takes everything back and down: connections are uploaded, bindings closed, adapters halted from the top. Calling it
   * again gives the same promise.
   */
  close(): Promise<void> {
    this.closing ??= new Promise<void>((resolve) => {
      this.ndis.removeAdapter(this.adapter, () => {
        this.registrations.undo();
        this.verifier?.finish();
        resolve();
      });
    });
    return this.closing;
  }
}

/** What was registered with NDIS, to be undone from the last to the first. */
class Registrations {
  private readonly steps: (() => void)[] = [];

  add(undo: () => void): void {
    this.steps.push(undo);
  }

  undo(): void {
    for (const undo of this.steps.splice(0).reverse()) undo();
  }
}

/**
 * Connects the parts: registers the target and starts its adapter, binds each intermediate driver to what is below it,
 * and the host to what is on top.
 * @throws Error that names the driver and the status when one of them does not come up.
 */
export async function composeStack<Target extends MiniportDriver<never>>(parts: StackParts<Target>): Promise<Stack<Target>> {
  const { ndis, adapterName = 'nic0' } = parts;
  const registrations = new Registrations();
  let adapter: NdisMiniport;
  try {
    adapter = startTarget(parts, adapterName, registrations);
  } catch (error) {
    registrations.undo();
    throw error;
  }
  const stack = new Stack(parts, adapter, registrations);
  try {
    for (const driver of parts.intermediates) {
      driver.register();
      registrations.add(() => {
        ndis.deregisterProtocolDriver(driver.ndisProtocolHandle);
        ndis.deregisterMiniportDriver(driver.ndisDriverHandle);
      });
    }
    const { host } = parts;
    registrations.add(() => {
      host.dispose();
    });
    host.register();
    registrations.add(() => {
      ndis.deregisterProtocolDriver(host.ndisProtocolHandle);
    });
    await bindAll(parts, adapterName);
  } catch (error) {
    await stack.close();
    throw error;
  }
  return stack;
}

function startTarget({ ndis, target }: StackParts, adapterName: string, registrations: Registrations): NdisMiniport {
  const { status, ndisDriverHandle } = ndis.registerMiniportDriver(target);
  if (ndisDriverHandle === null) throw new Error(`target ${target.name} was not registered: ${formatNdisStatus(status)}`);
  registrations.add(() => {
    ndis.deregisterMiniportDriver(ndisDriverHandle);
  });
  const added = ndis.addAdapter(ndisDriverHandle, adapterName);
  if (added.ndisMiniportHandle === null) throw new Error(`target ${target.name}: adapter ${adapterName} did not initialize: ${formatNdisStatus(added.status)}`);
  return added.ndisMiniportHandle;
}

async function bindAll({ ndis, intermediates, host }: StackParts, bottom: string): Promise<void> {
  let lower = bottom;
  for (const driver of [...intermediates].reverse()) {
    await bind(ndis, driver.name, driver.ndisProtocolHandle, lower);
    lower = driver.virtualNameOf(lower);
  }
  await bind(ndis, host.name, host.ndisProtocolHandle, lower);
}

async function bind(ndis: Dispatcher, name: string, protocol: NdisProtocolHandle, adapterName: string): Promise<void> {
  const adapter = await new Promise<NdisMiniport>((resolve) => {
    ndis.whenAdapter(adapterName, resolve);
  });
  const status = await new Promise<number>((resolve) => {
    ndis.bindAdapter(protocol, adapter, resolve);
  });
  if (status !== NDIS_STATUS_SUCCESS) throw new Error(`driver ${name} did not bind to ${adapterName}: ${formatNdisStatus(status)}`);
}
