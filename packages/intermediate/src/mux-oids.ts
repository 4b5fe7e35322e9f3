import type {
  NdisOidRequest} from '@ndis-chimney/types';
import {
  IpOffloadStats,
  NDIS_DEVICE_POWER_STATE,
  NDIS_REQUEST_TYPE,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisOffloadEncapsulation,
  NdisOffloadParameters,
  NdisTcpConnectionOffloadParameters,
  OID_IP4_OFFLOAD_STATS,
  OID_IP6_OFFLOAD_STATS,
  OID_OFFLOAD_ENCAPSULATION,
  OID_PNP_QUERY_POWER,
  OID_PNP_SET_POWER,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  OID_TCP_OFFLOAD_PARAMETERS,
  TcpOffloadStats,
  type NDIS_OID,
  type NDIS_STATUS,
} from '@ndis-chimney/types';

import type { DeferredCompletions } from './deferred-completions.ts';
import type { MuxLower } from './mux-lower.ts';
import type { MuxPlacement } from './mux-placement.ts';
import type { MuxUpper } from './mux-upper.ts';
import { requestLike } from './oid-relay.ts';

const { NdisRequestSetInformation } = NDIS_REQUEST_TYPE;

/** One request of a driver above, or of the mux, and the requests below that it became. */
interface Group {
  readonly request: NdisOidRequest;
  /** Called once with the combined status. */
  readonly onOver: (status: NDIS_STATUS) => void;
  readonly answers: { readonly request: NdisOidRequest; readonly status: NDIS_STATUS }[];
  /** Requests below, and one more while they are being made. */
  pending: number;
}

/**
 * OID requests of a mux. A set goes to every lower adapter, and so do a reset of statistics and a power state; it
 * succeeds when it succeeds everywhere. Statistics are the sum over all. Any other query goes to the adapter in use.
 *
 * What was set last is remembered, and set on an adapter that is bound later before anything is offloaded there.
 */
export class OidFanOut {
  private readonly lowers: readonly MuxLower[];
  private readonly placement: MuxPlacement;
  private readonly completions: DeferredCompletions<MuxUpper>;
  private readonly onLowerDone: (lower: MuxLower) => void;
  private readonly pending = new Map<NdisOidRequest, { readonly group: Group; readonly lower: MuxLower }>();
  /** The last successful sets, with buffers of the mux's own. */
  private readonly settings = new Map<NDIS_OID, NdisOidRequest>();
  private goingToSleep: { readonly upper: MuxUpper; readonly request: NdisOidRequest }[] = [];
  private lowerPowerState: NDIS_DEVICE_POWER_STATE = NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0;

  /**
   * @param completions where completions are made again that were stopped.
   * @param onLowerDone called when a request to a lower adapter is over.
   */
  constructor(lowers: readonly MuxLower[], placement: MuxPlacement, completions: DeferredCompletions<MuxUpper>, onLowerDone: (lower: MuxLower) => void) {
    this.lowers = lowers;
    this.placement = placement;
    this.completions = completions;
    this.onLowerDone = onLowerDone;
  }

  /** Clock rate that was set last, in ticks per second. */
  get ticksPerSecond(): number {
    const { informationBuffer } = this.settings.get(OID_TCP_CONNECTION_OFFLOAD_PARAMETERS) ?? {};
    return (informationBuffer as NdisTcpConnectionOffloadParameters | undefined)?.ticksPerSecond ?? new NdisTcpConnectionOffloadParameters().ticksPerSecond;
  }

  /** `MiniportOidRequest`. `uppers` are all interfaces: the adapters below sleep when all of them do. */
  request(upper: MuxUpper, uppers: readonly MuxUpper[], request: NdisOidRequest): NDIS_STATUS {
    if (request.oid === OID_PNP_SET_POWER && request.requestType === NdisRequestSetInformation) return this.setPower(upper, uppers, request);
    return this.askFor(upper, request, request, this.lowersFor(request));
  }

  /**
   * The adapters below enter the highest power state that an interface is in: none sleeps while one above works. An
   * interface sleeps when its objects are back.
   */
  private setPower(upper: MuxUpper, uppers: readonly MuxUpper[], request: NdisOidRequest): NDIS_STATUS {
    const state = request.informationBuffer as NDIS_DEVICE_POWER_STATE;
    upper.powerState = state;
    const highest = Math.min(...uppers.filter(({ isUp }) => isUp).map(({ powerState }) => powerState)) as NDIS_DEVICE_POWER_STATE;
    const before = this.lowerPowerState;
    if (highest === before) {
      if (state === NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0 || !this.hasObjectsOf(upper)) return NDIS_STATUS_SUCCESS;
      this.goingToSleep.push({ upper, request });
      return NDIS_STATUS_PENDING;
    }
    this.lowerPowerState = highest;
    const below = requestLike(request);
    below.informationBuffer = highest;
    return this.askFor(upper, request, below, this.open(), (status) => {
      if (status !== NDIS_STATUS_SUCCESS) this.lowerPowerState = before;
    });
  }

  private hasObjectsOf(upper: MuxUpper): boolean {
    return this.lowers.some((lower) => lower.hasObjectsOf(upper));
  }

  /** To be called when objects are back: interfaces that wait for that go to sleep. */
  review(): void {
    if (this.goingToSleep.length === 0) return;
    for (const asleep of this.goingToSleep.filter(({ upper }) => !this.hasObjectsOf(upper))) {
      this.goingToSleep = this.goingToSleep.filter((one) => one !== asleep);
      this.complete(asleep.upper, asleep.request, NDIS_STATUS_SUCCESS);
    }
  }

  /** Completes a request of an interface; when that is stopped it is tried once more, from a DPC. */
  private complete(upper: MuxUpper, request: NdisOidRequest, status: NDIS_STATUS): void {
    this.completions.completeOrRetry(upper, () => {
      upper.miniport.oidRequestComplete(request, status);
    });
  }

  /** Asks adapters for an interface. @returns the status, or NDIS_STATUS_PENDING when the completion will follow. */
  private askFor(upper: MuxUpper, request: NdisOidRequest, below: NdisOidRequest, lowers: readonly MuxLower[], onStatus?: (status: NDIS_STATUS) => void): NDIS_STATUS {
    let over: NDIS_STATUS | null = null;
    let isReturned = false;
    this.ask(below, lowers, (status) => {
      onStatus?.(status);
      if (isReturned) this.complete(upper, request, status);
      else over = status;
    });
    isReturned = true;
    return over ?? NDIS_STATUS_PENDING;
  }

  private open(): MuxLower[] {
    return this.lowers.filter(({ isReady, isUnbinding }) => isReady && !isUnbinding);
  }

  private lowersFor({ oid, requestType }: NdisOidRequest): readonly MuxLower[] {
    const open = this.open();
    const isChimney = CHIMNEY_OIDS.has(oid);
    // An adapter without a chimney has nothing to set up, and nothing to count.
    const concerned = isChimney && open.some(({ capabilities }) => capabilities !== null) ? open.filter(({ capabilities }) => capabilities !== null) : open;
    if (requestType === NdisRequestSetInformation || STATISTICS.has(oid) || oid === OID_PNP_QUERY_POWER) return concerned;
    const { primary } = this.placement;
    return primary === null ? concerned.slice(0, 1) : [primary];
  }

  /** Asks each of these adapters, and combines what they answer. */
  private ask(request: NdisOidRequest, lowers: readonly MuxLower[], onOver: (status: NDIS_STATUS) => void): void {
    const group: Group = { request, onOver, answers: [], pending: 1 };
    for (const lower of lowers) {
      const below = requestLike(request);
      const createStatistics = STATISTICS.get(request.oid);
      if (createStatistics !== undefined && request.requestType !== NdisRequestSetInformation) below.informationBuffer = createStatistics();
      group.pending++;
      lower.oidRequests++;
      this.pending.set(below, { group, lower });
      let status: NDIS_STATUS;
      try {
        status = lower.binding.oidRequest(below);
      } catch {
        // Refused, and reported: to the driver above it has failed.
        status = NDIS_STATUS_FAILURE;
      }
      if (status !== NDIS_STATUS_PENDING) this.completed(below, status);
    }
    this.oneLess(group);
  }

  /** `ProtocolOidRequestComplete`. @throws TypeError when the request is not one of the mux's. */
  completed(request: NdisOidRequest, status: NDIS_STATUS): void {
    const asked = this.pending.get(request);
    if (asked === undefined) throw new TypeError('OidFanOut.completed: the request was not sent down by this driver');
    this.pending.delete(request);
    asked.lower.oidRequests--;
    asked.group.answers.push({ request, status });
    try {
      this.oneLess(asked.group);
    } finally {
      this.onLowerDone(asked.lower);
    }
  }

  private oneLess(group: Group): void {
    if (--group.pending > 0) return;
    const { request, answers, onOver } = group;
    const failed = answers.find(({ status }) => status !== NDIS_STATUS_SUCCESS);
    const status = answers.length === 0 ? NDIS_STATUS_NOT_SUPPORTED : (failed?.status ?? NDIS_STATUS_SUCCESS);
    for (const answer of answers) {
      request.bytesWritten = Math.max(request.bytesWritten, answer.request.bytesWritten);
      request.bytesRead = Math.max(request.bytesRead, answer.request.bytesRead);
      request.bytesNeeded = Math.max(request.bytesNeeded, answer.request.bytesNeeded);
    }
    if (status === NDIS_STATUS_SUCCESS) this.takeAnswer(request, answers.map((answer) => answer.request));
    onOver(status);
  }

  private takeAnswer(request: NdisOidRequest, answers: readonly NdisOidRequest[]): void {
    if (request.requestType === NdisRequestSetInformation) {
      this.remember(request);
      return;
    }
    const createStatistics = STATISTICS.get(request.oid);
    if (createStatistics === undefined) {
      request.informationBuffer = answers[0]?.informationBuffer ?? null;
      return;
    }
    const sum = createStatistics();
    for (const { informationBuffer } of answers) addCounters(sum, informationBuffer as TcpOffloadStats | IpOffloadStats);
    request.informationBuffer ??= createStatistics();
    Object.assign(request.informationBuffer as object, sum);
  }

  private remember(request: NdisOidRequest): void {
    const copy = SETTINGS.get(request.oid);
    if (copy === undefined || request.informationBuffer === null) return;
    const kept = requestLike(request);
    kept.informationBuffer = copy(request.informationBuffer);
    this.settings.set(request.oid, kept);
  }

  /** Sets on an adapter what was set before it was bound. @param onOver called when that is over. */
  repeat(lower: MuxLower, onOver: () => void): void {
    let pending = 1;
    const oneLess = (): void => {
      if (--pending === 0) onOver();
    };
    for (const setting of lower.capabilities === null ? [] : this.settings.values()) {
      pending++;
      this.ask(setting, [lower], oneLess);
    }
    oneLess();
  }
}

/** What the statistics OIDs are answered with. */
const STATISTICS: ReadonlyMap<NDIS_OID, () => TcpOffloadStats | IpOffloadStats> = new Map<NDIS_OID, () => TcpOffloadStats | IpOffloadStats>([
  [OID_TCP4_OFFLOAD_STATS, () => new TcpOffloadStats()],
  [OID_TCP6_OFFLOAD_STATS, () => new TcpOffloadStats()],
  [OID_IP4_OFFLOAD_STATS, () => new IpOffloadStats()],
  [OID_IP6_OFFLOAD_STATS, () => new IpOffloadStats()],
]);

/** Counters of 64 bits; the others have 32 and wrap. */
const WIDE: ReadonlySet<string> = new Set(['inSegments', 'outSegments', 'inReceives', 'inOctets', 'inDelivers', 'outRequests', 'outOctets']);

function addCounters(sum: TcpOffloadStats | IpOffloadStats, more: TcpOffloadStats | IpOffloadStats): void {
  const to = sum as unknown as Record<string, number>;
  const from = more as unknown as Record<string, number>;
  for (const name of Object.keys(sum)) {
    const total = (to[name] ?? 0) + (from[name] ?? 0);
    to[name] = WIDE.has(name) ? total : total | 0;
  }
}

/** What is set once for all adapters, and how its buffer is copied: it is valid only during the request. */
const SETTINGS: ReadonlyMap<NDIS_OID, (buffer: unknown) => unknown> = new Map<NDIS_OID, (buffer: unknown) => unknown>([
  [OID_TCP_CONNECTION_OFFLOAD_PARAMETERS, (buffer) => new NdisTcpConnectionOffloadParameters().copyFrom(buffer as NdisTcpConnectionOffloadParameters)],
  [OID_OFFLOAD_ENCAPSULATION, (buffer) => new NdisOffloadEncapsulation().copyFrom(buffer as NdisOffloadEncapsulation)],
  [OID_TCP_OFFLOAD_PARAMETERS, (buffer) => Object.assign(new NdisOffloadParameters(), buffer)],
]);

const CHIMNEY_OIDS: ReadonlySet<NDIS_OID> = new Set([...STATISTICS.keys(), ...SETTINGS.keys()]);
