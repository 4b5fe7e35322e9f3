import { carefulSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { Upward } from './upward.ts';

const nothing: Broken['taps'] = () => ({});

export const brokenReassembly: readonly Broken[] = [
  {
    does: 'has room for one segment behind a gap',
    fails: 'target-reassembly-holes',
    says: /what was received with both holes filled: 300 bytes, not 400/,
    taps: nothing,
    subject: carefulSubject({ capacity: 1 }),
  },
  {
    does: 'delivers bytes twice that two segments have',
    fails: 'target-reassembly-holes-from-behind',
    says: /what was received when the first bytes came: byte 120/,
    taps: nothing,
    subject: carefulSubject({ ignoresOverlap: true }),
  },
  {
    does: 'processes what comes beyond a FIN',
    fails: 'target-reassembly-fin-in-order',
    says: /what was received after a FIN: 59 bytes, not 50/,
    taps: (environment) => {
      const up = new Upward(environment);
      return up.taps({
        tcpOffloadEventHandler: (next, ...args) => {
          next(...args);
          up.indicate(Uint8Array.from({ length: 9 }, (_, at) => 51 + at));
        },
      });
    },
    subject: carefulSubject(),
  },
  {
    does: 'keeps what it has though something came beyond a FIN',
    fails: 'target-reassembly-fin-out-of-order',
    says: /what was received after something came beyond a FIN that was kept: 150 bytes, not 100/,
    taps: nothing,
    subject: carefulSubject({ toleratesBeyondKeptFin: true }),
  },
  {
    does: 'forgets a FIN behind a gap',
    fails: 'target-reassembly-fin-kept',
    says: /bytes that RcvNxt counts with everything in front of a FIN: expected 151, found 150/,
    taps: nothing,
    subject: carefulSubject({ forgetsKeptFin: true }),
  },
];
