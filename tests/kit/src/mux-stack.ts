import { membersOf, present, ProbeHost, ProbeTarget, type ProbeTree, textsOf } from '@ndis-chimney/conformance/probes';
import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { MuxDriver, type MuxOptions } from '@ndis-chimney/intermediate';
import { NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_ALL, TCP_OFFLOAD_EVENT_TYPE, type ChimneyViolation, type NdisStatusIndication, type NetBufferList, type OffloadHandle } from '@ndis-chimney/types';

import { INDIFFERENT } from './probe-stack.ts';
import { requireNothingLeft, terminateAllOf } from './take-down.ts';

/** Options of {@link createMuxStack}. */
export interface MuxStackOptions {
  /** Options of the mux, or of the upper one of two. Two upper interfaces, `u` and `v`, by default. */
  readonly mux?: MuxOptions;
  /** Whether that mux is above another one, in place of two adapters. Default false. */
  readonly isStacked?: boolean;
  /** Lower adapters, `nic0` and so on. Default 2. */
  readonly targets?: number;
  readonly seed?: string | number;
  /** See `ProbeStackOptions`. Default false. */
  readonly isObserved?: boolean;
  readonly pendLifeCycle?: boolean;
}

/** What a handle's cell holds: the entry of an intermediate driver, the shared record of a mux, or the target's context. */
interface Context {
  readonly handle?: OffloadHandle;
  readonly replicas?: readonly { readonly handle: OffloadHandle }[];
}

/** One probe host per upper interface, a mux or two, probe targets, on a runtime that stands still. */
export class MuxStack {
  readonly runtime: DeterministicRuntime;
  readonly ndis: Ndis;
  readonly hosts: readonly ProbeHost[];
  /** The one that the hosts are bound to. */
  readonly mux: MuxDriver;
  /** All of them, from the bottom. */
  readonly muxes: readonly MuxDriver[];
  readonly targets: ProbeTarget[] = [];
  readonly violations: ChimneyViolation[] = [];

  constructor(options: MuxStackOptions = {}) {
    this.runtime = new DeterministicRuntime(options.seed ?? 0);
    const { clock, random, dpcQueue } = this.runtime;
    this.ndis = new Ndis({ clock, random, dpcQueue, pendLifeCycle: options.pendLifeCycle ?? false });
    this.ndis.onViolationReported((violation) => {
      this.violations.push(violation);
    });
    if (options.isObserved === true) this.ndis.attachObserver(INDIFFERENT);
    for (let at = 0; at < (options.targets ?? 2); at++) this.addTarget();
    const uppers = [{ name: 'u' }, { name: 'v' }];
    const muxOptions: MuxOptions = { uppers, ...options.mux };
    let below = this.targets.map(({ miniport }) => miniport.name);
    const muxes: MuxDriver[] = [];
    if (options.isStacked === true) {
      const lower = new MuxDriver(this.ndis, { name: 'lower mux', uppers: [{ name: 'l0' }, { name: 'l1' }], placement: 'round-robin' }).register();
      for (const name of below) this.bindMux(lower, name);
      below = ['l0', 'l1'];
      muxes.push(lower);
    }
    this.mux = new MuxDriver(this.ndis, muxOptions).register();
    muxes.push(this.mux);
    this.muxes = muxes;
    for (const name of below) this.bindMux(this.mux, name);
    this.hosts = this.mux.uppers.map(({ name }) => {
      const host = new ProbeHost(this.ndis, { name: `host of ${name}` }).register();
      host.bindTo(name);
      return host;
    });
    this.settle();
    for (const host of this.hosts) host.calls.clear();
  }

  /** A target with an adapter of its own, not bound to anything. It grants every OID request. */
  addTarget(): ProbeTarget {
    const target = new ProbeTarget(this.ndis, { name: `target ${this.targets.length}` });
    target.calls.on('miniportOidRequest', () => NDIS_STATUS_SUCCESS);
    target.start(`nic${this.targets.length}`);
    this.targets.push(target);
    return target;
  }

  /** Binds a mux to an adapter. */
  bindMux(mux: MuxDriver, adapterName: string): void {
    this.ndis.bindAdapter(mux.ndisProtocolHandle, present(this.ndis.findAdapter(adapterName)));
    this.settle();
  }

  /** Unbinds the mux from an adapter. @param onUnbound called when it is over. */
  unbindMux(adapterName: string, onUnbound?: () => void): void {
    this.ndis.unbindAdapter(present(this.mux.lowers.find((lower) => lower.adapterName === adapterName)).binding, onUnbound);
  }

  host(at: number): ProbeHost {
    return present(this.hosts[at]);
  }

  target(at: number): ProbeTarget {
    return present(this.targets[at]);
  }

  /** Offloads a tree of new objects for a host and completes it. */
  offload(host: ProbeHost = this.host(0), shape: Parameters<ProbeHost['offload']>[0] = {}): ProbeTree {
    const tree = host.offload(shape);
    this.finishTrees();
    return tree;
  }

  /** The name by which the driver next to the target knows a connection of a host. */
  lowest(handle: OffloadHandle): OffloadHandle {
    let at = handle;
    for (;;) {
      const context = at.miniportOffloadContext as Context | null;
      const next = context?.replicas === undefined ? context?.handle : context.replicas[0]?.handle;
      if (next === undefined) throw new Error('the object is not offloaded');
      if (next === at) return at;
      at = next;
    }
  }

  /** The target that has an object of a host. */
  targetOf(handle: OffloadHandle): ProbeTarget {
    const { adapterName } = this.lowest(handle).binding;
    return present(this.targets.find(({ miniport }) => miniport.name === adapterName));
  }

  /** Hosts terminate what they are asked for, as soon as they are asked: everything, or one connection. */
  obey(): void {
    for (const host of this.hosts) {
      host.calls.on('protocolStatusEx', (_context: unknown, { statusCode }: NdisStatusIndication) => {
        if (statusCode === NDIS_STATUS_UPLOAD_ALL) terminateAllOf(host, () => {
          this.finishTrees();
        });
      });
      host.calls.on('protocolTcpOffloadEvent', (handle: OffloadHandle, eventType: number) => {
        if (eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve && handle.state === 'offloaded') handle.binding.terminateOffload(host.connections(handle));
      });
    }
  }

  /** Takes the one violation there is. @throws Error unless it is of this rule. */
  expectOne(rule: string): ChimneyViolation {
    const [violation, ...others] = this.violations.splice(0);
    if (violation?.rule !== rule || others.length > 0) throw new Error(`expected one violation of ${rule}, found ${violation?.message ?? 'none'} and ${others.length} others`);
    return violation;
  }

  /** Lets everything happen that is due now. */
  settle(): void {
    this.runtime.advance(0);
  }

  /** Completes the trees that targets hold, with success, until there are none. */
  finishTrees(): void {
    this.settle();
    while (this.targets.some(({ trees }) => trees.length > 0)) {
      for (const target of this.targets) {
        const [first] = target.trees;
        if (first !== undefined) target.completeTree(first.operation);
      }
      this.settle();
    }
  }

  /** Completes everything that targets hold, with success. */
  finishAll(): void {
    this.settle();
    for (const target of this.targets) target.runDpc();
    this.finishTrees();
  }

  /** Sends once on a connection, and looks where it comes out and what comes back. @throws Error when that is amiss. */
  proveItWorks(host: ProbeHost, connection: OffloadHandle): void {
    const before = host.calls.count('protocolTcpOffloadSendComplete');
    const list = host.send(connection, 'still', 'works');
    this.finishAll();
    const returned = host.calls.of('protocolTcpOffloadSendComplete').slice(before).flatMap(([, completed]) => textsOf(completed as NetBufferList));
    if (returned.join(' ') !== 'still works') throw new Error(`a send came back as ${returned.join(' ')}`);
    host.free(membersOf(list));
  }

  /** Takes everything down. @throws Error when something is left behind. */
  close(): void {
    for (const host of this.hosts) {
      host.calls.off('protocolStatusEx');
      host.calls.off('protocolTcpOffloadEvent');
      terminateAllOf(host, () => {
        this.finishAll();
      });
    }
    for (const target of this.targets) if (this.ndis.findAdapter(target.miniport.name) !== null) this.ndis.removeAdapter(target.miniport);
    this.finishAll();
    for (const host of this.hosts) host.free();
    for (const target of this.targets) target.free();
    requireNothingLeft(this.ndis, this.runtime, this.violations, this.muxes);
    for (const host of this.hosts) this.ndis.deregisterProtocolDriver(host.protocolHandle);
    for (const mux of this.muxes) {
      this.ndis.deregisterProtocolDriver(mux.ndisProtocolHandle);
      this.ndis.deregisterMiniportDriver(mux.ndisDriverHandle);
    }
    for (const target of this.targets) this.ndis.deregisterMiniportDriver(target.driverHandle);
  }
}

/** See {@link MuxStack}. */
export function createMuxStack(options: MuxStackOptions = {}): MuxStack {
  return new MuxStack(options);
}
