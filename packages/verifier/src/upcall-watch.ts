import {
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  TCP_OFFLOAD_EVENT_TYPE,
  netBufferListDataLength,
  type DdiCrossing,
  type NDIS_STATUS,
  type NdisStatusIndication,
  type NetBufferList,
  type OffloadHandle,
} from '@ndis-chimney/types';

import { keptOn, objectOf, type Ledger } from './ledger.ts';
import type { EdgeRecord } from './record/edge-record.ts';
import { IndicationRecord } from './record/indication-record.ts';
import { copyOfData } from './record/lent-memory.ts';
import { trackOf } from './record/nbl-track.ts';
import type { ObjectRecord } from './record/object-record.ts';
import { MOST_REMEMBERED, Undelivered } from './record/undelivered.ts';

/** Watches what drivers below tell of their own accord: data, events, questions, statuses; and data that goes back. */
export class UpcallWatch {
  private readonly ledger: Ledger;
  /** Receive indications that have not returned, the innermost last. */
  private readonly open: (IndicationRecord | null)[] = [];

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  indicate(edge: EdgeRecord, crossing: DdiCrossing, nbl: NetBufferList, handle: OffloadHandle | null): void {
    const object = objectOf(edge, handle);
    if (object === null) {
      this.open.push(null);
      return;
    }
    const { ledger } = this;
    const nowMs = ledger.clock.now();
    const record = new IndicationRecord(edge, object, nbl, nowMs, netBufferListDataLength(nbl));
    ledger.before(() => {
      for (const hook of ledger.hooks.indicate) hook(record);
    });
    ledger.requests.follow(nbl, edge, crossing, nowMs).indications.push(record);
    edge.indicationDepth++;
    object.upcallDepth++;
    object.deliveryDepth++;
    this.open.push(record);
  }

  indicated(edge: EdgeRecord, status: NDIS_STATUS, bytesConsumed: number): void {
    const record = this.open.pop() ?? null;
    if (record === null) return;
    const { object, nbl } = record;
    edge.indicationDepth--;
    if (object !== null) {
      object.upcallDepth--;
      object.deliveryDepth--;
      const taken = status === NDIS_STATUS_SUCCESS ? record.byteCount : bytesConsumed;
      object.bytesReceived += taken;
      if (edge.lowerRole === 'target' && this.ledger.followsRequests) this.noteUndelivered(object, record, taken);
    }
    for (const hook of this.ledger.hooks.indicated) hook(record, status, bytesConsumed);
    // The NBL may have been returned inside the call.
    const indications = trackOf(nbl)?.indications;
    if (indications?.includes(record) !== true) return;
    if (status === NDIS_STATUS_SUCCESS) edge.kept.add(record);
    else indications.splice(indications.indexOf(record), 1);
  }

  /** What was known to wait below, and what was indicated: the longer of the two, without what was accepted. */
  private noteUndelivered(object: ObjectRecord, { nbl, byteCount }: IndicationRecord, taken: number): void {
    const { undelivered } = object;
    const netBuffer = nbl.firstNetBuffer;
    if (undelivered !== null && undelivered.byteCount >= byteCount) {
      object.undelivered = undelivered.without(taken);
    } else if (taken >= byteCount || netBuffer === null) {
      object.undelivered = null;
    } else {
      const head = copyOfData(netBuffer, 0, byteCount, MOST_REMEMBERED).subarray(taken);
      object.undelivered = new Undelivered(taken > 0 ? 'accepted in part' : 'refused', head, byteCount - taken, true);
    }
    // A request that was posted during the call lifts the block, and so does one that was there before.
    if (object.undelivered !== null && taken < byteCount) object.undelivered.isBlocked = object.pending.receive.size === 0;
  }

  returned(edge: EdgeRecord, crossing: DdiCrossing, list: NetBufferList): void {
    const { ledger } = this;
    const nowMs = ledger.clock.now();
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      const indications = trackOf(nbl)?.indications ?? [];
      const record = keptOn(edge, nbl) ?? indications.find((one) => one.edge === edge) ?? null;
      const current = nbl;
      ledger.before(() => {
        for (const hook of ledger.hooks.returned) hook(edge, current, record);
      });
      if (record === null) continue;
      edge.kept.delete(record);
      const at = indications.indexOf(record);
      if (at >= 0) indications.splice(at, 1);
      ledger.requests.follow(nbl, edge, crossing, nowMs);
    }
  }

  event(edge: EdgeRecord, handle: OffloadHandle | null, eventType: number, information: number): void {
    const object = objectOf(edge, handle);
    if (object === null) return;
    const { ledger } = this;
    ledger.before(() => {
      for (const hook of ledger.hooks.event) hook(object, eventType, information);
    });
    object.upcallDepth++;
    if (eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve) object.uploadReason ??= information;
    else if (eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect) object.isDisconnectIndicated = true;
    else if (eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort) object.isAbortIndicated = true;
  }

  eventReturned(edge: EdgeRecord, handle: OffloadHandle | null, eventType: number): void {
    const object = objectOf(edge, handle);
    if (object === null) return;
    object.upcallDepth--;
    for (const hook of this.ledger.hooks.eventReturned) hook(object, eventType);
  }

  question(edge: EdgeRecord, block: object, handle: OffloadHandle | null, indicationCode: number): void {
    const object = objectOf(edge, handle);
    if (object === null) return;
    this.ledger.before(() => {
      for (const hook of this.ledger.hooks.question) hook(object, block, indicationCode);
    });
    object.upcallDepth++;
  }

  answer(edge: EdgeRecord, block: object, handle: OffloadHandle | null, indicationCode: number): void {
    const object = objectOf(edge, handle);
    if (object === null) return;
    object.upcallDepth--;
    for (const hook of this.ledger.hooks.answer) hook(object, block, indicationCode);
  }

  status(edge: EdgeRecord, indication: NdisStatusIndication): void {
    this.ledger.before(() => {
      for (const hook of this.ledger.hooks.status) hook(edge, indication);
    });
    switch (indication.statusCode) {
      case NDIS_STATUS_OFFLOAD_PAUSE:
        edge.mood = 'paused';
        edge.isCapabilityQueried = false;
        break;
      case NDIS_STATUS_UPLOAD_ALL:
        edge.mood = 'uploading';
        edge.isCapabilityQueried = false;
        break;
      case NDIS_STATUS_OFFLOAD_RESUME:
        edge.mood = 'normal';
        break;
      default:
    }
  }
}
