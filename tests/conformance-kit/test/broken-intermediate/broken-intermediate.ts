// Deliberately broken intermediate drivers: ours, doing one thing wrong.
import type { IntermediateConformanceOptions } from '@ndis-chimney/conformance';
import { tapMiniportDriver, tapProtocolDriver, type MiniportTaps, type ProtocolTaps } from '@ndis-chimney/target-faulty';
import type { MiniportDriver, ProtocolDriver } from '@ndis-chimney/types';

import { passThroughSubject } from '../intermediate-subjects.ts';

/** A way to be wrong, and the case that is to say so. */
export interface BrokenIntermediate {
  /** What the driver does, as the end of "a driver that …". */
  readonly does: string;
  /** Id of the case that fails it, without `intermediate-`. */
  readonly fails: string;
  /** What the case says about it. */
  readonly says: RegExp;
  readonly subject: IntermediateConformanceOptions;
}

/** A pass-through driver with taps at one of its edges or at both. */
export function tapped({ upper = {}, lower = {} }: { readonly upper?: MiniportTaps; readonly lower?: ProtocolTaps }): IntermediateConformanceOptions {
  const base = passThroughSubject();
  return {
    ...base,
    create: async (ndis, wishes) => {
      const driver = await base.create(ndis, wishes);
      tapMiniportDriver(driver as unknown as MiniportDriver<never>, upper);
      tapProtocolDriver(ndis, driver as unknown as ProtocolDriver<never>, lower);
      return driver;
    },
  };
}
