import { ChimneyViolation, isChimneyViolation, type ChimneyViolationDetails } from '@ndis-chimney/types';

import { RULES, type CoreRule } from './rules.ts';
import { throwLater } from './runtime/throw-later.ts';

/** Told of every violation. */
export type ViolationListener = (violation: ChimneyViolation) => void;

/** The part of NDIS that knows who broke which rule, and tells whom it may concern. */
export abstract class ViolationReporter {
  /** Violations so far. */
  violationCount = 0;
  private readonly onViolation: 'report' | 'throw';
  private readonly violationListeners = new Set<ViolationListener>();
  private readonly reported = new WeakSet<object>();
  /** Violations that are not told yet, see {@link holdReports}; null while all are told at once. */
  private held: ChimneyViolation[] | null = null;

  /** @param onViolation see `NdisOptions`. */
  constructor(onViolation: 'report' | 'throw') {
    this.onViolation = onViolation;
  }

  /** Adds a listener for violations. @returns a function that removes it. */
  onViolationReported(listener: ViolationListener): () => void {
    this.violationListeners.add(listener);
    return () => {
      this.violationListeners.delete(listener);
    };
  }

  reportViolation(details: ChimneyViolationDetails): ChimneyViolation {
    const violation = new ChimneyViolation(details);
    this.reported.add(violation);
    this.violationCount++;
    if (this.held === null) this.tell(violation);
    else this.held.push(violation);
    return violation;
  }

  private tell(violation: ChimneyViolation): void {
    for (const listener of [...this.violationListeners]) {
      try {
        listener(violation);
      } catch (error) {
        // Whoever broke the rule is not to blame for its observer.
        throwLater(error);
      }
    }
  }

  /**
   * Violations are told when {@link releaseReports} is called. For work on a tree: a listener may call NDIS, and must
   * find every block either taken or not.
   * @internal
   */
  holdReports(): void {
    this.held ??= [];
  }

  /** Tells what was held back. @internal */
  releaseReports(): void {
    const { held } = this;
    this.held = null;
    if (held !== null) for (const violation of held) this.tell(violation);
  }

  /** Reports a violation of one of the rules NDIS checks itself. @internal */
  violation(rule: CoreRule, actor: string, detail: string, objects: readonly unknown[]): ChimneyViolation {
    return this.reportViolation({ rule, actor, detail, objects, page: RULES[rule] });
  }

  /** Reports a violation that is found when its author has returned: there is no caller to throw to. @internal */
  accuse(rule: CoreRule, actor: string, detail: string, objects: readonly unknown[]): void {
    const violation = this.violation(rule, actor, detail, objects);
    if (this.onViolation === 'throw') throwLater(violation);
  }

  /** Calls back whoever asked for a change of the configuration; what he throws is not NDIS's to die of. @internal */
  callBack(callback: (() => void) | null): void {
    try {
      callback?.();
    } catch (error) {
      this.reportEscaped('the operating system', 'callback', error, []);
    }
  }

  /**
   * Deals with what escaped from a driver's handler, at the place where the driver is left: its caller did nothing wrong
   * and goes on. A violation that was reported when it was thrown is not reported again.
   * @internal
   */
  reportEscaped(actor: string, entry: string, error: unknown, objects: readonly unknown[]): void {
    let violation: unknown = error;
    if (!isChimneyViolation(error) || !this.reported.has(error)) {
      const text = error instanceof Error ? error.message : String(error);
      violation = this.reportViolation({
        rule: 'CHIM-LIF-005',
        actor,
        detail: `${entry} threw: ${text}`,
        objects,
        page: RULES['CHIM-LIF-005'],
        cause: error,
      });
    }
    if (this.onViolation === 'throw') throwLater(violation);
  }
}
