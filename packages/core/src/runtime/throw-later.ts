/** Makes an error an uncaught one, in a turn of its own. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
