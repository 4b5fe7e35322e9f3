import { Snapshots, type ProbeStack, type SnapshotSubjects } from '@ndis-chimney/kit';
import { isChimneyViolation, type ChimneyViolation } from '@ndis-chimney/types';
import { expect } from 'vitest';

/** Who is told what: the rule and the party that broke it, or, for what is no argument at all, a TypeError. */
export interface Refusal {
  /** Id of the rule; left out for a TypeError. */
  readonly rule?: string;
  /** The party at fault. */
  readonly actor: string;
  /** What the violation names, among others. */
  readonly object?: unknown;
  /** What the message says, besides. */
  readonly message?: RegExp;
}

/**
 * Expects `attempt` to be refused: the error reaches the caller, names rule, actor and object, is reported once if it is
 * a violation, and nothing has changed.
 */
export function expectRefused(stack: ProbeStack, attempt: () => unknown, refusal: Refusal, subjects: SnapshotSubjects = {}): void {
  const snapshots = new Snapshots(stack, subjects);
  const before = snapshots.take();
  const callsBefore = [stack.host.calls.entries, stack.target.calls.entries];
  const violationsBefore = stack.violations.length;
  const error = errorOf(attempt);
  expect(snapshots.take()).toEqual(before);
  expect([stack.host.calls.entries, stack.target.calls.entries]).toEqual(callsBefore);
  if (refusal.message !== undefined) expect(String(error)).toMatch(refusal.message);
  if (refusal.rule === undefined) {
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(refusal.actor);
    expect(stack.violations).toHaveLength(violationsBefore);
    return;
  }
  const violation = expectViolation(error);
  expect([violation.rule, violation.actor]).toEqual([refusal.rule, refusal.actor]);
  if (refusal.object !== undefined) expect(violation.objects.includes(refusal.object)).toBe(true);
  expect(violation.page).toMatch(/\.md$/);
  expect(stack.violations.splice(violationsBefore)).toEqual([violation]);
}

function errorOf(attempt: () => unknown): unknown {
  try {
    attempt();
  } catch (error) {
    return error;
  }
  throw new Error('it was not refused');
}

function expectViolation(error: unknown): ChimneyViolation {
  if (!isChimneyViolation(error)) throw new Error('not a violation', { cause: error });
  return error;
}

/** Expects the stack to go on: a send goes through, everything is taken back and closed, and nothing is left. */
export function expectGoesOn(stack: ProbeStack): void {
  stack.finishAll();
  stack.proveItWorks();
  stack.close();
}
