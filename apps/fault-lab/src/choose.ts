import { readFile } from 'node:fs/promises';

import { parseFaultPlan, type FaultPlan } from '@ndis-chimney/target-faulty';

import { UsageError, type LabArguments } from './arguments.ts';
import { QUIET, type Experiment } from './experiment.ts';
import { INCIDENTS, incidentOf } from './incidents/index.ts';

/** The experiment that a command line asks for. @throws UsageError when there is no such incident, or the plan is none. */
export async function chooseExperiment(args: LabArguments): Promise<Experiment> {
  const chosen: Experiment = { ...QUIET, ...(await subjectOf(args)) };
  const { work } = chosen;
  return {
    ...chosen,
    seed: args.seed ?? chosen.seed,
    intermediates: args.intermediates ?? chosen.intermediates,
    work: { ...work, connections: args.connections ?? work.connections, messages: args.messages ?? work.messages, messageBytes: args.bytes ?? work.messageBytes },
  };
}

async function subjectOf({ subject, at }: LabArguments): Promise<Partial<Experiment>> {
  if (subject === null) return {};
  const incident = incidentOf(subject);
  if (incident !== undefined) return incident.experiment;
  if (!subject.endsWith('.json')) throw new UsageError(`there is no incident ${subject} (there are ${INCIDENTS.map(({ id }) => id).join(', ')}); a plan is a .json file`);
  const plan = await readPlan(subject, at);
  return { [at]: plan, ...(plan.seed !== undefined && { seed: String(plan.seed) }) };
}

async function readPlan(file: string, at: LabArguments['at']): Promise<FaultPlan> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
  try {
    return parseFaultPlan(JSON.parse(text), at);
  } catch (error) {
    throw new UsageError(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
