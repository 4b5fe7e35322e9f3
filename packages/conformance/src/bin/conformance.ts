#!/usr/bin/env node
import process from 'node:process';

import { describeError, runCommand } from './command.ts';
import { watchStrays } from './uncaught.ts';

// Also when a module never lets the command go on.
process.exitCode = 2;
watchStrays((error) => {
  process.stderr.write(`while no case ran: ${describeError(error)}\n`, () => process.exit(2));
});
const exitCode = await runCommand(process.argv.slice(2), {
  print: (text) => process.stdout.write(`${text}\n`),
  complain: (text) => process.stderr.write(`${text}\n`),
});
// Whatever the subject left running does not keep the command; what was printed goes out first.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
