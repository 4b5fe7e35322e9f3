import { NDIS_DEVICE_POWER_STATE, NDIS_REQUEST_TYPE, NDIS_STATUS_NOT_ACCEPTED, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, OID_PNP_QUERY_POWER, OID_PNP_SET_POWER, formatNdisStatus, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { siblings } from '../probes/trees.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { TargetCase } from './target-case.ts';

const { NdisDeviceStateD0, NdisDeviceStateD1, NdisDeviceStateD3 } = NDIS_DEVICE_POWER_STATE;

/** Takes these trees back and sends the adapter to sleep in the same breath; checks that it sleeps after the last of them. */
async function sleepAfter(world: TargetWorld, state: number, roots: readonly ProtocolOffloadBlockList[]): Promise<void> {
  const { host } = world;
  const before = host.entries('oidComplete').length;
  for (const root of roots) world.begin('terminate', root);
  const { status } = host.request(NDIS_REQUEST_TYPE.NdisRequestSetInformation, OID_PNP_SET_POWER, state, world.binding);
  const areBack = (): boolean => roots.every((root) => world.hasCompleted('terminate', root));
  if (status === NDIS_STATUS_SUCCESS) {
    check(areBack(), 'a set-power request succeeded while terminates were under way');
    return;
  }
  check(status === NDIS_STATUS_PENDING || status === NDIS_STATUS_NOT_ACCEPTED, `a set-power request was answered with ${formatNdisStatus(status)}`);
  await world.until(areBack, 'the completion of terminates that a set-power request followed');
  if (status === NDIS_STATUS_NOT_ACCEPTED) {
    const again = await world.request('set', OID_PNP_SET_POWER, state);
    checkEqual(formatNdisStatus(again.status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of a set-power request after everything was taken back');
    return;
  }
  await world.until(() => host.entries('oidComplete').length > before, 'the completion of a set-power request');
  await world.advance(1000);
  const ended = host.entries('oidComplete').slice(before);
  checkEqual(ended.map((entry) => formatNdisStatus(entry.status)), [formatNdisStatus(NDIS_STATUS_SUCCESS)], 'how a set-power request was completed that had to wait');
  const lastTerminate = Math.max(...roots.map((root) => host.journal.findIndex((entry) => entry.kind === 'stateComplete' && entry.root === root)));
  check(host.journal.indexOf(present(ended[0])) > lastTerminate, 'a set-power request was completed while terminates were under way');
}

async function wake(world: TargetWorld): Promise<void> {
  const { status } = await world.request('set', OID_PNP_SET_POWER, NdisDeviceStateD0);
  checkEqual(formatNdisStatus(status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of a set-power request to D0');
  const connection = await world.connect();
  connection.send(pattern(0, 100));
  await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send after the adapter slept');
  checkEqual(connection.sendCompletions.map((each) => each.status), [NDIS_STATUS_SUCCESS], 'the status of a send after the adapter slept');
  await connection.terminate();
}

export const powerCases: readonly TargetCase[] = [
  {
    id: 'target-power-waits-for-terminate',
    title: 'A request to sleep succeeds once, after the terminates that are under way have completed',
    rules: ['CHIM-PWR-002'],
    requirement: 'C-NDIS-PWR',
    requires: ['virtual-time'],
    run: async (world) => {
      for (const state of [NdisDeviceStateD3, NdisDeviceStateD1]) {
        const { status } = await world.request('query', OID_PNP_QUERY_POWER, state);
        checkEqual(formatNdisStatus(status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of a question whether the adapter may sleep');
        const connections = await world.connectAll(3);
        for (const connection of connections) connection.send(pattern(0, 3000));
        const blocks = connections.map((connection) => connection.terminateBlock());
        await sleepAfter(world, state, [present(siblings(...blocks))]);
        connections.forEach((connection, at) => {
          connection.uploaded(present(blocks[at]));
        });
        await wake(world);
      }
    },
  },
  {
    id: 'target-power-waits-for-all',
    title: 'A request to sleep waits for the last of several terminates',
    rules: ['CHIM-PWR-002'],
    requirement: 'C-NDIS-PWR',
    requires: ['virtual-time'],
    run: async (world) => {
      const connections = await world.connectAll(4);
      for (const connection of connections.slice(2)) connection.send(pattern(0, 3000), pattern(3000, 3000));
      const blocks = connections.map((connection) => connection.terminateBlock());
      await sleepAfter(world, NdisDeviceStateD3, blocks);
      connections.forEach((connection, at) => {
        connection.uploaded(present(blocks[at]));
      });
      await wake(world);
    },
  },
  {
    id: 'target-power-idle',
    title: 'An adapter with nothing offloaded sleeps when it is told to, and offloads again after it woke',
    rules: ['CHIM-PWR-002'],
    requirement: 'C-NDIS-PWR',
    run: async (world) => {
      for (const state of [NdisDeviceStateD3, NdisDeviceStateD1]) {
        const { status } = await world.request('set', OID_PNP_SET_POWER, state);
        checkEqual(formatNdisStatus(status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of a set-power request while nothing is offloaded');
        await wake(world);
      }
    },
  },
];
