import type { ProbeStack, ProbeStackOptions } from '@ndis-chimney/kit';

/** A rule, somebody who breaks it, and the same thing done right. */
export interface Scenario {
  readonly rule: string;
  /** Who breaks it and how, as the end of "catches …". */
  readonly catches: string;
  /** Name of the driver that is found at fault. */
  readonly actor: string;
  /** The stack it takes; one connection is offloaded on it. Default: host and target. */
  readonly stack?: ProbeStackOptions;
  /** Breaks the rule, and no other. What it is refused for, it catches itself. */
  readonly broken: (stack: ProbeStack) => void;
  /** Does the same as it should be done. */
  readonly clean: (stack: ProbeStack) => void;
  /** Whether it takes the end of the run to find out. Default false. */
  readonly isEventual?: boolean;
}
