/** Which occasions a planned fault may strike at. Every member given must hold. */
export interface FaultWhere {
  /** The connection's port at the host's end. */
  readonly hostPort?: number;
  /** The connection's port at the peer's end. */
  readonly peerPort?: number;
  /** Name of the adapter the call is about. */
  readonly adapter?: string;
  /** One of the fault's operations. */
  readonly operation?: string;
  /** The request's OID, unsigned as in the header. */
  readonly oid?: number;
}

/** Value of a parameter of a fault. */
export type FaultParameter = number | string;

/**
 * One fault of a plan. It strikes at every occasion unless `probability`, `nth`, `every` or `next` says otherwise (one of
 * them at most); `window`, `where` and `limit` narrow that further. Occasions outside of them are not counted.
 */
export interface PlannedFault {
  /** Which fault: a key of `FAULTS`, such as `A1`. */
  readonly fault: string;
  /** Names it within the plan, and its random stream. Default: the fault's own id. */
  readonly id?: string;
  /** How likely it strikes at an occasion, from 0 to 1. */
  readonly probability?: number;
  /** Strikes at the n-th occasion only, counted from 1. */
  readonly nth?: number;
  /** Strikes at every n-th occasion. */
  readonly every?: number;
  /** Strikes at the next n occasions only. */
  readonly next?: number;
  /** Milliseconds since the faults began, from `fromMs` (default 0) up to but without `toMs` (default: for ever). */
  readonly window?: { readonly fromMs?: number; readonly toMs?: number };
  readonly where?: FaultWhere;
  /** Most times it strikes. */
  readonly limit?: number;
  /** What the fault can be told; see `FAULTS`. */
  readonly parameters?: Readonly<Record<string, FaultParameter>>;
}

/** What goes wrong, when and where: plain data. The same plan with the same seed does the same in the same run. */
export interface FaultPlan {
  /** Names the plan in events. Default `plan`. */
  readonly id?: string;
  /** What chance is made from. Default: drawn from the environment, and told in every event. */
  readonly seed?: string | number;
  readonly faults: readonly PlannedFault[];
}
