import type { DdiCrossing, NdisBinding, NetBufferList } from '@ndis-chimney/types';

import type { VerifyLevel } from '../options.ts';
import type { EdgeRecord } from './edge-record.ts';
import { dataStartsOf } from './lent-memory.ts';
import { NblTrack, trackOf, type Hop } from './nbl-track.ts';
import type { ObjectRecord } from './object-record.ts';
import { RequestRecord, type RequestKind } from './request-record.ts';

/** What {@link Requests} needs to know of its verifier. */
export interface RequestsOptions {
  readonly level: VerifyLevel;
  /** Hops of one NBL that are kept. */
  readonly hops: number;
}

/** Tracks that are looked through for what is out, before those of idle NBLs are dropped. */
const FIRST_PRUNING = 1024;

/**
 * The account of NET_BUFFER_LISTs that are requests: who has each, and what it is waiting for, edge by edge. Records are
 * used again, so that following a request allocates nothing.
 */
export class Requests {
  private readonly options: RequestsOptions;
  private free: RequestRecord | null = null;
  /** Every NBL that was ever followed, as far as it may still be out. */
  private tracks = new Set<NblTrack>();
  private pruneAt = FIRST_PRUNING;

  constructor(options: RequestsOptions) {
    this.options = options;
  }

  /** The NBL crosses an edge: whoever it is going to has it now. */
  follow(nbl: NetBufferList, edge: EdgeRecord, crossing: DdiCrossing, nowMs: number): NblTrack {
    const track = this.stamp(nbl, edge.binding, crossing, nowMs);
    if (this.options.level !== 'lastOwner') this.noteHop(track, edge, nowMs);
    return track;
  }

  /** As {@link follow}, at the level of the last owner. */
  stamp(nbl: NetBufferList, binding: NdisBinding, crossing: DdiCrossing, nowMs: number): NblTrack {
    let track = trackOf(nbl);
    if (track !== null) {
      track.binding = binding;
      track.crossing = crossing;
      track.sinceMs = nowMs;
      return track;
    }
    track = new NblTrack(nbl, binding, crossing, nowMs);
    nbl.ndisReserved1 = track;
    this.tracks.add(track);
    if (this.tracks.size > this.pruneAt) this.prune();
    return track;
  }

  private noteHop(track: NblTrack, edge: EdgeRecord, atMs: number): void {
    const { crossing, requests, indications } = track;
    // Nobody had it before: its history begins again.
    if (track.hops === null || (requests.length === 0 && indications.length === 0 && edge.upperRole === 'host' && crossing.direction === 'down')) track.hops = [];
    const hop: Hop = { atMs, edge, crossing, stack: this.options.level === 'stacks' ? callStack() : null };
    if (track.hops.length >= this.options.hops) track.hops.shift();
    track.hops.push(hop);
  }

  /** A request that is about to go down. */
  take(nbl: NetBufferList, edge: EdgeRecord, object: ObjectRecord, kind: RequestKind, nowMs: number, flags: number): RequestRecord {
    let request = this.free;
    if (request === null) request = new RequestRecord(nbl, edge, object, kind);
    else {
      this.free = request.newer;
      request.newer = null;
      request.nbl = nbl;
      request.edge = edge;
      request.object = object;
      request.kind = kind;
    }
    request.ordinal = ++edge.requestCount;
    request.postedAtMs = nowMs;
    request.flags = flags;
    request.isPush = !nbl.tcpReceiveNoPush;
    request.preFilled = nbl.tcpReceiveBytesTransferred;
    request.completedBelow = null;
    request.isInherited = false;
    request.callOrdinal = request.ordinal;
    request.isAfterDisconnect = object.isDisconnectIndicated;
    request.isTakenBack = false;
    request.isOrigin = (trackOf(nbl)?.requests.length ?? 0) === 0;
    request.hasChecksum = false;
    request.dataStarts = dataStartsOf(nbl);
    request.firstMdl = nbl.firstNetBuffer?.mdlChain ?? null;
    let bytes = 0;
    let count = 0;
    for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) {
      bytes += nb.dataLength;
      count++;
    }
    request.byteCount = bytes;
    request.netBufferCount = count;
    return request;
  }

  /** The request is below its edge. */
  begin(request: RequestRecord): void {
    request.isPending = true;
    request.object.pending[request.kind].add(request);
    trackOf(request.nbl)?.requests.push(request);
  }

  /** The request of an NBL that is below an edge; null when the verifier was not there when it went down. */
  find(nbl: NetBufferList, edge: EdgeRecord): RequestRecord | null {
    const requests = trackOf(nbl)?.requests;
    if (requests === undefined) return null;
    for (let at = requests.length - 1; at >= 0; at--) if (requests[at]!.edge === edge) return requests[at]!;
    return null;
  }

  /** The request that an NBL is on the lowest edge it is below of. */
  newest(nbl: NetBufferList): RequestRecord | null {
    return trackOf(nbl)?.requests.at(-1) ?? null;
  }

  /** The request is over on its edge. Its record stays what it is until {@link give}. */
  end(request: RequestRecord): void {
    request.isPending = false;
    request.object.pending[request.kind].remove(request);
    const requests = trackOf(request.nbl)?.requests;
    if (requests !== undefined) {
      const at = requests.lastIndexOf(request);
      if (at === requests.length - 1) requests.pop();
      else if (at >= 0) requests.splice(at, 1);
    }
  }

  /** The end of a request is taken back. */
  restore(request: RequestRecord): void {
    request.isPending = true;
    request.object.pending[request.kind].restore(request);
    trackOf(request.nbl)?.requests.push(request);
  }

  /** The record of a request that has ended, or never began, is used again. */
  give(request: RequestRecord): void {
    request.newer = this.free;
    this.free = request;
  }

  /** The NBLs that somebody other than their owner has, as far as they were followed. */
  outstanding(): NblTrack[] {
    return [...this.tracks].filter(isOut);
  }

  private prune(): void {
    for (const track of this.tracks) {
      if (isOut(track)) continue;
      this.tracks.delete(track);
      track.nbl.ndisReserved1 = null;
    }
    this.pruneAt = Math.max(FIRST_PRUNING, 2 * this.tracks.size);
  }

  /** Forgets everything, and takes its marks off. */
  clear(): void {
    for (const { nbl } of this.tracks) nbl.ndisReserved1 = null;
    this.tracks.clear();
    this.free = null;
  }
}

/** Somebody other than its owner has the NBL: NDIS's own tag says so. */
function isOut({ nbl, requests, indications }: NblTrack): boolean {
  return requests.length > 0 || indications.length > 0 || (nbl.sourceHandle !== null && nbl.sourceHandle !== (nbl.ndisPoolHandle as object | null));
}

/** Where the present call comes from, without the verifier's own frames. */
function callStack(): string {
  const lines = (new Error('stack').stack ?? '').split('\n').slice(1);
  return lines.filter((line) => !line.includes('/verifier/src/') && !line.includes('/verifier/dist/')).join('\n');
}
