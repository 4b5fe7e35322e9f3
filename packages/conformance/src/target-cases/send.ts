import { NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetCase } from './target-case.ts';

export const sendCases: readonly TargetCase[] = [
  {
    id: 'target-send-posting-order',
    title: 'Sends are completed in the order in which they were passed down, each with all of its bytes',
    rules: ['CHIM-SND-011', 'CHIM-SND-010'],
    requirement: 'C-NDIS-SND',
    run: async (world) => {
      const connection = await world.connect();
      const sent = [...connection.send(pattern(0, 100), pattern(100, 1), pattern(101, 3000)), ...connection.send(pattern(3101, 10))];
      await world.until(() => connection.sendCompletions.length >= sent.length, 'the completion of four sends');
      const completed = connection.sendCompletions;
      checkEqual(completed.map(({ nbl }) => sent.indexOf(nbl)), [0, 1, 2, 3], 'the order of completion');
      checkEqual(completed.map(({ bytesTransferred }) => bytesTransferred), [100, 1, 3000, 10], 'TcpOffloadBytesTransferred');
      checkEqual(completed.map(({ dataLength }) => dataLength), [0, 0, 0, 0], 'bytes left before the end of the data');
      check(completed.every(({ status }) => status === NDIS_STATUS_SUCCESS), 'a send that the peer acknowledged was not completed with SUCCESS');
    },
  },
];
