import { SeededRandom } from '@ndis-chimney/core/runtime';
import {
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
  type Clock,
  type DpcQueue,
  type GetOffloadHandlersResult,
  type MiniportDriver,
  type NdisBinding,
  type NdisLibrary,
  type NdisMiniport,
  type NdisMiniportAdapterRegistrationAttributes,
  type ProtocolDriver,
  type ProviderChimneyOffloadTcpHandlers,
  type Random,
} from '@ndis-chimney/types';

import { ConnectionBook } from './connection-book.ts';
import { Deferrals } from './deferrals.ts';
import { DEFAULT_LOG_LIMIT, FaultLog, type FaultListener } from './fault-log.ts';
import { FaultScope, type FaultGround, type FaultPredicate } from './fault-scope.ts';
import type { FaultEdge, FaultTaps } from './fault.ts';
import { FaultyAdapter, type FaultyMiniport } from './faulty-adapter.ts';
import { faults } from './faults/index.ts';
import { parseFaultPlan } from './parse-plan.ts';
import type { FaultPlan } from './plan.ts';
import { Schedule } from './schedule.ts';
import { composeTaps, tap } from './tap.ts';
import { tapMiniportDriver, tapProtocolDriver, type MiniportTaps, type ProtocolTaps } from './tap-drivers.ts';

/** What faults may use of the world: an `OffloadTargetEnvironment` has it, and so has every NDIS. */
export interface FaultEnvironment {
  readonly clock: Clock;
  /** Only a plan without a seed draws from it. */
  readonly random: Random;
  readonly dpcQueue: DpcQueue;
}

/** What a plan, being data, cannot say. */
export interface FaultOptions {
  /** Called with every event, when it happens. */
  readonly onFault?: FaultListener;
  /** Most events that are kept; the oldest go first. Default 10000; 0 keeps none. */
  readonly logLimit?: number;
  /** More conditions, by the id of the planned fault. */
  readonly predicates?: Readonly<Record<string, FaultPredicate>>;
}

/** A plan at work in one driver. */
export class FaultInjector {
  readonly plan: FaultPlan;
  /** What chance was made from: the plan's, or what was drawn for it. With it the run can be repeated. */
  readonly seed: string;
  readonly log: FaultLog;
  private readonly ground: FaultGround;
  private readonly adapters = new Map<unknown, FaultyAdapter>();
  private readonly scopes: readonly FaultScope[];
  private readonly taps: readonly FaultTaps[];

  /** @throws TypeError when the plan is not one, or has a fault that cannot happen at this edge. */
  constructor(plan: FaultPlan, edge: FaultEdge, { clock, random, dpcQueue }: FaultEnvironment, options: FaultOptions = {}) {
    this.plan = parseFaultPlan(plan, edge);
    this.seed = String(this.plan.seed ?? random.fork('fault plan').nextUint32());
    this.log = new FaultLog(options.logLimit ?? DEFAULT_LOG_LIMIT, options.onFault ?? null);
    this.ground = {
      edge,
      clock,
      startMs: clock.now(),
      plan: this.plan.id ?? 'plan',
      seed: this.seed,
      book: new ConnectionBook(),
      deferrals: new Deferrals(clock, dpcQueue),
      adapters: this.adapters,
      report: (event) => {
        this.log.add(event);
      },
      isHealed: false,
    };
    const known = this.plan.faults.map(({ id, fault }) => id ?? fault);
    for (const id of Object.keys(options.predicates ?? {})) {
      if (!known.includes(id)) throw new TypeError(`fault plan ${this.ground.plan}: there is a predicate for ${id}, but no fault with that id (there are ${known.join(', ') || 'none'})`);
    }
    const chance = new SeededRandom(this.seed);
    this.scopes = this.plan.faults.map((planned) => this.scopeOf(planned, chance, options));
    this.taps = this.scopes.map((scope) => scope.fault.inject(scope));
  }

  private scopeOf(planned: FaultPlan['faults'][number], chance: SeededRandom, { predicates }: FaultOptions): FaultScope {
    const fault = faults.find(({ id }) => id === planned.fault);
    if (fault === undefined) throw new TypeError(`fault plan: there is no fault ${planned.fault}`);
    const { id = planned.fault } = planned;
    const own = chance.fork(`fault ${id}`);
    this.log.injections[id] = 0;
    this.log.refusals[id] = 0;
    return new FaultScope(fault, planned, this.ground, new Schedule(planned, own.fork('schedule')), own.fork('effect'), predicates?.[id] ?? null);
  }

  /** Strikes so far, by the id of the planned fault. */
  get injections(): Readonly<Record<string, number>> {
    return this.log.injections;
  }

  /** Completions and the like that faults hold back now. */
  get heldCount(): number {
    return this.ground.deferrals.heldCount;
  }

  /** Makes a planned fault strike at its next occasions, whatever its schedule says. @throws TypeError when the plan has no such fault. */
  strikeNext(id: string, count = 1): void {
    const scope = this.scopes.find((one) => one.id === id);
    if (scope === undefined) throw new TypeError(`fault plan ${this.ground.plan}: it has no fault with the id ${id} (it has ${this.scopes.map((one) => one.id).join(', ') || 'none'})`);
    scope.schedule.strikeNext(count);
  }

  /** Ends the faults: nothing more is injected, and what is held back goes on, from a DPC. */
  heal(): void {
    this.ground.isHealed = true;
    this.ground.deferrals.healed();
  }

  /** Puts the plan into a miniport driver that is not registered yet. */
  attachMiniport(driver: MiniportDriver<never>): void {
    if (this.taps.length === 0) return;
    const faulty: FaultyMiniport = { driver, dataHandlers: null, events: null };
    tap(driver, {
      miniportSetOptions: (next, handle: object) => {
        tap(handle, {
          setOptionalHandlers: (set, optional: { readonly handlers: object }) => {
            if ('miniportTcpOffloadReceiveReturn' in optional.handlers) faulty.dataHandlers = optional.handlers as ProviderChimneyOffloadTcpHandlers<unknown, unknown>;
            return set(optional) as unknown;
          },
          getOffloadHandlers: (get, type: number) => {
            const result = get(type) as GetOffloadHandlersResult;
            faulty.events = result.offloadHandlers;
            return result;
          },
        });
        return next(handle) as unknown;
      },
    });
    const entries = this.taps.flatMap(({ miniport = [] }) => miniport);
    tapMiniportDriver(driver, composeTaps<MiniportTaps>([...entries, this.bookOfEntries()]), (miniport) => this.tapsOfAdapter(miniport, faulty));
  }

  /** Puts the plan into a protocol driver that is not registered yet. */
  attachProtocol(driver: ProtocolDriver<never>, ndis: NdisLibrary): void {
    if (this.taps.length === 0) return;
    const entries = composeTaps<ProtocolTaps>(this.taps.flatMap(({ protocol = [] }) => protocol));
    tapProtocolDriver(ndis, driver, entries, (binding) => this.tapsOfBinding(binding));
  }

  private bookOfEntries(): MiniportTaps {
    const { book } = this.ground;
    return {
      miniportInitiateOffload: (next, context, tree) => {
        book.offered(tree);
        next(context, tree);
      },
      miniportTcpOffloadSend: (next, context, offloadContext, list) => {
        const connection = book.ofContext(offloadContext);
        if (connection !== null) book.carries(connection, list);
        return next(context, offloadContext, list);
      },
      miniportTcpOffloadReceive: (next, context, offloadContext, list) => {
        const connection = book.ofContext(offloadContext);
        if (connection !== null) book.carries(connection, list);
        return next(context, offloadContext, list);
      },
      miniportTcpOffloadDisconnect: (next, context, offloadContext, list, flags) => {
        const connection = book.ofContext(offloadContext);
        if (connection !== null) book.carries(connection, list);
        return next(context, offloadContext, list, flags);
      },
      miniportTcpOffloadForward: (next, context, offloadContext, list) => {
        const connection = book.ofContext(offloadContext);
        if (connection !== null) book.carries(connection, list);
        return next(context, offloadContext, list);
      },
      miniportHaltEx: (next, context, action) => {
        next(context, action);
        this.adapters.delete(context);
      },
    };
  }

  private tapsOfAdapter(miniport: NdisMiniport, faulty: FaultyMiniport): MiniportTaps {
    const { book } = this.ground;
    const adapter = new FaultyAdapter(miniport, faulty);
    const own: MiniportTaps = {
      setMiniportAttributes: (next, attributes) => {
        if (attributes.header.type === NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES) {
          adapter.context = (attributes as NdisMiniportAdapterRegistrationAttributes).miniportAdapterContext;
          this.adapters.set(adapter.context, adapter);
        }
        return next(attributes);
      },
      getOffloadHandlers: (next, type) => {
        const result = next(type);
        adapter.ownEvents = result.offloadHandlers;
        return result;
      },
      initiateOffloadComplete: (next, tree) => {
        book.taken(tree);
        next(tree);
      },
      terminateOffloadComplete: (next, tree) => {
        book.givenBack(tree);
        next(tree);
      },
      // What an intermediate driver relays is taken apart, so that faults see it as any other completion.
      relayTcpSendComplete: (_next, list, contexts) => {
        contexts.popFromList(list);
        adapter.events?.tcpOffloadSendComplete(list);
      },
      relayTcpReceiveComplete: (_next, list, contexts) => {
        contexts.popFromList(list);
        adapter.events?.tcpOffloadReceiveComplete(list);
      },
    };
    return composeTaps([...this.taps.flatMap((taps) => taps.adapter?.(adapter) ?? []), own]);
  }

  private tapsOfBinding(binding: NdisBinding): ProtocolTaps {
    const { book } = this.ground;
    const own: ProtocolTaps = {
      initiateOffload: (next, tree) => {
        book.offered(tree);
        next(tree);
      },
    };
    return composeTaps([...this.taps.flatMap((taps) => taps.binding?.(binding) ?? []), own]);
  }
}
