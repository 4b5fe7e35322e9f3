import process from 'node:process';
import { setImmediate } from 'node:timers/promises';

import type { UncaughtWatch } from '../run/run-cases.ts';

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

/** What nobody caught in this process while a case ran, instead of the end of the process. */
export const watchProcess: UncaughtWatch = (report) => {
  for (const event of EVENTS) process.on(event, report);
  return async () => {
    // Rejections are reported after the continuations of a turn have run.
    await setImmediate();
    for (const event of EVENTS) process.off(event, report);
  };
};

/** Calls this with what nobody caught while no case ran. */
export function watchStrays(onStray: (error: unknown) => void): void {
  for (const event of EVENTS) {
    process.on(event, (error) => {
      if (process.listenerCount(event) === 1) onStray(error);
    });
  }
}
