import type { ChimneyViolation, NdisBinding } from '@ndis-chimney/types';
import { Observable } from 'rxjs';

import type { DdiEvent } from './ddi-event.ts';
import { DdiStream } from './ddi-stream.ts';
import { Ndis, type NdisOptions } from './ndis.ts';
import { byBinding, completions, indications, statusIndications } from './operators.ts';

/** Options of {@link createDispatcher}. */
export interface DispatcherOptions extends NdisOptions {
  /** Whether events carry the clock's time. Reading it costs as much as a crossing does. Default false. */
  readonly timestamps?: boolean;
}

/** What happens on one binding, seen from the driver above it. */
export interface BindingStreams {
  /** Completions of what the driver had started. */
  readonly completions$: Observable<DdiEvent>;
  /** Received data, TCP events, neighbor queries and ordinary packets. */
  readonly indications$: Observable<DdiEvent>;
  /** Status indications of the adapter below. */
  readonly status$: Observable<DdiEvent>;
}

/**
 * NDIS with its public face: everything that crosses an edge as an Observable. The streams notify once per list, cost
 * nothing until somebody subscribes, and are synchronous: a subscriber runs inside the crossing it is told of, so it
 * must be quick, and what is `live` then is not afterwards. There is no scheduler in them; time is the clock's.
 */
export class Dispatcher extends Ndis {
  /** Every crossing of every edge, in order. */
  readonly ddi$: Observable<DdiEvent>;
  /** Every broken rule, whoever was told of it. */
  readonly violations$: Observable<ChimneyViolation>;

  constructor(options: DispatcherOptions = {}) {
    super(options);
    this.ddi$ = new DdiStream(this, options.timestamps ?? false).events$;
    this.violations$ = new Observable<ChimneyViolation>((subscriber) =>
      this.onViolationReported((violation) => {
        subscriber.next(violation);
      }),
    );
  }

  /** The streams of one binding. */
  streamsOf(binding: NdisBinding): BindingStreams {
    const events$ = this.ddi$.pipe(byBinding(binding));
    return {
      completions$: events$.pipe(completions()),
      indications$: events$.pipe(indications()),
      status$: events$.pipe(statusIndications()),
    };
  }
}

/** Makes an NDIS with its streams. */
export function createDispatcher(options: DispatcherOptions = {}): Dispatcher {
  return new Dispatcher(options);
}
