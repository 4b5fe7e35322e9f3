import process from 'node:process';
import { setImmediate } from 'node:timers/promises';

import type { UncaughtWatch } from '../run/run-cases.ts';

/** What nobody caught in this process, instead of the end of it. */
export const watchProcess: UncaughtWatch = (report) => {
  process.on('uncaughtException', report);
  process.on('unhandledRejection', report);
  return async () => {
    // Rejections are reported after the continuations of a turn have run.
    await setImmediate();
    process.off('uncaughtException', report);
    process.off('unhandledRejection', report);
  };
};
