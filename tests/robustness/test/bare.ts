import { Ndis, type NdisOptions } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { ProbeTarget } from '@ndis-chimney/kit';
import type { ChimneyViolation } from '@ndis-chimney/types';

/** A target whose adapter `nic` runs, and nobody above it yet. */
export interface Bare {
  readonly ndis: Ndis;
  readonly target: ProbeTarget;
  /** Every violation so far. */
  readonly violations: ChimneyViolation[];
  /** Lets everything happen that is due now. */
  readonly settle: () => void;
}

/** See {@link Bare}. For what happens before a stack stands. */
export function createBare(options: NdisOptions = {}): Bare {
  const runtime = new DeterministicRuntime();
  const { clock, random, dpcQueue } = runtime;
  const ndis = new Ndis({ clock, random, dpcQueue, ...options });
  const violations: ChimneyViolation[] = [];
  ndis.onViolationReported((violation) => {
    violations.push(violation);
  });
  const target = new ProbeTarget(ndis);
  target.start('nic');
  return { ndis, target, violations, settle: () => { runtime.advance(0); } };
}
