import { membersOf, present, type ProbeContext, ProbeHost, ProbeTarget, type ProbeTree, textsOf } from '@ndis-chimney/conformance/probes';
import { Ndis, type NdisOptions } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { PassThroughDriver, type PassThroughOptions } from '@ndis-chimney/intermediate';
import {
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_SUCCESS,
  NdisOidRequest,
  NdisTcpConnectionOffloadParameters,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  type ChimneyViolation,
  type NdisBinding,
  type NdisObserver,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

import { requireNothingLeft, terminateAllOf } from './take-down.ts';

/** Options of {@link createProbeStack}. */
export interface ProbeStackOptions {
  /** Intermediate drivers between host and target. Default 0. */
  readonly intermediates?: number;
  /** How each of them is made; a plain {@link PassThroughDriver} by default. */
  readonly createIntermediate?: (ndis: Ndis, options: PassThroughOptions) => PassThroughDriver;
  /** Order of DPCs, among others. Default 0. */
  readonly seed?: string | number;
  /** Whether somebody observes, which makes every crossing take another way through NDIS. Default false. */
  readonly isObserved?: boolean;
  /** See `NdisOptions`. Default false. */
  readonly pendLifeCycle?: boolean;
  /** Whether the host enables the chimney before it offloads, as hosts do. Default false. */
  readonly isEnabled?: boolean;
  /** Whether the target completes by itself. Default false. */
  readonly isAutomatic?: boolean;
  /** Called with NDIS before anything is registered with it. */
  readonly onNdis?: (ndis: Ndis) => void;
  /** Called when everything is down, before it is looked at for what is left. */
  readonly onDown?: () => void;
}

/** Sees everything and does nothing: it only makes NDIS go the observed way. */
export const INDIFFERENT: NdisObserver = {
  enter() {
    // Deliberately empty, see above.
  },
  leave() {
    // Likewise.
  },
};

/**
 * Probe host, so many pass-through drivers, probe target, on a runtime that stands still until it is told to go on; a
 * TCP connection under a path and a neighbor is offloaded. `close` takes everything down again and fails when something
 * is left or when a violation was reported that the test did not expect.
 */
export class ProbeStack {
  readonly runtime: DeterministicRuntime;
  readonly ndis: Ndis;
  readonly host: ProbeHost;
  readonly intermediates: readonly PassThroughDriver[];
  readonly target: ProbeTarget;
  /** Violations so far that no {@link expectViolation} has taken. */
  readonly violations: ChimneyViolation[] = [];
  /** The objects that were offloaded at the start. */
  readonly tree: ProbeTree;

  private readonly onDown: (() => void) | undefined;

  constructor(options: ProbeStackOptions = {}) {
    this.onDown = options.onDown;
    this.runtime = new DeterministicRuntime(options.seed ?? 0);
    const { clock, random, dpcQueue } = this.runtime;
    const ndisOptions: NdisOptions = { clock, random, dpcQueue, pendLifeCycle: options.pendLifeCycle ?? false };
    this.ndis = new Ndis(ndisOptions);
    this.ndis.onViolationReported((violation) => {
      this.violations.push(violation);
    });
    options.onNdis?.(this.ndis);
    if (options.isObserved === true) this.ndis.attachObserver(INDIFFERENT);
    this.target = new ProbeTarget(this.ndis);
    this.target.start('nic');
    const create = options.createIntermediate ?? ((ndis, im) => new PassThroughDriver(ndis, im));
    let lower = 'nic';
    this.intermediates = Array.from({ length: options.intermediates ?? 0 }, (_, at) => {
      const driver = create(this.ndis, { name: `im${at + 1}` }).register();
      this.bind(driver, lower);
      lower = driver.virtualNameOf(lower);
      return driver;
    });
    this.host = new ProbeHost(this.ndis).register();
    this.host.bindTo(lower);
    this.settle();
    if (options.isEnabled === true) this.enable();
    this.tree = this.host.offload();
    this.target.completeTree('initiate');
    this.target.isAutomatic = options.isAutomatic ?? false;
    this.host.calls.clear();
    this.target.calls.clear();
  }

  private bind(driver: PassThroughDriver, adapterName: string): void {
    const adapter = this.ndis.findAdapter(adapterName);
    if (adapter === null) throw new Error(`there is no adapter ${adapterName}`);
    this.ndis.bindAdapter(driver.ndisProtocolHandle, adapter);
    this.settle();
  }

  /** Tells an adapter how to run TCP, which enables its chimney. @param change what is not to be as it is by default. */
  enable(change: Partial<Pick<NdisTcpConnectionOffloadParameters, 'ticksPerSecond' | 'nceStaleTicks'>> = {}, binding: NdisBinding = this.host.binding, target: ProbeTarget = this.target): void {
    const request = new NdisOidRequest();
    request.requestType = NDIS_REQUEST_TYPE.NdisRequestSetInformation;
    request.oid = OID_TCP_CONNECTION_OFFLOAD_PARAMETERS;
    request.informationBuffer = Object.assign(new NdisTcpConnectionOffloadParameters(), change);
    target.calls.once('miniportOidRequest', () => NDIS_STATUS_SUCCESS);
    binding.oidRequest(request);
  }

  /** The host's handle of the connection that was offloaded at the start. */
  get connection(): OffloadHandle {
    return present(this.tree.connections[0]);
  }

  /** See {@link connection}. */
  get path(): OffloadHandle {
    return present(this.tree.paths[0]);
  }

  /** See {@link connection}. */
  get neighbor(): OffloadHandle {
    return present(this.tree.neighbors[0]);
  }

  /** The name by which the driver next to the target knows one of the host's objects: what indications are keyed by. */
  lowest(handle: OffloadHandle): OffloadHandle {
    let lowest = handle;
    while (lowest.binding.adapterName !== 'nic') {
      const entry = lowest.miniportOffloadContext as { readonly handle: OffloadHandle } | null;
      if (entry === null) throw new Error('the object is not offloaded');
      lowest = entry.handle;
    }
    return lowest;
  }

  /** What the target keeps for one of the host's objects. */
  contextOf(handle: OffloadHandle): ProbeContext {
    return this.lowest(handle).miniportOffloadContext as ProbeContext;
  }

  /** Lets everything happen that is due now: DPCs, and what NDIS does from work items. */
  settle(): void {
    this.runtime.advance(0);
  }

  /** Takes the oldest violation. @throws Error unless it is of this rule. @returns it. */
  expectViolation(rule: string): ChimneyViolation {
    const violation = this.violations.shift();
    if (violation?.rule !== rule) throw new Error(`expected a violation of ${rule}, found ${violation?.message ?? 'none'}`);
    return violation;
  }

  /** Takes the violations there are, which must be of these rules, in this order. */
  expectViolations(...rules: string[]): void {
    const found = this.violations.splice(0).map(({ rule }) => rule);
    if (found.join() !== rules.join()) throw new Error(`expected violations of ${rules.join(', ')}, found ${found.join(', ')}`);
  }

  /**
   * Shows that the stack is in order: one more send goes down and comes back.
   * @throws Error when it does not.
   */
  proveItWorks(): void {
    const before = this.host.calls.count('protocolTcpOffloadSendComplete');
    const list = this.host.send(this.connection, 'still', 'works');
    this.finishAll();
    const completions = this.host.calls.of('protocolTcpOffloadSendComplete').slice(before);
    const returned = completions.flatMap(([, completed]) => textsOf(completed as NetBufferList));
    if (returned.join(' ') !== 'still works') throw new Error(`a send came back as ${returned.join(' ')}`);
    this.host.free(membersOf(list));
  }

  /** Completes everything the target holds, with success. */
  finishAll(): void {
    this.settle();
    this.target.runDpc();
    this.settle();
  }

  /** Terminates whatever of the host is offloaded, layer by layer from the top. */
  terminateAll(): void {
    terminateAllOf(this.host, () => {
      this.finishAll();
    });
  }

  /**
   * Terminates, closes, halts and deregisters everything.
   * @throws Error when something is left behind, or a violation nobody expected was reported.
   */
  close(): void {
    this.terminateAll();
    this.ndis.removeAdapter(this.target.miniport);
    this.settle();
    this.host.free();
    this.target.free();
    this.onDown?.();
    requireNothingLeft(this.ndis, this.runtime, this.violations, this.intermediates);
    this.ndis.deregisterProtocolDriver(this.host.protocolHandle);
    for (const driver of this.intermediates) {
      this.ndis.deregisterProtocolDriver(driver.ndisProtocolHandle);
      this.ndis.deregisterMiniportDriver(driver.ndisDriverHandle);
    }
    this.ndis.deregisterMiniportDriver(this.target.driverHandle);
  }
}

/** See {@link ProbeStack}. */
export function createProbeStack(options: ProbeStackOptions = {}): ProbeStack {
  return new ProbeStack(options);
}
