// Runs TypeScript in Node 20, worker threads included (`--import tsx` alone does not reach workers there).
// Node 22.18+ strips types itself, so this is a no-op on newer versions.
if (!('typescript' in process.features && process.features.typescript)) {
  const { register } = await import('tsx/esm/api');
  register();
}
