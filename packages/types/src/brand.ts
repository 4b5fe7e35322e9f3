/**
 * Brands say what an object is without `instanceof`, so that two copies of this package in one process (a plugin that
 * brought its own, say) still recognize each other's objects.
 */
const prefix = '@ndis-chimney/types/';

/** The well-known symbol that marks every {@link NetBufferList}. */
export const NET_BUFFER_LIST_BRAND: unique symbol = Symbol.for(`${prefix}NetBufferList`);

/** The well-known symbol that marks every {@link OffloadBlockList}, whichever view it is seen through. */
export const OFFLOAD_BLOCK_LIST_BRAND: unique symbol = Symbol.for(`${prefix}OffloadBlockList`);

/** The well-known symbol that marks every {@link OffloadHandle}. */
export const OFFLOAD_HANDLE_BRAND: unique symbol = Symbol.for(`${prefix}OffloadHandle`);

/** The well-known symbol that marks every {@link ChimneyViolation}. */
export const CHIMNEY_VIOLATION_BRAND: unique symbol = Symbol.for(`${prefix}ChimneyViolation`);

/**
 * An object that may carry brands. Each class tests for its own in its own function: the engine makes a test for one
 * symbol fast, and one for any symbol slow.
 */
export type Branded = Readonly<Record<symbol, unknown>>;

/** Marks all instances of a class, by its prototype. */
export function brand(prototype: object, symbol: symbol): void {
  Object.defineProperty(prototype, symbol, { value: true });
}
