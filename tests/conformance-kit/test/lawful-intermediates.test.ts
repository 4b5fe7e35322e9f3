// Drivers that say otherwise what the pages leave open.
import { intermediateConformance } from '@ndis-chimney/conformance';
import { membersOf } from '@ndis-chimney/conformance/probes';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';
import { NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_UPLOAD_REQUESTED, formatNdisStatus, type NDIS_STATUS, type NetBufferList } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { tapped } from './broken-intermediate/broken-intermediate.ts';

/** Says this of every request behind the first that did not go down; of sends only from the next call on, as the rule has it. */
function sayingOfLater(status: NDIS_STATUS): MiniportTaps {
  const replace = (list: NetBufferList): void => {
    for (const nbl of membersOf(list)) if (nbl.status === NDIS_STATUS_UPLOAD_REQUESTED) nbl.status = status;
  };
  const after = (next: (list: NetBufferList) => void, list: NetBufferList): void => {
    replace(list);
    next(list);
  };
  return {
    tcpOffloadSendComplete: (next, list) => {
      if (list.status === NDIS_STATUS_UPLOAD_REQUESTED) replace(list);
      next(list);
    },
    tcpOffloadReceiveComplete: after,
    tcpOffloadForwardComplete: after,
    tcpOffloadDisconnectComplete: after,
  };
}

describe.each([NDIS_STATUS_REQUEST_UPLOAD, NDIS_STATUS_UPLOAD_IN_PROGRESS])('a driver that says %i of what is behind a request that did not go down', (status) => {
  const cases = intermediateConformance(tapped({ upper: sayingOfLater(status) })).filter(({ requires }) => requires.includes('nbl-shortage'));

  test(`is tried with some cases (${formatNdisStatus(status)})`, () => {
    expect(cases.map(({ id }) => id)).toEqual(expect.arrayContaining(['intermediate-send-without-memory', 'intermediate-no-overtaking', 'intermediate-requests-without-memory']));
  });

  test.each(cases)('passes $id', async ({ missing, run }) => {
    expect(missing).toEqual([]);
    await run();
  });
});
