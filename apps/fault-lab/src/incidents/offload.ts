import { QUIET } from '../experiment.ts';
import type { Incident } from './incident.ts';

/** Incidents of taking connections over and giving them back. */
export const offloadIncidents: readonly Incident[] = [
  {
    id: 'kb2477730',
    title: 'One change, and every connection is taken back at once',
    source: 'https://mskb.pkisolutions.com/kb/2477730',
    experiment: {
      target: { id: 'kb2477730', faults: [{ fault: 'B3', nth: 40, parameters: { mode: 'each' } }] },
      work: { ...QUIET.work, connections: 32, offerAgainMs: 1000 },
    },
    symptoms: [/connections came back 32 times before they were done/],
    rules: [],
  },
  {
    id: 'toe-support-1024',
    title: 'Room for 1024 is advertised, and offers fail with RESOURCES',
    source: 'https://wiki.linuxfoundation.org/networking/toe',
    experiment: {
      target: { id: 'toe-support-1024', faults: [{ fault: 'B1', probability: 0.5 }] },
      work: { ...QUIET.work, connections: 32, offerAgainMs: null },
      horizonMs: 10_000,
    },
    symptoms: [/\d+ of 32 connections: refused \(\d+: it was never taken\)/],
    rules: [],
    findings: ['CHIM-INI-010', 'CHIM-INI-011'],
  },
  {
    id: 'bnxe-ping-pong',
    title: 'Small messages: a connection goes up and down all the time',
    source: 'illumos bnxe, upload reasons of its L4 code',
    experiment: {
      target: { id: 'bnxe-ping-pong', faults: [{ fault: 'B4', probability: 0.25 }] },
      work: { ...QUIET.work, messageBytes: 64, offerAgainMs: 10 },
    },
    symptoms: [/connections came back \d+ times before they were done/],
    rules: [],
  },
  {
    id: 'bnxe-bytes-lost',
    title: 'Received bytes are lost when a connection is taken back',
    source: 'illumos bnxe, counter of bytes lost on upload',
    experiment: {
      target: { id: 'bnxe-bytes-lost', faults: [{ fault: 'B5' }] },
      work: { ...QUIET.work, intervalMs: 1, inFlight: 16, readEveryMs: 10 },
      interventions: [50, 100, 150, 200, 250].map((atMs) => ({ atMs, does: 'takeBack' as const })),
      horizonMs: 20_000,
    },
    symptoms: [/connections: (stuck|wrong data)/],
    rules: [],
    findings: ['CHIM-TRM-013'],
  },
  {
    id: 'off-by-one-hand-back',
    title: 'Delegated state comes back off by one: silence after the next offer',
    source: 'what every hand-back of sequence numbers risks',
    experiment: {
      target: { id: 'off-by-one-hand-back', faults: [{ fault: 'B12', parameters: { variable: 'rcvNxt', by: 1 } }] },
      work: { ...QUIET.work, intervalMs: 1, inFlight: 16 },
      interventions: [{ atMs: 5, does: 'takeBack' }],
      horizonMs: 20_000,
    },
    symptoms: [/8 of 8 connections: (stuck|wrong data|cut off)/],
    rules: [],
    findings: ['CHIM-TRM-013'],
  },
  {
    id: 'surprise-removal',
    title: 'The hardware goes while connections are on it',
    source: 'KB 919948 and every surprise removal since',
    experiment: {
      target: { id: 'surprise-removal', faults: [{ fault: 'G1', nth: 50 }] },
      work: { ...QUIET.work, offerAgainMs: null },
      horizonMs: 10_000,
    },
    symptoms: [/connections: (stuck|cut off)/],
    rules: [],
  },
];
