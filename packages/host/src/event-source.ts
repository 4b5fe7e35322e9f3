import { Observable, Subject } from 'rxjs';

/** Events, of which the first subscriber gets those too that came before it: nobody can subscribe before an offload is over. */
export class EventSource<Event> {
  private early: Event[] | null = null;
  private subject: Subject<Event> | null = null;
  private isEnded = false;

  get events$(): Observable<Event> {
    return new Observable((subscriber) => {
      const isFirst = this.subject === null;
      this.subject ??= new Subject<Event>();
      if (isFirst && this.early !== null) {
        // What comes meanwhile joins them, in its order.
        for (const event of this.early) subscriber.next(event);
        this.early = null;
      }
      if (this.isEnded) this.subject.complete();
      return this.subject.subscribe(subscriber);
    });
  }

  next(event: Event): void {
    if (this.subject === null || this.early !== null) (this.early ??= []).push(event);
    else this.subject.next(event);
  }

  end(): void {
    this.isEnded = true;
    this.subject?.complete();
  }
}
