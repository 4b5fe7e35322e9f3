import { isChimneyViolation, type Clock, type Random } from '@ndis-chimney/types';

import type { ConnectionBook, FaultyConnection } from './connection-book.ts';
import type { Deferrals } from './deferrals.ts';
import type { FaultEvent } from './fault-event.ts';
import type { Fault, FaultEdge } from './fault.ts';
import type { FaultyAdapter } from './faulty-adapter.ts';
import type { PlannedFault } from './plan.ts';
import type { Schedule } from './schedule.ts';

/** A moment at which a fault could strike. */
export interface FaultOccasion {
  /** Short name of the DDI's crossing. */
  readonly operation: string;
  readonly connection: FaultyConnection | null;
  /** Name of the adapter concerned. */
  readonly adapter: string | null;
  /** The OID of a request, otherwise 0. */
  readonly oid?: number;
  /** What crosses: an NBL, a tree, a request. */
  readonly subject?: unknown;
}

/** Says whether a fault may strike at an occasion: what a plan, being data, cannot say. */
export type FaultPredicate = (occasion: FaultOccasion) => boolean;

/** What all faults of one driver share. */
export interface FaultGround {
  readonly edge: FaultEdge;
  readonly clock: Clock;
  /** When the faults began, in the clock's milliseconds. */
  readonly startMs: number;
  readonly plan: string;
  readonly seed: string;
  readonly book: ConnectionBook;
  readonly deferrals: Deferrals;
  readonly adapters: ReadonlyMap<unknown, FaultyAdapter>;
  readonly report: (event: FaultEvent) => void;
  isHealed: boolean;
}

/** One strike of a fault. */
export class Strike {
  private readonly event: FaultEvent;
  private readonly ground: FaultGround;

  constructor(event: FaultEvent, ground: FaultGround) {
    this.event = event;
    this.ground = ground;
  }

  /**
   * Does what NDIS may refuse. A refusal is put down to the fault and goes no further: the driver that has the fault
   * would not have noticed. @returns false when it was refused.
   */
  attempt(work: () => void): boolean {
    try {
      work();
      return true;
    } catch (error) {
      if (!isChimneyViolation(error)) throw error;
      const { ground } = this;
      ground.report({ ...this.event, kind: 'refused', atMs: sinceStart(ground), effect: error.rule });
      return false;
    }
  }
}

/** A planned fault at work: when it strikes, what it draws and remembers, and what it may use of the driver. */
export class FaultScope {
  readonly fault: Fault;
  readonly id: string;
  readonly ground: FaultGround;
  /** What the fault draws besides its schedule: a stream of its own. */
  readonly random: Random;
  /** @internal */
  readonly schedule: Schedule;
  private readonly planned: PlannedFault;
  private readonly predicate: FaultPredicate | null;
  private strikes = 0;

  constructor(fault: Fault, planned: PlannedFault, ground: FaultGround, schedule: Schedule, random: Random, predicate: FaultPredicate | null) {
    this.fault = fault;
    this.id = planned.id ?? planned.fault;
    this.planned = planned;
    this.ground = ground;
    this.schedule = schedule;
    this.random = random;
    this.predicate = predicate;
  }

  get book(): ConnectionBook {
    return this.ground.book;
  }

  get deferrals(): Deferrals {
    return this.ground.deferrals;
  }

  /** The value of a parameter that is a number. */
  number(name: string): number {
    return this.parameter(name) as number;
  }

  /** The value of a parameter that is a text. */
  text(name: string): string {
    return this.parameter(name) as string;
  }

  private parameter(name: string): number | string | undefined {
    return this.planned.parameters?.[name] ?? this.fault.parameters[name]?.default;
  }

  /** The adapter with this context of the driver's. @throws Error when there is none: a fault asked at the wrong edge. */
  adapter(context: unknown): FaultyAdapter {
    const adapter = this.ground.adapters.get(context);
    if (adapter === undefined) throw new Error(`fault ${this.id}: the driver was called for an adapter that it has not brought up`);
    return adapter;
  }

  /**
   * Whether the fault strikes now; if so it is written down. @param effect what the caller is about to do.
   * @returns null when it does not strike.
   */
  strike(occasion: FaultOccasion, effect: string): Strike | null {
    const { ground } = this;
    if (ground.isHealed || !this.isMeant(occasion)) return null;
    const atMs = sinceStart(ground);
    const cause = this.schedule.cause(atMs);
    if (cause === null) return null;
    const event: FaultEvent = {
      kind: 'injected',
      plan: ground.plan,
      seed: ground.seed,
      fault: this.fault.id,
      id: this.id,
      number: ++this.strikes,
      atMs,
      cause,
      operation: occasion.operation,
      adapter: occasion.adapter,
      connection: occasion.connection?.name ?? null,
      effect,
    };
    ground.report(event);
    return new Strike(event, ground);
  }

  private isMeant(occasion: FaultOccasion): boolean {
    const { where = {} } = this.planned;
    const { operation, connection, adapter, oid = 0 } = occasion;
    const isThere =
      (where.operation === undefined || where.operation === operation) &&
      (where.adapter === undefined || where.adapter === adapter) &&
      (where.hostPort === undefined || where.hostPort === connection?.hostPort) &&
      (where.peerPort === undefined || where.peerPort === connection?.peerPort) &&
      (where.oid === undefined || where.oid === oid >>> 0);
    return isThere && (this.predicate === null || this.predicate(occasion));
  }
}

/** Milliseconds since the faults began, to the microsecond: more would only be noise in a log. */
function sinceStart({ clock, startMs }: FaultGround): number {
  return Math.round((clock.now() - startMs) * 1000) / 1000;
}
