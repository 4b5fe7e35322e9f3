// The few globals of the host environment that this folder, and only this folder, may use. They exist in every browser
// and in Node; setImmediate in Node alone.
declare function queueMicrotask(callback: () => void): void;
declare function setTimeout(callback: () => void, delayMs: number): unknown;
declare function clearTimeout(handle: unknown): void;
declare const setImmediate: ((callback: () => void) => unknown) | undefined;
declare const performance: { now(): number };
