// Vitest setup: worker threads started by the code under test may be TypeScript, on Node 20 too.
// Only such threads pay for the loader; the test process itself goes through Vite as usual.
import { syncBuiltinESMExports } from 'node:module';
import threads from 'node:worker_threads';

const patched = Symbol.for('@ndis-chimney/ts-worker');

const runsTypeScript = 'typescript' in process.features && process.features.typescript;

if (!runsTypeScript && !Reflect.has(threads.Worker, patched)) {
  const register = new URL('./ts-register.mjs', import.meta.url).href;
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    static [patched] = true;
    /**
     * @param {string | URL} file
     * @param {import('node:worker_threads').WorkerOptions} [options]
     */
    constructor(file, options) {
      const isTypeScript = file instanceof URL && file.pathname.endsWith('.ts');
      const execArgv = [...(options?.execArgv ?? process.execArgv), '--import', register];
      super(file, isTypeScript ? { ...options, execArgv } : options);
    }
  };
  syncBuiltinESMExports();
}
