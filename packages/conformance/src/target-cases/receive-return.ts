import { netBufferListBytes, type TcpOffloadState } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { FULL } from '../world/case-host.ts';
import { pattern, patternBefore } from '../world/pattern.ts';
import { concat } from '../world/world-connection.ts';
import { untilCounted } from './received.ts';
import type { TargetCase } from './target-case.ts';

/** What happens when indicated NBLs come back. */
export const receiveReturnCases: readonly TargetCase[] = [
  {
    id: 'target-return-mixed',
    title: 'A list that mixes indications of several connections is taken back at once',
    rules: ['CHIM-RET-001', 'CHIM-RXI-006'],
    requirement: 'C-NDIS-RET',
    run: async (world) => {
      world.host.keepsIndicated = true;
      const connections = await world.connectAll(3, { buffered: [5000] });
      for (const connection of connections) connection.post([1, 0]);
      await world.until(() => connections.every(({ received }) => received.length >= 5000), 'the indication of BufferedData of three connections');
      const kept = world.host.kept.splice(0);
      check(kept.length >= 3, `${kept.length} NBLs were indicated for three connections`);
      // The last first, and those of the connections mixed.
      const before = world.host.journal.length;
      world.binding.offloadTcpReceiveReturn(link(kept.reverse()));
      await world.settle();
      checkEqual(world.host.journal.length - before, 0, 'callbacks that the return of indicated NBLs led to');
      for (const connection of connections) checkBytes(connection.received, patternBefore(5000), 'what was received');
    },
  },
  {
    id: 'target-return-buffered-data',
    title: 'NBLs of BufferedData are the host\'s until it returns them, when the connection is gone',
    rules: ['CHIM-RET-001', 'CHIM-TRM-009'],
    requirement: 'C-NDIS-RET',
    requires: ['forward'],
    run: async (world) => {
      world.host.appetite = FULL;
      const [gone, other] = await world.connectAll(2);
      const connection = present(gone);
      connection.forward({ at: 0, length: 700 });
      await world.until(() => connection.indications.length > 0, 'the indication of 700 bytes');
      await untilCounted(connection, 700);
      const block = await world.operate('terminate', connection.terminateBlock());
      const delegated = present((block.state as TcpOffloadState).delegated);
      const buffered = membersOf(delegated.bufferedData);
      delegated.bufferedData = null;
      check(buffered.length > 0, 'refused data did not come back in BufferedData');
      // The target goes on with another connection meanwhile.
      world.host.appetite = ({ length }) => length;
      present(other).forward({ at: 0, length: 1000 });
      await world.until(() => present(other).received.length >= 1000, 'the indication of 1000 bytes');
      checkBytes(concat(buffered.map(netBufferListBytes)), pattern(0, 700), 'BufferedData that the host has kept for a while');
      world.binding.offloadTcpReceiveReturn(link(buffered));
    },
  },
  {
    id: 'target-return-before-halt',
    title: 'The adapter is not paused, and so not halted, while the host keeps something that was indicated',
    rules: ['CHIM-RET-004'],
    requirement: 'C-NDIS-RET',
    requires: ['virtual-time'],
    run: async (world) => {
      world.host.keepsIndicated = true;
      const connection = await world.connect({ buffered: [300] });
      connection.post([0]);
      await world.until(() => connection.received.length >= 300, 'the indication of BufferedData');
      let isPaused = false;
      world.ndis.pauseAdapter(world.adapter, () => {
        isPaused = true;
      });
      await world.advance(10_000);
      check(!isPaused, 'the adapter was paused while an indicated NBL was out');
      world.host.returnKept();
      await world.until(() => isPaused, 'the pause of the adapter, everything having been returned,');
      let isRestarted = false;
      world.ndis.restartAdapter(world.adapter, () => {
        isRestarted = true;
      });
      await world.until(() => isRestarted, 'the restart of the adapter');
      checkBytes(connection.received, patternBefore(300), 'what was indicated');
    },
  },
];
