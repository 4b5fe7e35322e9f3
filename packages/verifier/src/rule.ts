import type { AllocationKind, DdiCrossing, NDIS_STATUS, NdisMiniport, NdisOidRequest, NdisStatusIndication, NetBuffer, NetBufferList } from '@ndis-chimney/types';

import type { EdgeRecord } from './record/edge-record.ts';
import type { IndicationRecord } from './record/indication-record.ts';
import type { NblTrack } from './record/nbl-track.ts';
import type { ObjectRecord } from './record/object-record.ts';
import type { CompletionCall, DataCall, RequestRecord } from './record/request-record.ts';
import type { TreeRecord } from './record/tree-record.ts';
import type { Watch } from './watch.ts';

/** Whose behavior a rule judges. */
export type Actor = 'host' | 'intermediate' | 'target' | 'NDIS';

/**
 * How bad it is to break a rule: an obligation, or data lost, doubled or leaked; a recommendation; a hint.
 */
export type Severity = 'error' | 'warning' | 'advice';

/**
 * Where a rule is observed: calls going down, completions and indications coming up, memory (structures before and
 * after), status and OIDs, the ordinary path, time, resources, the wire.
 */
export type ObservationPoint = 'down' | 'up' | 'memory' | 'status' | 'ordinary' | 'time' | 'resources' | 'wire';

/** Who decides a rule: NDIS itself, always; this verifier; nobody yet. */
export type DecidedBy = 'ndis' | 'verifier' | 'nobody';

/** One rule of the chimney contract, with all there is to say about it. `docs/reference/rules.md` is made of these. */
export interface Rule {
  /** Stable: `CHIM-SND-003`. */
  readonly id: string;
  readonly actors: readonly Actor[];
  readonly severity: Severity;
  /** Where it is written: a page of the DDI documentation. */
  readonly page: string;
  /** What holds, in one sentence. */
  readonly holds: string;
  /** What goes wrong when it does not hold. */
  readonly why: string;
  /** How to find the cause. */
  readonly cause: string;
  /** What breaking it looks like. */
  readonly example: string;
  readonly observed: readonly ObservationPoint[];
  readonly decidedBy: DecidedBy;
  /** For a rule that nobody decides yet, or that is decided in part: what is missing. */
  readonly missing?: string;
  /** For a rule the verifier decides: starts watching. */
  readonly watch?: (watch: Watch) => RuleHooks;
}

/**
 * What a rule is told of, on every edge it asks for. Records are live and are used again: read them during the call.
 * A hook that finds the rule broken reports it; where the hook comes before the call that breaks the rule, the
 * verifier's mode decides whether that call is stopped.
 */
export interface RuleHooks {
  /** Send, receive, disconnect or forward is about to go down. */
  readonly callDown?: (call: DataCall) => void;
  /** One of its NET_BUFFER_LISTs. */
  readonly requestDown?: (request: RequestRecord, call: DataCall) => void;
  /** The driver below has returned. */
  readonly callDownReturned?: (call: DataCall, status: NDIS_STATUS) => void;
  /** A completion list is about to go up. */
  readonly completionUp?: (completion: CompletionCall) => void;
  /** One of its NET_BUFFER_LISTs, with the request it ends. */
  readonly requestUp?: (request: RequestRecord, completion: CompletionCall) => void;
  /** One of its NET_BUFFER_LISTs that is no request on this edge, though its past is known. */
  readonly strayUp?: (track: NblTrack, completion: CompletionCall) => void;
  /** The driver above has returned from its completion. */
  readonly completionUpReturned?: (completion: CompletionCall) => void;
  /** A state operation is about to go down: its tree, with a picture of every block. */
  readonly treeDown?: (tree: TreeRecord) => void;
  readonly treeDownReturned?: (tree: TreeRecord) => void;
  /** It is about to be completed: the same record, so that both pictures can be compared. */
  readonly treeUp?: (tree: TreeRecord) => void;
  readonly treeUpReturned?: (tree: TreeRecord) => void;
  /** A receive indication is about to go up. */
  readonly indicate?: (indication: IndicationRecord) => void;
  /** It was answered. */
  readonly indicated?: (indication: IndicationRecord, status: NDIS_STATUS, bytesConsumed: number) => void;
  /** Indicated NBLs are about to be returned. */
  readonly returned?: (edge: EdgeRecord, netBufferList: NetBufferList, indication: IndicationRecord | null) => void;
  /** `NdisTcpOffloadEventHandler`. */
  readonly event?: (object: ObjectRecord, eventType: number, information: number) => void;
  readonly eventReturned?: (object: ObjectRecord, eventType: number) => void;
  /** `NdisMOffloadEventIndicate`: a question about a neighbor, and its answer. */
  readonly question?: (object: ObjectRecord, block: object, indicationCode: number) => void;
  readonly answer?: (object: ObjectRecord, block: object, indicationCode: number) => void;
  /** A status indication is about to go up on this edge. */
  readonly status?: (edge: EdgeRecord, indication: NdisStatusIndication) => void;
  readonly oidDown?: (edge: EdgeRecord, request: NdisOidRequest) => void;
  /** The call has returned; anything but NDIS_STATUS_PENDING ends the request. */
  readonly oidDownReturned?: (edge: EdgeRecord, request: NdisOidRequest, status: NDIS_STATUS) => void;
  readonly oidUp?: (edge: EdgeRecord, request: NdisOidRequest, status: NDIS_STATUS) => void;
  /** Ordinary sends, receives and returns. */
  readonly ordinary?: (edge: EdgeRecord, crossing: DdiCrossing, netBufferList: NetBufferList) => void;
  /** Packets have reached the ordinary path of an adapter. */
  readonly nonOffload?: (adapter: NdisMiniport, netBufferList: NetBufferList) => void;
  /** The data start of a NET_BUFFER has moved forward by so many bytes, or back. */
  readonly dataStart?: (netBuffer: NetBuffer, byteCount: number) => void;
  /** An intermediate driver has made, or freed, an entry that it keeps per object or per operation. */
  readonly entryAllocated?: (kind: AllocationKind, entry: object, owner: string) => void;
  readonly entryFreed?: (kind: AllocationKind, entry: object, owner: string) => void;
  /** An object is about to have another state on an edge. */
  readonly objectEnds?: (object: ObjectRecord) => void;
  /** Time has passed, at least a second since the last time. Only while something is outstanding. */
  readonly tick?: (nowMs: number) => void;
  /** The run is over: what had to happen eventually has happened, or it will not. */
  readonly end?: () => void;
}
