import { DDI_CROSSING, NDIS_STATUS_SUCCESS, type DdiCrossing, type NDIS_STATUS, type NdisBinding, type NdisObserver } from '@ndis-chimney/types';
import { Observable, type Subscriber } from 'rxjs';

import { DdiEvent, type DdiEventSource } from './ddi-event.ts';
import type { Ndis } from './ndis.ts';

/** Calls that answer on return: they get a second event. */
const ANSWERING: ReadonlySet<DdiCrossing> = new Set([
  DDI_CROSSING.tcpOffloadReceiveHandler,
  DDI_CROSSING.offloadEventIndicate,
  DDI_CROSSING.oidRequest,
]);

/**
 * Turns crossings into events for as long as somebody subscribes. The first subscriber attaches it to NDIS, the last one
 * detaches it.
 */
export class DdiStream implements NdisObserver, DdiEventSource {
  readonly events$: Observable<DdiEvent>;
  delivering: DdiEvent | null = null;
  private readonly ndis: Ndis;
  private readonly hasTimestamps: boolean;
  private subscribers: readonly Subscriber<DdiEvent>[] = [];
  private sequence = 0;
  private detach: (() => void) | null = null;

  constructor(ndis: Ndis, hasTimestamps: boolean) {
    this.ndis = ndis;
    this.hasTimestamps = hasTimestamps;
    this.events$ = new Observable<DdiEvent>((subscriber) => {
      this.add(subscriber);
      return () => {
        this.remove(subscriber);
      };
    });
  }

  private add(subscriber: Subscriber<DdiEvent>): void {
    this.subscribers = [...this.subscribers, subscriber];
    this.detach ??= this.ndis.attachObserver(this, 'stream');
  }

  private remove(subscriber: Subscriber<DdiEvent>): void {
    this.subscribers = this.subscribers.filter((one) => one !== subscriber);
    if (this.subscribers.length > 0 || this.detach === null) return;
    this.detach();
    this.detach = null;
  }

  enter(crossing: DdiCrossing, edge: NdisBinding, subject: object, count: number, detail: number): void {
    this.deliver('enter', crossing, edge, subject, crossing.carries === 'handle' ? 1 : count, detail, NDIS_STATUS_SUCCESS);
  }

  leave(crossing: DdiCrossing, edge: NdisBinding, subject: object, status: NDIS_STATUS, detail: number): void {
    if (ANSWERING.has(crossing)) this.deliver('leave', crossing, edge, subject, 1, detail, status);
  }

  private deliver(
    phase: 'enter' | 'leave',
    crossing: DdiCrossing,
    edge: NdisBinding,
    subject: object,
    count: number,
    detail: number,
    status: NDIS_STATUS,
  ): void {
    const { ndis, delivering } = this;
    const timeMs = this.hasTimestamps ? ndis.clock.now() : null;
    const event = new DdiEvent(this, ++this.sequence, phase, crossing, edge, subject, count, detail, status, ndis.currentIrql, timeMs);
    this.delivering = event;
    const { subscribers } = this;
    for (let i = 0; i < subscribers.length; i++) subscribers[i]!.next(event);
    // A subscriber may have caused another crossing, which was delivered inside this one.
    this.delivering = delivering;
  }
}
