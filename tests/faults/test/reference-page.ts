// docs/reference/faults.md, made from the catalogue.
import { FAULTS, type FaultDescription } from '@ndis-chimney/target-faulty';

const GROUPS: Readonly<Record<string, string>> = {
  A: 'The completion contract',
  B: 'Offload, upload, hand-over',
  C: 'The data path',
  D: 'TCP',
  E: 'Neighbors and paths',
  G: 'Adapters',
  H: 'Memory, OIDs, capabilities',
};

/** What goes wrong in the field and is not in the catalogue: it does not happen at the edge of a driver. */
const ELSEWHERE: readonly (readonly [what: string, why: string])[] = [
  ['A delayed ACK is not flushed before an upload', 'What was acknowledged is on the wire only; no structure of the hand-over says it. A TCP engine can have this fault.'],
  ['Data acknowledged by SACK is kept during a terminate, and acknowledged', 'The same: the target tells the peer, not the host. What the host sees of it is B5, or B12 on `rcvNxt`.'],
  ['No slow start after idle, RTO not clamped, no zero-window probe, reneging, one hole only, FIN out of order not flushed, wrong growth of the window, blind RST accepted, black hole not detected, coarse timers', 'They are inside of a TCP engine. Of this group only what a hand-over shows is here: D9.'],
  ['A timer that ran out, an IP option, a fragment', 'What a target owes then is an upload request: C8 leaves it out, whatever the reason.'],
  ['A wrong checksum', 'Checksums are made and checked below the driver edge.'],
  ['A firewall, IPsec, NAT or load-balancing policy that appears, a monitor that sees nothing', 'They are policies of an operating system, above the host.'],
  ['Changing an address or gateway crashes the system; an adapter is removed or halted; a team fails over', 'The operating system does that: `removeAdapter` and `pauseAdapter` of NDIS do it in a test. What is left of the hardware then is G1.'],
  ['A receive queue is suspended while a table is changed', 'RSS tables do not exist here. A target that takes nothing up for a while is C12.'],
];

function parametersOf({ parameters }: FaultDescription): string {
  const texts = Object.entries(parameters).map(([name, { default: byDefault, description }]) => `\`${name}\` (${byDefault}): ${description}`);
  return texts.length === 0 ? '' : `\n\nParameters, with defaults:\n\n${texts.map((text) => `- ${text}`).join('\n')}`;
}

function sectionOf(fault: FaultDescription): string {
  const { id, title, symptom, caughtBy, edges, operations } = fault;
  const caught = caughtBy === '' ? 'Nothing catches it.' : `Caught by ${caughtBy}.`;
  return `### ${id}: ${edges.includes('target') ? 'a driver' : edges.includes('intermediate') ? 'an intermediate driver' : 'a host'} that ${title}

${symptom} ${caught}

At: ${edges.join(', ')}. Occasions: ${operations.map((operation) => `\`${operation}\``).join(', ')}.${parametersOf(fault)}`;
}

/** The whole page. */
export function referencePage(): string {
  const all = Object.values(FAULTS);
  const groups = Object.entries(GROUPS).map(([letter, name]) => {
    const sections = all.filter(({ id }) => id.startsWith(letter)).map(sectionOf);
    return `## ${letter}. ${name}\n\n${sections.join('\n\n')}`;
  });
  return `# Faults

The catalogue of \`@ndis-chimney/target-faulty\`: ${all.length} faults that were seen in the field, or that the contract makes possible.
Each says what a driver with this fault does, what is seen of it, and which rule catches it: one that NDIS always checks,
unless it says whose. A plan names faults by their ids; the package's README says how. This page is made from the catalogue;
\`tests/faults\` compares the two and makes each fault happen.

A fault is offered only where a real driver could have it: a plan with E1 for a target is an error.

${groups.join('\n\n')}

## Not here

| what | why |
| --- | --- |
${ELSEWHERE.map(([what, why]) => `| ${what} | ${why} |`).join('\n')}
`;
}
