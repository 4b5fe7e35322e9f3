import type { ChimneyConnection, HostNeighbor, HostPath } from '@ndis-chimney/host';
import { blocksOf } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  TCP_FLAG_KEEP_ALIVE_ENABLED,
  TCP_FLAG_KEEP_ALIVE_RESTART,
  TCP_FLAG_NAGLING_ENABLED,
  TCP_FLAG_UPDATE_RCV_WND,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { createHostStack, from, refuse, rolesOf } from './host-stack.ts';

const layersOf = (connection: ChimneyConnection): readonly [HostPath, HostNeighbor] => {
  const path = connection.path;
  const neighbor = path?.neighbor ?? null;
  if (path === null || neighbor === null) throw new Error('the connection is the host’s');
  return [path, neighbor];
};

const OTHER_HOP = Uint8Array.of(2, 0, 0, 0, 0, 9);

describe.each([0, 1, 3])('through %i intermediate drivers', (intermediates) => {
  test('a query brings what the target fills in, of one class of state or of all', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [path, neighbor] = layersOf(connection);
    const queried = connection.query('delegated');
    const [block] = blocksOf(stack.pending('query'));
    expect(block?.header.type).toBe(OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState);
    await stack.complete('query', {
      change: ({ state }) => {
        const { delegated } = state as TcpOffloadState;
        if (delegated !== null) delegated.cWnd = 4242;
      },
    });
    const { status, state } = await queried;
    expect([status, state?.delegated?.cWnd, state?.const, state?.cached]).toEqual([NDIS_STATUS_SUCCESS, 4242, null, null]);

    const both = Promise.all([path.query(), neighbor.query('cached')]);
    await stack.complete('query', { change: (block) => { Object.assign(block.state?.cached ?? {}, { pathMtu: 1280 }); } });
    await stack.complete('query', { change: (block) => { Object.assign(block.state?.cached ?? {}, { hostReachabilityDelta: 7 }); } });
    const [ofPath, ofNeighbor] = await both;
    expect([ofPath.state?.cached?.pathMtu, ofNeighbor.state?.cached?.hostReachabilityDelta]).toEqual([1280, 7]);
    await stack.close();
  });

  test('several objects are queried in one tree, placeholders where they are of several layers', async () => {
    const stack = createHostStack({ intermediates });
    const [one, two] = [await stack.connect(from(1)), await stack.connect(from(2, { nextHopMac: OTHER_HOP }))];
    const [path] = layersOf(two);
    const queried = stack.host.query([one, path, two], 'cached');
    expect(rolesOf(stack.pending('query'))).toEqual(['reference path', 'reference tcp', 'placeholder path', 'reference tcp']);
    await stack.complete('query');
    expect((await queried).map(({ status, state }) => [status, state?.const, state?.cached === null])).toEqual(Array.from({ length: 3 }, () => [NDIS_STATUS_SUCCESS, null, false]));
    await stack.close();
  });

  test('queries of one object overlap', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const queries = [connection.query(), connection.query('const')];
    expect(stack.operations).toEqual(['query', 'query']);
    await stack.complete('query');
    await stack.complete('query');
    expect((await Promise.all(queries)).map(({ status }) => status)).toEqual([0, 0]);
    await stack.close();
  });

  test('an update carries the whole cached state, commands included, and the commands are not kept', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect(from(1, { rcvWnd: 1000 }));
    const updating = connection.update({ initialRcvWnd: 2000, kaTimeout: 70, isKeepAliveEnabled: true, restartKeepAlive: true });
    const [block] = blocksOf(stack.pending('update'));
    expect(block?.header.type).toBe(OFFLOAD_STATE_TYPE.TcpOffloadCachedState);
    const sent = (block?.state as TcpOffloadState | undefined)?.cached;
    const kept = TCP_FLAG_NAGLING_ENABLED | TCP_FLAG_KEEP_ALIVE_ENABLED;
    expect(sent).toMatchObject({ initialRcvWnd: 2000, kaTimeout: 70, ttlOrHopLimit: 128, flags: kept | TCP_FLAG_KEEP_ALIVE_RESTART | TCP_FLAG_UPDATE_RCV_WND });
    await stack.complete('update');
    expect(await updating).toEqual({ status: NDIS_STATUS_SUCCESS });
    expect(connection.cached).toMatchObject({ initialRcvWnd: 2000, kaTimeout: 70, flags: kept });
    await stack.close();
  });

  test('updates of one object go one after the other, in order (CHIM-UPD-001)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const ended: number[] = [];
    const updates = [1, 2, 3].map((kaProbeCount) => connection.update({ kaProbeCount }).then(() => ended.push(connection.cached.kaProbeCount)));
    for (const [at, waiting] of [[1, 1], [2, 1], [3, 0]] as const) {
      expect(stack.operations).toEqual(['update']);
      await stack.complete('update');
      expect([ended.at(-1), stack.operations.length]).toEqual([at, waiting]);
    }
    await Promise.all(updates);
    expect(ended).toEqual([1, 2, 3]);
    await stack.close();
  });

  test('an update that waited changes what the one before it left, and nothing else', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const updates = [connection.update({ kaProbeCount: 5 }), connection.update({ kaInterval: 6 })];
    await stack.complete('update');
    expect(blocksOf(stack.pending('update'))[0]?.state?.cached).toMatchObject({ kaProbeCount: 5, kaInterval: 6 });
    await stack.complete('update');
    await Promise.all(updates);
    await stack.close();
  });

  test('updates of different objects do not wait for each other', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [path, neighbor] = layersOf(connection);
    const updates = [connection.update({ kaProbeCount: 1 }), path.update({ pathMtu: 1400 }), neighbor.update({ macAddress: OTHER_HOP })];
    expect(stack.operations).toEqual(['update', 'update', 'update']);
    for (let left = updates.length; left > 0; left--) await stack.complete('update');
    expect((await Promise.all(updates)).map(({ status }) => status)).toEqual([0, 0, 0]);
    expect([path.cached.pathMtu, [...neighbor.cached.dlDestinationAddress.subarray(0, 6)]]).toEqual([1400, [...OTHER_HOP]]);
    // The neighbor is found by its new address from now on, and not by the old one.
    const shared = await stack.connect(from(2, { nextHopMac: OTHER_HOP }));
    expect(shared.path?.neighbor).toBe(neighbor);
    expect((await stack.connect(from(3))).path?.neighbor).not.toBe(neighbor);
    await stack.close();
  });

  test('an update that fails leaves the old values, and the object is taken back (CHIM-UPD-009)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const updating = connection.update({ kaProbeCount: 9 });
    await stack.complete('update', { status: NDIS_STATUS_FAILURE });
    expect([(await updating).status, connection.cached.kaProbeCount, connection.offloadState]).toEqual([NDIS_STATUS_FAILURE, 0, 'Uploading']);
    await stack.complete('terminate');
    expect((await connection.uploaded).reason).toBe('updateFailed');
    await stack.close();
  });

  test('a query that fails has the object taken back, with what depends on it (CHIM-QRY-005)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [path] = layersOf(connection);
    const queried = path.query();
    await stack.complete('query', { status: NDIS_STATUS_FAILURE });
    expect(await queried).toEqual({ status: NDIS_STATUS_FAILURE, state: null });
    expect(rolesOf(stack.pending('terminate'))).toEqual(['reference neighbor', 'reference path', 'reference tcp']);
    await stack.complete('terminate');
    expect((await connection.uploaded).reason).toBe('queryFailed');
    await stack.close();
  });

  test('an invalidate passes blocks only, and what is invalid takes no update and shares nothing (CHIM-INV-001)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [path, neighbor] = layersOf(connection);
    const invalidating = stack.host.invalidate([neighbor, path]);
    await stack.rest();
    expect(blocksOf(stack.pending('invalidate')).map(({ state }) => state)).toEqual([null, null]);
    await stack.complete('invalidate');
    expect(await invalidating).toEqual([{ status: NDIS_STATUS_SUCCESS }, { status: NDIS_STATUS_SUCCESS }]);
    expect([neighbor.offloadState, path.offloadState, connection.offloadState]).toEqual(['Invalid', 'Invalid', 'Offloaded']);
    expect(await path.update({ pathMtu: 1000 })).toEqual({ status: NDIS_STATUS_INVALID_STATE });
    expect(stack.operations).toEqual([]);
    const fresh = await stack.connect(from(2));
    expect(layersOf(fresh)).not.toContain(neighbor);
    // It ends when what depends on it is gone (CHIM-INV-006).
    const terminated = connection.terminate();
    await stack.complete('terminate');
    await terminated;
    expect([neighbor.offloadState, path.offloadState, fresh.offloadState]).toEqual(['InHost', 'InHost', 'Offloaded']);
    await stack.close();
  });

  test('an invalidate that fails leaves the object as it was', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [, neighbor] = layersOf(connection);
    const invalidating = neighbor.invalidate();
    await stack.complete('invalidate', { status: NDIS_STATUS_FAILURE });
    expect([(await invalidating).status, neighbor.offloadState]).toEqual([NDIS_STATUS_FAILURE, 'Offloaded']);
    await stack.close();
  });

  test('a terminate waits for queries, updates and invalidates of what is in its tree (CHIM-TRM-001)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [path, neighbor] = layersOf(connection);
    const requests = [connection.query(), connection.update({ kaProbeCount: 1 })];
    const terminated = connection.terminate();
    expect([stack.operations, connection.offloadState]).toEqual([['query', 'update'], 'Offloaded']);
    // From here on nothing more is asked of it.
    expect(await connection.query()).toEqual({ status: NDIS_STATUS_INVALID_STATE, state: null });
    const onPath = path.query();
    await stack.complete('query');
    expect(connection.offloadState).toBe('Offloaded');
    await stack.complete('update');
    // The path is still being asked, so the connection goes alone.
    expect(rolesOf(stack.pending('terminate'))).toEqual(['reference tcp']);
    await stack.complete('terminate');
    await terminated;
    expect([path.offloadState, neighbor.offloadState]).toEqual(['Offloaded', 'Offloaded']);
    await stack.complete('query');
    await Promise.all([...requests, onPath]);
    expect(rolesOf(stack.pending('terminate'))).toEqual(['reference neighbor', 'reference path']);
    await stack.complete('terminate');
    expect(stack.host.offloadedObjects).toEqual([]);
    await stack.close();
  });

  test('requests made while an object is being offloaded wait until it is (CHIM-ST-002)', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(from(1));
    await stack.rest();
    const [connection] = stack.host.connections;
    if (connection === undefined) throw new Error('nothing is being offloaded');
    const requests = [connection.query(), connection.update({ kaProbeCount: 3 }), connection.invalidate()] as const;
    expect(stack.operations).toEqual(['initiate']);
    await stack.complete('initiate');
    expect((await offloading).status).toBe(NDIS_STATUS_SUCCESS);
    expect(stack.operations).toEqual(['query', 'update', 'invalidate']);
    for (const operation of [...stack.operations]) await stack.complete(operation);
    expect((await Promise.all(requests)).map(({ status }) => status)).toEqual([0, 0, 0]);
    await stack.close();
  });

  test('requests that wait for an offload that is refused end with NDIS_STATUS_INVALID_STATE', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offload(from(1));
    await stack.rest();
    const [connection] = stack.host.connections;
    const queried = connection?.query();
    await stack.complete('initiate', { change: (block) => { refuse(block, NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES); } });
    expect([(await offloading).status, (await queried)?.status]).toEqual([NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, NDIS_STATUS_INVALID_STATE]);
    await stack.close();
  });

  test('GV-UPD-1: paths P1 and P2 on N1; the update tree N2 over both links them, and N1 goes back', async () => {
    const stack = createHostStack({ intermediates });
    const [one, two] = [await stack.connect(from(1)), await stack.connect(from(2, { remote: { address: '192.0.2.3', port: 80 } }))];
    const [[p1, n1], [p2]] = [layersOf(one), layersOf(two)];
    const relinking = stack.host.relink([p1, p2], from(1, { nextHopMac: OTHER_HOP }).neighbor);
    await stack.rest();
    // N2 is offloaded first.
    expect(rolesOf(stack.pending('initiate'))).toEqual(['new neighbor']);
    await stack.complete('initiate');
    expect(rolesOf(stack.pending('update'))).toEqual(['linker neighbor', 'linker path', 'linker path']);
    expect([p1.neighbor, p2.neighbor]).toEqual([n1, n1]);
    await stack.complete('update');
    const n2 = p1.neighbor;
    expect([n2 === n1, p2.neighbor === n2, n2?.offloadedPaths.length, n1.offloadedPaths.length]).toEqual([false, true, 2, 0]);
    expect(rolesOf(stack.pending('terminate'))).toEqual(['reference neighbor']);
    await stack.complete('terminate');
    expect(await relinking).toEqual([{ status: NDIS_STATUS_SUCCESS }, { status: NDIS_STATUS_SUCCESS }]);
    expect([n1.offloadState, n2?.offloadState, one.offloadState]).toEqual(['InHost', 'Offloaded', 'Offloaded']);
    const terminated = stack.host.terminate();
    expect(rolesOf(stack.pending('terminate'))).toHaveLength(5);
    await stack.complete('terminate');
    await terminated;
    await stack.close();
  });

  test('a path of an invalid neighbor is relinked and goes on; the neighbor only waits for its terminate (LC13)', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [path, n1] = layersOf(connection);
    const invalidating = n1.invalidate();
    await stack.complete('invalidate');
    await invalidating;
    const relinking = stack.host.relink([path], from(1, { nextHopMac: OTHER_HOP }).neighbor);
    await stack.complete('initiate');
    await stack.complete('update');
    await stack.complete('terminate');
    expect(await relinking).toEqual([{ status: NDIS_STATUS_SUCCESS }]);
    expect([n1.offloadState, path.offloadState, connection.offloadState]).toEqual(['InHost', 'Offloaded', 'Offloaded']);
    await stack.close();
  });

  test('a relink to a neighbor that is refused changes nothing', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [path, n1] = layersOf(connection);
    const relinking = stack.host.relink([path], from(1, { nextHopMac: OTHER_HOP }).neighbor);
    await stack.complete('initiate', { change: (block) => { refuse(block, NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES); } });
    expect(await relinking).toEqual([{ status: NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES }]);
    expect([path.neighbor, stack.operations]).toEqual([n1, []]);
    await stack.close();
  });

  test('a relink that fails has the path taken back with what depends on it, and gives the new neighbor back', async () => {
    const stack = createHostStack({ intermediates });
    const connection = await stack.connect();
    const [path] = layersOf(connection);
    const relinking = stack.host.relink([path], from(1, { nextHopMac: OTHER_HOP }).neighbor);
    await stack.complete('initiate');
    await stack.complete('update', { change: (block) => { if (block.header.type === OFFLOAD_STATE_TYPE.Ip4OffloadState) block.status = NDIS_STATUS_FAILURE; } });
    await stack.complete('terminate');
    await stack.complete('terminate');
    expect(await relinking).toEqual([{ status: NDIS_STATUS_FAILURE }]);
    expect([(await connection.uploaded).reason, stack.host.offloadedObjects]).toEqual(['updateFailed', []]);
    await stack.close();
  });
});

describe('misuse', () => {
  const cases: [string, (connection: ChimneyConnection) => Promise<unknown>, string][] = [
    ['a member there is not', (connection) => connection.update({ mss: 1 } as never), 'ChimneyConnection.update: there is no mss in the cached state'],
    ['a number that does not fit', (connection) => connection.update({ userPriority: 8 }), 'ChimneyConnection.update: userPriority is 8, not a number of 3 bits'],
    ['no number', (connection) => connection.update({ kaTimeout: 'soon' as never }), 'ChimneyConnection.update: kaTimeout is soon, not a number of 32 bits'],
    ['no MAC address', (connection) => layersOf(connection)[1].update({ macAddress: new Uint8Array(5) }), 'HostNeighbor.update: macAddress has 5 bytes, not 6'],
    ['no MTU', (connection) => layersOf(connection)[0].update({ pathMtu: 0 }), 'HostPath.update: pathMtu is 0, not a number of bytes'],
  ];
  test.each(cases)('%s is refused, and nothing reaches the target', async (_what, act, message) => {
    const stack = createHostStack();
    const connection = await stack.connect();
    await expect(act(connection)).rejects.toThrow(new TypeError(message));
    expect(stack.operations).toEqual([]);
    await stack.close();
  });

  test('state requests of an object that is the host’s end with NDIS_STATUS_INVALID_STATE', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    const [path, neighbor] = layersOf(connection);
    const terminated = connection.terminate();
    await stack.complete('terminate');
    await terminated;
    const results = await Promise.all([connection.query(), connection.update({}), connection.invalidate(), path.query(), neighbor.invalidate(), stack.host.relink([path], neighbor)]);
    expect(results.flat().map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => NDIS_STATUS_INVALID_STATE));
    await stack.close();
  });
});

describe('what an update was asked for', () => {
  test('is what goes down, whatever becomes of the caller’s object while it waits', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    const first = connection.update({ ttlOrHopLimit: 3 });
    const change = { ttlOrHopLimit: 4 };
    const second = connection.update(change);
    const query = connection.query();
    change.ttlOrHopLimit = -1;
    await stack.complete('update');
    await stack.complete('update');
    await stack.complete('query');
    expect((await Promise.all([first, second, query])).map(({ status }) => status)).toEqual([0, 0, 0]);
    expect(connection.cached.ttlOrHopLimit).toBe(4);
    await stack.close();
  });

  test('is what goes down, whatever becomes of the caller’s bytes while it waits', async () => {
    const stack = createHostStack();
    const [, neighbor] = layersOf(await stack.connect());
    const first = neighbor.update({ hostReachabilityTicks: 5 });
    const macAddress = OTHER_HOP.slice();
    const second = neighbor.update({ macAddress });
    macAddress.fill(0);
    await stack.complete('update');
    await stack.complete('update');
    expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([0, 0]);
    expect([...neighbor.cached.dlDestinationAddress.subarray(0, 6)]).toEqual([...OTHER_HOP]);
    await stack.close();
  });
});
