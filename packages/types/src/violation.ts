import { CHIMNEY_VIOLATION_BRAND, brand, type Branded } from './brand.ts';

/** What a {@link ChimneyViolation} is made from. */
export interface ChimneyViolationDetails {
  /** Stable id of the broken rule, for example `CHIM-SND-002`. */
  readonly rule: string;
  /** The party at fault, by its driver's name. */
  readonly actor: string;
  /** What happened, in one sentence. */
  readonly detail: string;
  /** The objects concerned: handle, block, NET_BUFFER_LIST, binding. */
  readonly objects?: readonly unknown[];
  /** Where the rule is written: a DDI page's file name. */
  readonly page?: string;
  /** What was thrown, when the violation is an exception that escaped from a driver's handler. */
  readonly cause?: unknown;
}

/**
 * A broken contract: which rule, who broke it, on which object, where the rule is written. It is thrown to the caller
 * at fault and appears on the dispatcher's `violations$`. Outcomes that NDIS expects are statuses, never violations.
 */
export class ChimneyViolation extends Error {
  override readonly name = 'ChimneyViolation';
  readonly rule: string;
  readonly actor: string;
  readonly detail: string;
  readonly objects: readonly unknown[];
  readonly page: string | null;

  constructor(details: ChimneyViolationDetails) {
    super(`${details.rule}: ${details.actor}: ${details.detail}`, 'cause' in details ? { cause: details.cause } : undefined);
    this.rule = details.rule;
    this.actor = details.actor;
    this.detail = details.detail;
    this.objects = details.objects ?? [];
    this.page = details.page ?? null;
  }

  static {
    brand(this.prototype, CHIMNEY_VIOLATION_BRAND);
  }
}

/** True when `value` is a {@link ChimneyViolation}, of whichever copy of this package. */
export function isChimneyViolation(value: unknown): value is ChimneyViolation {
  return typeof value === 'object' && value !== null && (value as Branded)[CHIMNEY_VIOLATION_BRAND] === true;
}
