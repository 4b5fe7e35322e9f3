import { FAULTS } from '@ndis-chimney/target-faulty';
import Table from 'cli-table3';

import { commandOf, type LabArguments } from './arguments.ts';
import { INCIDENTS } from './incidents/index.ts';
import type { Outcome, Sample } from './run.ts';

/** Most rows of the table of who has the connections. */
const MOST_SAMPLES = 12;
const PLAIN = { head: [], border: [], compact: true };

/** The object that `--json` prints. */
export function jsonOf(args: LabArguments, { experiment, conversations, faults, violations, findings, samples, symptoms, endedAtMs }: Outcome): object {
  return {
    command: commandOf(args, experiment.seed),
    experiment,
    symptoms,
    faults,
    violations: violations.map(({ rule, actor, detail }) => ({ rule, actor, detail })),
    findings: findings.map(({ rule, actor, detail, atMs }) => ({ rule: rule.id, severity: rule.severity, actor, detail, atMs })),
    connections: conversations.map(({ hostPort, ending, why, offers, uploads, sentBytes, echoedBytes }) => ({ hostPort, ending, why, offers, uploads, sentBytes, echoedBytes })),
    samples,
    endedAtMs,
  };
}

/** What a person gets to read. */
export function textOf(args: LabArguments, outcome: Outcome): string {
  const { experiment, log, conversations, faults, violations, findings, symptoms, endedAtMs } = outcome;
  const shown = log.entries.slice(0, args.lines).map(({ atMs, voice, what }) => `${atMs.toFixed(1).padStart(9)} ms  ${voice.padEnd(11)}  ${what}`);
  const hidden = log.entries.length - shown.length;
  const finished = conversations.filter(({ ending }) => ending === 'finished').length;
  return [
    ...(shown.length > 0 ? [`What happened:\n\n${shown.join('\n')}${hidden > 0 ? `\n             ... and ${hidden} more; --lines shows them` : ''}`] : []),
    `Who had the connections:\n\n${sampleTable(outcome.samples)}`,
    [
      `faults        ${faultCounts(faults)}`,
      `rules broken  ${counts(violations.map(({ rule, actor }) => `${rule} by ${actor}`))} (NDIS); ${counts(findings.map(({ rule, actor }) => `${rule.id} by ${actor}`))} (verifier)`,
      `connections   ${finished} of ${conversations.length} finished, ${conversations.reduce((sum, { echoedBytes }) => sum + echoedBytes, 0)} bytes came back as they were sent`,
      `time          ${(endedAtMs / 1000).toFixed(1)} s, all of it virtual`,
    ].join('\n'),
    symptoms.length === 0 ? 'Nobody noticed anything.' : `What somebody would notice:\n${symptoms.map((symptom) => `- ${symptom}`).join('\n')}`,
    `The same again:\n  ${commandOf(args, experiment.seed)}`,
  ].join('\n\n');
}

/** What there is to choose from. */
export function listText(): string {
  const incidents = new Table({ head: ['incident', 'what', 'met at'], style: PLAIN });
  for (const { id, title, source } of INCIDENTS) incidents.push([id, title, source]);
  const faults = new Table({ head: ['fault', 'a driver that', 'at the edge of'], style: PLAIN });
  for (const { id, title, edges } of Object.values(FAULTS)) faults.push([id, title, edges.join(', ')]);
  return `${incidents.toString()}\n\n${faults.toString()}`;
}

function sampleTable(samples: readonly Sample[]): string {
  const table = new Table({ head: ['seconds', 'Offloaded', 'InHost', 'over'], style: PLAIN });
  for (const { atMs, offloaded, inHost, over } of changesOf(samples)) table.push([(atMs / 1000).toFixed(2), offloaded, inHost, over]);
  return table.toString();
}

/** The first sample, the last, and where something changed; thinned out when that is too much. */
function changesOf(samples: readonly Sample[]): Sample[] {
  const changes = samples.filter((sample, at) => {
    const before = samples[at - 1];
    return at === samples.length - 1 || before?.offloaded !== sample.offloaded || before.inHost !== sample.inHost || before.over !== sample.over;
  });
  if (changes.length <= MOST_SAMPLES) return changes;
  const step = (changes.length - 1) / (MOST_SAMPLES - 1);
  return Array.from({ length: MOST_SAMPLES }, (_, row) => changes[Math.round(row * step)]).filter((sample) => sample !== undefined);
}

function faultCounts(faults: Outcome['faults']): string {
  const injected = faults.filter(({ kind }) => kind === 'injected');
  const refused = faults.length - injected.length;
  const text = counts(injected.map(({ fault }) => `${fault} (a driver that ${FAULTS[fault]?.title ?? '?'})`));
  return refused === 0 ? text : `${text}; NDIS refused ${refused} of what they did`;
}

function counts(names: readonly string[]): string {
  const found = new Map<string, number>();
  for (const name of names) found.set(name, (found.get(name) ?? 0) + 1);
  return found.size === 0 ? 'none' : [...found].map(([name, count]) => `${count} x ${name}`).join(', ');
}
