import { QUIET } from '../experiment.ts';
import type { Incident } from './incident.ts';

/** Incidents of the completion contract: requests that end never, twice, for others, or with a lie. */
export const completionIncidents: readonly Incident[] = [
  {
    id: 'ebpf-2012',
    title: 'A completion that never comes: teardown hangs',
    source: 'https://github.com/microsoft/ebpf-for-windows/issues/2012',
    experiment: {
      target: { id: 'ebpf-2012', faults: [{ fault: 'A1', nth: 3, where: { operation: 'TerminateOffload' } }] },
    },
    symptoms: [/1 of 8 connections: stuck \(\d+: its disconnect never ended/, /the stack does not come down/],
    rules: [],
    findings: ['CHIM-BLK-008'],
  },
  {
    id: 'npcap-390',
    title: 'A pause that completes twice, and requests that complete twice',
    source: 'https://github.com/nmap/npcap/issues/390',
    experiment: {
      target: { id: 'npcap-390', faults: [{ fault: 'A11', parameters: { mode: 'twice' } }, { fault: 'A2', probability: 0.02 }] },
      interventions: [
        { atMs: 500, does: 'pause' },
        { atMs: 700, does: 'restart' },
      ],
    },
    symptoms: [],
    rules: ['CHIM-NBL-001', 'CHIM-LIF-006'],
  },
  {
    id: 'virtio-1346',
    title: 'A list that is completed with somebody else\'s NET_BUFFER_LIST in it',
    source: 'https://github.com/virtio-win/kvm-guest-drivers-windows/pull/1346',
    experiment: {
      target: { id: 'virtio-1346', faults: [{ fault: 'A6', probability: 0.05, parameters: { mode: 'foreign' } }] },
    },
    symptoms: [],
    rules: ['CHIM-NBL-001'],
  },
  {
    id: 'samples-733',
    title: 'A send that succeeded and was never sent',
    source: 'https://github.com/microsoft/Windows-driver-samples/issues/733',
    experiment: {
      target: { id: 'samples-733', faults: [{ fault: 'A7', nth: 60, parameters: { mode: 'not-sent' } }] },
      horizonMs: 20_000,
    },
    symptoms: [/1 of 8 connections: (stuck|wrong data)/],
    rules: [],
    findings: ['CHIM-SND-010', 'CHIM-TRM-004'],
  },
  {
    id: 'mux-1391',
    title: 'A layer on top that completes out of order',
    source: 'https://github.com/microsoft/Windows-driver-samples/issues/1391',
    experiment: {
      intermediates: 2,
      intermediate: { id: 'mux-1391', faults: [{ fault: 'A5', probability: 0.2 }] },
      work: { ...QUIET.work, intervalMs: 1, inFlight: 16 },
    },
    symptoms: [],
    rules: ['CHIM-TRM-007'],
  },
];
