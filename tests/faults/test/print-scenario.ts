// Prints the scenario's events, for a comparison of one Node with another.
import { runScenario } from './scenario.ts';

process.stdout.write(await runScenario());
