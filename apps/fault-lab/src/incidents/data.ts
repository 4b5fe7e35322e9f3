import { QUIET } from '../experiment.ts';
import type { Incident } from './incident.ts';

/** Incidents of the data path. */
export const dataIncidents: readonly Incident[] = [
  {
    id: 'kb942861',
    title: 'Connections are reset under load',
    source: 'http://kbalertz.com/942861/Error-message-application-connects-Server-server-running-Windows-Server-Network.aspx',
    experiment: {
      target: { id: 'kb942861', faults: [{ fault: 'C2', probability: 0.05, parameters: { minOutstanding: 4 } }] },
      work: { ...QUIET.work, connections: 16, intervalMs: 1, inFlight: 8 },
    },
    symptoms: [/\d+ of 16 connections: cut off \(\d+: existing connection was forcibly closed\)/],
    rules: [],
  },
  {
    id: 'exchange-half-dead',
    title: 'Established, and nothing comes any more',
    source: 'http://blog.slabnet.com/post/dell-broadcom-server-2003-sp2-snp-and-toe/',
    experiment: {
      target: { id: 'exchange-half-dead', faults: [{ fault: 'C1', nth: 100 }] },
    },
    symptoms: [/of 8 connections: stuck \(\d+: \d+ bytes of the echo are missing for \d+\.\d s; it is Offloaded, which looks established\)/],
    rules: [],
    findings: ['CHIM-NBL-007'],
  },
  {
    id: 'kb948496-pool',
    title: 'Buffers of received data leak until nothing is left',
    source: 'http://support.microsoft.com/kb/948496',
    experiment: {
      target: { id: 'kb948496-pool', faults: [{ fault: 'C5', probability: 0.1 }] },
    },
    symptoms: [/\d+ netBufferLists never came back/],
    rules: [],
  },
  {
    id: 'bit-flip',
    title: 'One bit of received data is not what it was',
    source: 'what checksums on a card do not cover: the way from the card to memory',
    experiment: {
      target: { id: 'bit-flip', faults: [{ fault: 'C6', nth: 30 }] },
    },
    symptoms: [/1 of 8 connections: wrong data \(\d+: byte \d+ of the echo is \d+, not \d+\)/],
    rules: [],
  },
  {
    id: 'slow-target',
    title: 'Everything works, and everything waits',
    source: 'latency that no counter shows: head-of-line blocking in the card',
    experiment: {
      target: { id: 'slow-target', faults: [{ fault: 'C12', probability: 0.2, parameters: { delayMs: 400 } }] },
    },
    symptoms: [/an echo took up to \d{3,} ms/],
    rules: [],
  },
];
