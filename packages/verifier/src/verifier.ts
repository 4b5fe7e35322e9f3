import type { Ndis } from '@ndis-chimney/core';
import {
  DDI_CROSSING,
  IRQL,
  NDIS_STATUS_PENDING,
  type AllocationKind,
  type ChimneyViolation,
  type DdiCrossing,
  type NDIS_STATUS,
  type NdisBinding,
  type NdisMiniport,
  type NdisObserver,
  type NdisOidRequest,
  type NdisStatusIndication,
  type NetBuffer,
  type NetBufferList,
  type OffloadBlockList,
  type OffloadHandle,
  type Timer,
} from '@ndis-chimney/types';

import { DATA_DOWN, DATA_UP, ORDINARY, STATE_DOWN, STATE_UP } from './crossings.ts';
import { DataWatch } from './data-watch.ts';
import { formatFinding, type Finding } from './finding.ts';
import { collectHooks } from './hook-lists.ts';
import { Edges, type Ledger } from './ledger.ts';
import { DEFAULT_LIMITS, type VerifierOptions } from './options.ts';
import { noteOid } from './oid-watch.ts';
import { outstandingOf, type Outstanding } from './outstanding.ts';
import type { NblTrack } from './record/nbl-track.ts';
import { Requests } from './record/requests.ts';
import { RULES } from './rules/index.ts';
import type { Rule } from './rule.ts';
import { StateWatch } from './state-watch.ts';
import { UpcallWatch } from './upcall-watch.ts';

const { offloadTcpSend, offloadTcpReceive, tcpOffloadSendComplete, tcpOffloadReceiveComplete } = DDI_CROSSING;

/** Sends and receives, and their completions: nearly everything that crosses. */
function isFrequent(crossing: DdiCrossing): boolean {
  return crossing === offloadTcpSend || crossing === tcpOffloadSendComplete || crossing === offloadTcpReceive || crossing === tcpOffloadReceiveComplete;
}

/** How often time limits are looked at while something is outstanding, in milliseconds. */
const TICK_MS = 1000;

/**
 * Checks the rules of the chimney while a stack runs, and keeps account of who has what. Made by {@link attachVerifier}.
 *
 * It sees every crossing before traces and streams do, changes nothing but the statuses of blocks on their way down, which
 * say nothing there, and looks at time limits by a timer of its own
 * that runs only while something is outstanding.
 */
export class Verifier implements NdisObserver {
  /** Pools need not tell: what intermediate drivers keep is all that is looked at. */
  readonly seesEntriesOnly = true;
  /** Everything that was found, in order. */
  readonly findings: Finding[] = [];
  private readonly ndis: Ndis;
  private readonly options: VerifierOptions;
  private readonly ledger: Ledger;
  private readonly data: DataWatch;
  private readonly state: StateWatch;
  private readonly upcalls: UpcallWatch;
  private readonly deadlines: Timer;
  /** Whether requests are followed by their last owner alone. */
  private readonly isLight: boolean;
  /**
   * The time of the last tick: what the level of the last owner stamps with, since reading a clock is dear. In whole
   * milliseconds, since the engine keeps a fraction in an object of its own for each stamp.
   */
  private stampMs = 0;
  private isTicking = false;
  private detachFromNdis: (() => void) | null = null;
  /** In mode `throw`, while rules run that may still stop a call: the first violation they found. */
  private stopping: { first: ChimneyViolation | null } | null = null;

  /** @internal See {@link attachVerifier}. */
  constructor(ndis: Ndis, options: VerifierOptions) {
    const { level = 'history', hops = 64, mode, log, except = [], rules = RULES } = options;
    if (mode === 'log' && log === undefined) throw new TypeError("attachVerifier: mode is 'log', and there is no log to write to");
    for (const id of except) if (!rules.some((rule) => rule.id === id)) throw new TypeError(`attachVerifier: except names ${id}, which is no rule`);
    this.ndis = ndis;
    this.isLight = level === 'lastOwner';
    this.options = options;
    const edges = new Edges();
    const { clock } = ndis;
    const hooks = collectHooks(
      rules.filter(({ id }) => !except.includes(id)),
      (rule) =>
        rule.watch?.({
          clock,
          edges: edges.all,
          limits: { ...DEFAULT_LIMITS, ...options.limits },
          oids: () => ledger.oids,
          parametersOf: ({ binding }) => ndis.adapters.get(binding.adapterName)?.connectionOffloadParameters ?? null,
          irql: () => ndis.currentIrql,
          dpc: () => (ndis.currentIrql === IRQL.PASSIVE_LEVEL ? 0 : (ndis.dpcQueue.runCount ?? 0)),
          followsRequests: level !== 'lastOwner',
          broken: (actor, detail, ...objects) => {
            this.report(rule, actor, detail, objects);
          },
        }) ?? null,
    );
    const ledger: Ledger = {
      clock,
      edges,
      hooks,
      followsRequests: level !== 'lastOwner',
      requests: new Requests({ level, hops }),
      oids: new Map(),
      began: () => {
        this.began();
      },
      before: (run) => {
        this.before(run);
      },
    };
    this.ledger = ledger;
    this.data = new DataWatch(ledger);
    this.state = new StateWatch(ledger);
    this.upcalls = new UpcallWatch(ledger);
    this.deadlines = clock.createTimer({
      timerExpired: () => {
        this.tick();
      },
    });
    this.detachFromNdis = ndis.attachObserver(this, 'verifier');
  }

  /** What is outstanding now: requests, state operations, OID requests, data that was indicated and kept. */
  get outstanding(): readonly Outstanding[] {
    return outstandingOf(this.ledger);
  }

  /** Stops watching. What it marked is unmarked; findings stay. */
  detach(): void {
    this.detachFromNdis?.();
    this.detachFromNdis = null;
    this.deadlines.cancel();
    this.ledger.requests.clear();
  }

  /**
   * The run is over: rules about what has to happen eventually are decided. To be called when nothing is expected any
   * more, and once.
   * @returns everything that was found.
   */
  finish(): readonly Finding[] {
    for (const hook of this.ledger.hooks.end) hook();
    this.detach();
    return this.findings;
  }

  private tick(): void {
    const nowMs = this.ledger.clock.now();
    this.stampMs = Math.trunc(nowMs);
    for (const hook of this.ledger.hooks.tick) hook(nowMs);
    this.isTicking = this.outstanding.length > 0;
    if (this.isTicking) this.deadlines.start(TICK_MS);
  }

  private before(run: () => void): void {
    if (this.options.mode !== 'throw') {
      run();
      return;
    }
    const outer = this.stopping;
    const stopping = { first: null as ChimneyViolation | null };
    this.stopping = stopping;
    try {
      run();
    } finally {
      this.stopping = outer;
    }
    if (stopping.first !== null) throw stopping.first;
  }

  private report(rule: Rule, actor: string, detail: string, objects: readonly unknown[]): void {
    if (this.options.actors?.includes(actor) === false) return;
    const violation = rule.severity === 'advice' ? null : this.ndis.reportViolation({ rule: rule.id, actor, detail, objects, page: rule.page });
    const finding: Finding = { rule, actor, detail, objects, atMs: this.ledger.clock.now(), violation };
    this.findings.push(finding);
    if (violation !== null && this.stopping !== null) this.stopping.first ??= violation;
    if (this.options.mode === 'log') this.options.log?.(formatFinding(finding));
    this.options.onFinding?.(finding);
  }

  // --- NdisObserver ---

  enter(crossing: DdiCrossing, binding: NdisBinding, subject: object, count: number, detail: number, handle: OffloadHandle | null): void {
    if (this.isLight && isFrequent(crossing)) {
      this.stamp(crossing, binding, subject as NetBufferList);
    } else {
      this.enterInFull(crossing, binding, subject, count, detail, handle);
    }
  }

  private enterInFull(crossing: DdiCrossing, binding: NdisBinding, subject: object, count: number, detail: number, handle: OffloadHandle | null): void {
    const edge = this.ledger.edges.of(binding);
    const request = DATA_DOWN.get(crossing);
    if (request !== undefined) {
      this.data.down(edge, crossing, request, subject as NetBufferList, count, detail, handle);
      return;
    }
    const completed = DATA_UP.get(crossing);
    if (completed !== undefined) {
      this.data.up(edge, crossing, completed, subject as NetBufferList, count);
      return;
    }
    const down = STATE_DOWN.get(crossing);
    if (down !== undefined) {
      this.state.down(edge, down, subject as OffloadBlockList);
      return;
    }
    const up = STATE_UP.get(crossing);
    if (up !== undefined) {
      this.state.up(edge, up, subject as OffloadBlockList, detail !== 0);
      return;
    }
    switch (crossing) {
      case DDI_CROSSING.tcpOffloadReceiveHandler:
        this.upcalls.indicate(edge, crossing, subject as NetBufferList, handle);
        break;
      case DDI_CROSSING.offloadTcpReceiveReturn:
        this.upcalls.returned(edge, crossing, subject as NetBufferList);
        break;
      case DDI_CROSSING.tcpOffloadEventHandler:
        this.upcalls.event(edge, handle, detail, count);
        break;
      case DDI_CROSSING.offloadEventIndicate:
        this.upcalls.question(edge, subject, handle, detail);
        break;
      case DDI_CROSSING.indicateStatusEx:
        this.upcalls.status(edge, subject as NdisStatusIndication);
        break;
      case DDI_CROSSING.oidRequest:
        this.ledger.before(() => {
          for (const hook of this.ledger.hooks.oidDown) hook(edge, subject as NdisOidRequest);
        });
        this.ledger.oids.set(subject as NdisOidRequest, { edge, sinceMs: this.ledger.clock.now() });
        this.ledger.began();
        break;
      case DDI_CROSSING.oidRequestComplete:
        // Its status is not shown before it has gone up.
        break;
      default:
        if (ORDINARY.has(crossing)) for (const hook of this.ledger.hooks.ordinary) hook(edge, crossing, subject as NetBufferList);
    }
  }

  leave(crossing: DdiCrossing, binding: NdisBinding, subject: object, status: NDIS_STATUS, detail: number, handle: OffloadHandle | null): void {
    if (!this.isLight || !isFrequent(crossing)) this.leaveInFull(crossing, binding, subject, status, detail, handle);
  }

  private leaveInFull(crossing: DdiCrossing, binding: NdisBinding, subject: object, status: NDIS_STATUS, detail: number, handle: OffloadHandle | null): void {
    const { ledger } = this;
    const edge = ledger.edges.of(binding);
    if (DATA_DOWN.has(crossing)) this.data.downReturned(status);
    else if (DATA_UP.has(crossing)) this.data.upReturned(edge);
    else if (STATE_DOWN.has(crossing)) this.state.downReturned(edge, subject as OffloadBlockList, status);
    else if (STATE_UP.has(crossing)) this.state.upReturned();
    else {
      switch (crossing) {
        case DDI_CROSSING.tcpOffloadReceiveHandler:
          this.upcalls.indicated(edge, status, detail);
          break;
        case DDI_CROSSING.tcpOffloadEventHandler:
          this.upcalls.eventReturned(edge, handle, detail);
          break;
        case DDI_CROSSING.offloadEventIndicate:
          this.upcalls.answer(edge, subject, handle, detail);
          break;
        case DDI_CROSSING.oidRequest:
          for (const hook of ledger.hooks.oidDownReturned) hook(edge, subject as NdisOidRequest, status);
          if (status !== NDIS_STATUS_PENDING) this.oidEnded(edge, subject as NdisOidRequest, status);
          break;
        case DDI_CROSSING.oidRequestComplete:
          for (const hook of ledger.hooks.oidUp) hook(edge, subject as NdisOidRequest, status);
          this.oidEnded(edge, subject as NdisOidRequest, status);
          break;
        default:
      }
    }
  }

  /** What the level of the last owner does about a list of requests. */
  private stamp(crossing: DdiCrossing, binding: NdisBinding, list: NetBufferList): void {
    if (!this.isTicking) this.began();
    const { stampMs } = this;
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      const track = nbl.ndisReserved1 as NblTrack | null;
      if (track !== null && track.nbl === nbl) {
        track.binding = binding;
        track.crossing = crossing;
        track.sinceMs = stampMs;
      } else {
        this.ledger.requests.stamp(nbl, binding, crossing, stampMs);
      }
    }
  }

  private began(): void {
    if (this.isTicking) return;
    this.isTicking = true;
    this.stampMs = Math.trunc(this.ledger.clock.now());
    this.deadlines.start(TICK_MS);
  }

  private oidEnded(edge: Parameters<typeof noteOid>[0], request: NdisOidRequest, status: NDIS_STATUS): void {
    this.ledger.oids.delete(request);
    noteOid(edge, request, status);
  }

  dataStart(netBuffer: NetBuffer, byteCount: number): void {
    for (const hook of this.ledger.hooks.dataStart) hook(netBuffer, byteCount);
  }

  allocated(kind: AllocationKind, object: object, owner: string): void {
    for (const hook of this.ledger.hooks.entryAllocated) hook(kind, object, owner);
  }

  freed(kind: AllocationKind, object: object, owner: string): void {
    for (const hook of this.ledger.hooks.entryFreed) hook(kind, object, owner);
  }

  nonOffload(adapter: NdisMiniport, netBufferList: NetBufferList): void {
    for (const hook of this.ledger.hooks.nonOffload) hook(adapter, netBufferList);
  }
}

/**
 * Starts to verify everything that crosses an edge of an NDIS. To be attached before anything is offloaded: what it has
 * not seen go down it knows nothing of.
 * @throws TypeError for options that do not fit.
 */
export function attachVerifier(ndis: Ndis, options: VerifierOptions = {}): Verifier {
  return new Verifier(ndis, options);
}
