import type { ProbeStackOptions } from './probe-stack.ts';

/**
 * The stacks every behavior is tried on: 0, 1 and 3 intermediate drivers, observed and not, since an attached observer
 * takes other ways through NDIS. For `describe.each`.
 */
export const STACK_SHAPES: readonly (readonly [name: string, options: ProbeStackOptions])[] = [0, 1, 3].flatMap((intermediates) =>
  [false, true].map((isObserved) => [`${intermediates} intermediate drivers, ${isObserved ? 'observed' : 'unobserved'}`, { intermediates, isObserved }] as const),
);
