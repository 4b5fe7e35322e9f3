import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  formatNdisStatus,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { checkOutcomes } from './outcomes.ts';
import { stateBlock } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

const { TcpIndicateAbort, TcpIndicateRetrieve } = TCP_OFFLOAD_EVENT_TYPE;

function alarm({ subject }: TargetWorld, { hostPort, peerPort }: WorldConnection): void {
  check(subject.alarmHardware !== undefined, 'the ability hardware-alarm was promised, but there is no function for it');
  subject.alarmHardware(hostPort, peerPort);
}

/** What a target tells of its own accord. */
export const eventsUnaskedCases: readonly TargetCase[] = [
  {
    id: 'target-events-hardware-alarm',
    title: 'A target that finds hardware broken tells HardwareFailure and the abort by itself; whatever is asked of the connection then fails, and the terminate aborts every request',
    rules: ['CHIM-QRY-004', 'CHIM-TRM-015', 'CHIM-ST-005', 'CHIM-SND-009'],
    requirement: 'C-NDIS-EVT',
    requires: ['hardware-alarm', 'virtual-time'],
    run: async (world) => {
      for (let round = 0; round < 2; round++) {
        const [broken, sound] = await world.connectAll(2);
        const connection = present(broken);
        const sends = connection.send(pattern(0, 500), pattern(500, 10));
        const requests = connection.post([100, 200]);
        alarm(world, connection);
        sends.push(...connection.send(pattern(510, 5)));
        await world.until(() => connection.events.length >= 2, 'the events of a hardware failure that the target has found');
        checkEqual(connection.events.map(({ eventType }) => eventType), [TcpIndicateRetrieve, TcpIndicateAbort], 'events of a connection whose hardware is broken');
        checkEqual(present(connection.events[0]).information, TCP_UPLOAD_REASON.HardwareFailure, 'the reason of the upload that is asked for');
        for (const [operation, block] of [['query', stateBlock(connection.block, 'delegated')], ['update', stateBlock(present(sound).block, 'cached')]] as const) {
          if (operation === 'update') block.offloadHandle = connection.handle;
          await world.operate(operation, block);
          checkEqual(formatNdisStatus(block.status), formatNdisStatus(NDIS_STATUS_FAILURE), `the status of ${operation === 'query' ? 'a query' : 'an update'} of a connection whose hardware is broken`);
        }
        const reset = round === 1 ? connection.abort() : null;
        await world.advance(1000);
        checkEqual([connection.events.length, present(sound).events.length], [2, 0], 'events of the connection whose hardware is broken, and of the other, after a while');
        const { chain } = await connection.terminate();
        checkEqual(chain.length, 0, 'NBLs in the chain of a connection whose hardware is broken');
        const ended = connection.sendCompletions.filter(({ status }) => status !== NDIS_STATUS_SUCCESS);
        const left = sends.slice(sends.length - ended.length);
        checkOutcomes('sends of a connection whose hardware is broken', ended, left, left.map((nbl) => ({ status: NDIS_STATUS_REQUEST_ABORTED, bytesTransferred: 0, dataLength: [500, 10, 5][sends.indexOf(nbl)] ?? 0 })));
        checkEqual(connection.sendCompletions.length, 3, 'sends that were completed');
        checkOutcomes('requests of a connection whose hardware is broken', connection.receiveCompletions, requests, [100, 200].map((dataLength) => ({ status: NDIS_STATUS_REQUEST_ABORTED, bytesTransferred: 0, dataLength })));
        if (reset !== null) {
          checkEqual(connection.disconnectCompletions.map(({ nbl }) => nbl === reset), [true], 'completions of an abortive disconnect of a connection whose hardware is broken');
          checkEqual(formatNdisStatus(present(connection.disconnectCompletions[0]).status), formatNdisStatus(NDIS_STATUS_REQUEST_ABORTED), 'its status');
        }
        // The other one goes on.
        present(sound).send(pattern(0, 20));
        await world.until(() => present(sound).sendCompletions.length > 0, 'the completion of a send beside broken hardware');
        checkEqual(present(sound).sendCompletions.map(({ status }) => status), [NDIS_STATUS_SUCCESS], 'the status of a send beside broken hardware');
      }
    },
  },
  {
    id: 'target-events-backlog-change',
    title: 'A great change of the send backlog is told once, for its connection and as a count of bytes; small ones are not told one by one',
    rules: ['CHIM-EVT-014', 'CHIM-EVT-019'],
    requirement: 'C-NDIS-EVT',
    requires: ['send-backlog', 'virtual-time'],
    run: async (world) => {
      const [one, other] = await world.connectAll(2);
      const connection = present(one);
      const change = async (byteCount: number): Promise<void> => {
        present(world.subject.changeBacklog?.bind(world.subject))(connection.hostPort, connection.peerPort, byteCount);
        await world.advance(100);
      };
      await change(10_000);
      checkEqual(connection.backlogs, [10_000], 'send backlogs that were told when it was 10000 bytes');
      await change(100_000);
      await change(0);
      await change(40_000);
      checkEqual(connection.backlogs, [10_000, 100_000, 0, 40_000], 'send backlogs that were told after 100000, 0 and 40000 bytes');
      for (let step = 1; step <= 50; step++) await change(40_000 + 200 * step);
      const told = connection.backlogs.length - 4;
      check(told <= 10, `${told} changes of the send backlog were told when it grew by half a percent 50 times`);
      await change(500_000);
      checkEqual(connection.backlogs.at(-1), 500_000, 'the send backlog that was told last');
      checkEqual(present(other).backlogs, [], 'send backlogs of a connection that nothing happened to');
      checkEqual([connection.events.length, present(other).events.length], [0, 0], 'other events');
    },
  },
];
