import { NDIS_STATUS_INVALID_STATE, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';
import { expect, test } from 'vitest';

import { createHostStack, from, rolesOf } from './host-stack.ts';

test('paths that are being moved to a neighbor when it is taken back go back with it (CHIM-TRM-002)', async () => {
  const stack = createHostStack();
  const first = await stack.connect(from(1));
  const second = await stack.connect(from(2, { nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 9) }));
  const [path, neighbor] = [first.path, second.path?.neighbor];
  if (path === null || neighbor == null) throw new Error('the connections are the host’s');
  const moved = stack.host.relink([path], neighbor);
  await stack.rest();
  const before = path.neighbor;
  const terminated = neighbor.terminate();
  await stack.rest();
  stack.target.completeTree('terminate');
  await stack.complete('update');
  expect(await moved).toEqual([{ status: NDIS_STATUS_SUCCESS }]);
  expect([path.neighbor === neighbor, before?.offloadState, neighbor.offloadState]).toEqual([true, 'Uploading', 'Uploading']);
  expect(rolesOf(stack.pending('terminate'))).toEqual(['reference neighbor', 'reference neighbor', 'reference path', 'reference tcp']);
  stack.target.completeTree('terminate');
  await stack.rest();
  await terminated;
  expect((await first.uploaded).status).toBe(NDIS_STATUS_SUCCESS);
  expect(stack.host.offloadedObjects).toEqual([]);
  await stack.close();
});

test('a relink whose paths are taken back while it waits names nothing to the target', async () => {
  const stack = createHostStack();
  const { path } = await stack.connect(from(1));
  const { path: other } = await stack.connect(from(2, { nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 9) }));
  const neighbor = other?.neighbor ?? null;
  if (path === null || neighbor === null) throw new Error('the connections are the host’s');
  const updated = path.update({ pathMtu: 1000 });
  const moved = stack.host.relink([path], neighbor);
  const terminated = path.terminate();
  await stack.complete('update');
  expect((await updated).status).toBe(NDIS_STATUS_SUCCESS);
  expect(stack.operations).toEqual(['terminate']);
  expect(await moved).toEqual([{ status: NDIS_STATUS_INVALID_STATE }]);
  // The connection went at once, the path goes after its update.
  await stack.complete('terminate');
  await stack.complete('terminate');
  await terminated;
  await stack.close();
});
