import { describeConnection, type ChimneyConnection, type HostPath, type OffloadResult } from '@ndis-chimney/host';
import { blocksOf } from '@ndis-chimney/kit';
import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_STATE_TYPE,
  TCP_OFFLOAD_CONNECTION_STATE,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { ENDS, createHostStack, from, refuse, rolesOf, type HostStack } from './host-stack.ts';

const OTHER_HOP = Uint8Array.of(2, 0, 0, 0, 0, 9);

const connectionOf = (result: OffloadResult | undefined): ChimneyConnection => {
  const connection = result?.connection ?? null;
  if (connection === null) throw new Error('the offload was refused');
  return connection;
};

const pathOf = (connection: ChimneyConnection): HostPath => {
  if (connection.path === null) throw new Error('the connection is the host’s');
  return connection.path;
};

/** Offers a connection and returns the roles of the blocks in its tree. */
const rolesOfOffer = async (stack: HostStack, ...offer: Parameters<HostStack['host']['offload']>): Promise<string[]> => {
  const offloading = stack.host.offload(...offer);
  await stack.rest();
  const roles = rolesOf(stack.pending('initiate'));
  stack.accept();
  await offloading;
  return roles;
};

describe.each([0, 1])('what connections share over %i intermediate drivers', (intermediates) => {
  test('connections with equal addresses share path and neighbor; the figure of placeholder, linker and new node', async () => {
    const stack = createHostStack({ intermediates });
    expect(await rolesOfOffer(stack, from(1))).toEqual(['new neighbor', 'new path', 'new tcp']);
    expect(await rolesOfOffer(stack, from(2))).toEqual(['placeholder neighbor', 'linker path', 'new tcp']);
    const elsewhere = from(3, { remote: { address: '192.0.2.3', port: 80 } });
    expect(await rolesOfOffer(stack, elsewhere)).toEqual(['linker neighbor', 'new path', 'new tcp']);
    expect(await rolesOfOffer(stack, from(4, { nextHopMac: OTHER_HOP }))).toEqual(['new neighbor', 'new path', 'new tcp']);
    const [first, second, third, fourth] = stack.host.connections;
    expect(second?.path).toBe(first?.path);
    expect(third?.path?.neighbor).toBe(first?.path?.neighbor);
    expect(fourth?.path?.neighbor).not.toBe(first?.path?.neighbor);
    expect(first?.path?.neighbor?.offloadedPaths).toHaveLength(2);
    expect(first?.path?.offloadedConnections).toEqual([first, second]);
    await stack.close();
  });

  test('a path or neighbor is taken back with the last that depends on it, and not before (CHIM-TRM-002)', async () => {
    const stack = createHostStack({ intermediates });
    const [first, second] = [await stack.connect(from(1)), await stack.connect(from(2))];
    const path = pathOf(first);
    const one = first.terminate();
    expect(rolesOf(stack.pending('terminate'))).toEqual(['reference tcp']);
    await stack.complete('terminate');
    await one;
    expect(path.offloadState).toBe('Offloaded');
    const two = second.terminate();
    expect(rolesOf(stack.pending('terminate'))).toEqual(['reference neighbor', 'reference path', 'reference tcp']);
    await stack.complete('terminate');
    await two;
    expect([path.offloadState, path.neighbor]).toEqual(['InHost', null]);
    await stack.close();
  });

  test('a connection that shares by object goes below that path, whatever addresses it has', async () => {
    const stack = createHostStack({ intermediates });
    const first = await stack.connect(from(1));
    const path = pathOf(first);
    const other = from(2, { nextHopMac: OTHER_HOP });
    expect(await rolesOfOffer(stack, other, { path })).toEqual(['placeholder neighbor', 'linker path', 'new tcp']);
    const neighbor = path.neighbor;
    if (neighbor === null) throw new Error('the path is linked');
    const far = from(3, { remote: { address: '192.0.2.77', port: 80 }, nextHopMac: OTHER_HOP });
    expect(await rolesOfOffer(stack, far, { neighbor })).toEqual(['linker neighbor', 'new path', 'new tcp']);
    expect(path.offloadedConnections).toHaveLength(2);
    await stack.close();
  });

  test('an offload on a path that is still being offloaded waits for it (CHIM-ST-002)', async () => {
    const stack = createHostStack({ intermediates });
    const first = stack.host.offload(from(1));
    const second = stack.host.offload(from(2));
    await stack.rest();
    expect(stack.operations).toEqual(['initiate']);
    await stack.complete('initiate');
    expect(rolesOf(stack.pending('initiate'))).toEqual(['placeholder neighbor', 'linker path', 'new tcp']);
    await stack.complete('initiate');
    expect(connectionOf(await first).path).toBe(connectionOf(await second).path);
    await stack.close();
  });

  test('an offload on a path that is being taken back waits too, and offers it again with a new handle', async () => {
    const stack = createHostStack({ intermediates });
    const first = await stack.connect(from(1));
    const path = pathOf(first);
    const terminated = first.terminate();
    const offloading = stack.host.offload(from(2));
    await stack.rest();
    expect(stack.operations).toEqual(['terminate']);
    await stack.complete('terminate');
    await terminated;
    expect(rolesOf(stack.pending('initiate'))).toEqual(['new neighbor', 'new path', 'new tcp']);
    await stack.complete('initiate');
    expect(connectionOf(await offloading).path).toBe(path);
    expect(path.offloadState).toBe('Offloaded');
    await stack.close();
  });

  test('an offload that was refused takes back only what nothing else waits for', async () => {
    const stack = createHostStack({ intermediates });
    const refused = stack.host.offload(from(1));
    const accepted = stack.host.offload(from(2));
    await stack.rest();
    await stack.complete('initiate', {
      change: (block) => {
        if (block.header.type === OFFLOAD_STATE_TYPE.TcpOffloadState) refuse(block, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
        else block.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
      },
    });
    expect((await refused).status).toBe(NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    expect(stack.operations).toEqual(['initiate']);
    await stack.complete('initiate');
    expect((await accepted).status).toBe(NDIS_STATUS_SUCCESS);
    await stack.close();
  });

  test('a path that an offload waits for stays, although nothing is offloaded on it any more', async () => {
    const stack = createHostStack({ intermediates });
    const first = await stack.connect(from(1));
    const path = pathOf(first);
    // The other neighbor is under way, so the two connections wait together.
    const other = stack.host.offload(from(2, { nextHopMac: OTHER_HOP }));
    const waiting = stack.host.offloadAll([from(3), from(4, { nextHopMac: OTHER_HOP })]);
    await stack.rest();
    const terminated = first.terminate();
    expect(rolesOf(stack.pending('terminate'))).toEqual(['reference tcp']);
    await stack.complete('terminate');
    await terminated;
    await stack.complete('initiate');
    await other;
    expect(rolesOf(stack.pending('initiate'))).toEqual(['placeholder neighbor', 'linker path', 'new tcp', 'placeholder neighbor', 'linker path', 'new tcp']);
    await stack.complete('initiate');
    expect((await waiting).map(({ connection }) => connection?.path === path)).toEqual([true, false]);
    await stack.close();
  });

  test('a path that is about to go is kept for an offload that comes in time, and whoever waited for its end is told', async () => {
    const stack = createHostStack({ intermediates });
    const first = await stack.connect(from(1));
    const path = pathOf(first);
    const queried = path.query();
    const refused = stack.host.offload(from(3));
    await stack.rest();
    const terminated = first.terminate();
    await stack.complete('terminate');
    await terminated;
    await stack.complete('initiate', {
      change: (block) => {
        if (block.header.type === OFFLOAD_STATE_TYPE.TcpOffloadState) refuse(block, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
      },
    });
    // Nothing depends on the path; the query holds it.
    expect([stack.operations, path.offloadState]).toEqual([['query'], 'Offloaded']);
    const offloading = stack.host.offload(from(2));
    await stack.rest();
    expect(rolesOf(stack.pending('initiate'))).toEqual(['placeholder neighbor', 'linker path', 'new tcp']);
    expect((await refused).status).toBe(NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
    await stack.complete('query');
    await queried;
    stack.accept();
    expect(connectionOf(await offloading).path).toBe(path);
    await stack.close();
  });

  test('a neighbor that was offloaded by itself stays until it is terminated', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offloadNeighbor(from(1).neighbor);
    await stack.rest();
    expect(rolesOf(stack.pending('initiate'))).toEqual(['new neighbor']);
    await stack.complete('initiate');
    const { neighbor, status } = await offloading;
    expect([status, neighbor?.offloadState]).toEqual([NDIS_STATUS_SUCCESS, 'Offloaded']);
    const connection = await stack.connect(from(1));
    expect(connection.path?.neighbor).toBe(neighbor);
    const terminated = connection.terminate();
    expect(rolesOf(stack.pending('terminate'))).toEqual(['reference path', 'reference tcp']);
    await stack.complete('terminate');
    await terminated;
    expect(neighbor?.offloadState).toBe('Offloaded');
    const gone = neighbor?.terminate();
    await stack.complete('terminate');
    await gone;
    expect(neighbor?.offloadState).toBe('InHost');
    await stack.close();
  });

  test('a neighbor of its own that is refused is nobody’s', async () => {
    const stack = createHostStack({ intermediates });
    const offloading = stack.host.offloadNeighbor(from(1).neighbor);
    await stack.rest();
    await stack.complete('initiate', { change: (block) => { refuse(block, NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES); } });
    expect(await offloading).toEqual({ status: NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES, neighbor: null });
    expect(stack.host.offloadedObjects).toEqual([]);
    await stack.close();
  });
});

describe('many connections', () => {
  test('go down as one tree in which everything shared occurs once', async () => {
    const stack = createHostStack();
    const states = [from(1), from(2), from(3, { remote: { address: '192.0.2.3', port: 80 } }), from(4, { nextHopMac: OTHER_HOP })];
    const offloading = stack.host.offloadAll(states);
    await stack.rest();
    expect(rolesOf(stack.pending('initiate'))).toEqual([
      'new neighbor', 'new path', 'new tcp', 'new tcp', 'new path', 'new tcp',
      'new neighbor', 'new path', 'new tcp',
    ]);
    await stack.complete('initiate');
    expect((await offloading).map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    const terminated = stack.host.terminate();
    expect(rolesOf(stack.pending('terminate'))).toHaveLength(9);
    await stack.complete('terminate');
    expect((await terminated).map(({ connection }) => connection.constState.localPort)).toEqual([1, 2, 3, 4]);
    await stack.close();
  });

  test('end each for itself: one that is refused does not concern the others, and is offered again with a new handle (CHIM-ST-003)', async () => {
    const stack = createHostStack();
    const states = [from(1), from(2), from(3)];
    const offloading = stack.host.offloadAll(states);
    await stack.rest();
    await stack.complete('initiate', {
      change: (block) => {
        const port = (block.state as TcpOffloadState | null)?.const?.localPort;
        if (port === 2) refuse(block, NDIS_STATUS_OFFLOAD_TCP_ENTRIES);
        else if (port === undefined) block.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
      },
    });
    const results = await offloading;
    expect(results.map(({ status, connection }) => [status, connection?.offloadState])).toEqual([
      [NDIS_STATUS_SUCCESS, 'Offloaded'],
      [NDIS_STATUS_OFFLOAD_TCP_ENTRIES, undefined],
      [NDIS_STATUS_SUCCESS, 'Offloaded'],
    ]);
    expect(stack.operations).toEqual([]);
    const again = stack.host.offload(from(2));
    await stack.rest();
    expect(rolesOf(stack.pending('initiate'))).toEqual(['placeholder neighbor', 'linker path', 'new tcp']);
    stack.accept();
    expect((await again).status).toBe(NDIS_STATUS_SUCCESS);
    await stack.close();
  });

  test('of which one is in a state that cannot be offloaded: that one is told, the others go (CHIM-INI-001)', async () => {
    const stack = createHostStack();
    const closed = from(2, { tcpState: TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionTimeWait });
    const offloading = stack.host.offloadAll([from(1), closed, from(3)]);
    await stack.rest();
    expect(blocksOf(stack.pending('initiate'))).toHaveLength(4);
    await stack.complete('initiate');
    expect((await offloading).map(({ status }) => status)).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_INVALID_STATE, NDIS_STATUS_SUCCESS]);
    await stack.close();
  });

  test('of which one contradicts itself: nothing is offered (CHIM-INI-005)', async () => {
    const stack = createHostStack();
    const states = [from(1), from(2, { sndUna: -10, sndNxt: -2, sndMax: -2 })];
    await expect(stack.host.offloadAll(states)).rejects.toThrow('connection 1: 8 sequence numbers are unacknowledged, and sendData has 0 bytes (CHIM-INI-005)');
    expect(stack.target.calls.count('miniportInitiateOffload')).toBe(0);
    await stack.close();
  });

  test('a thousand: one tree down, one back, every object once, nothing left', async () => {
    const stack = createHostStack({ intermediates: 2 });
    const states = Array.from({ length: 1000 }, (_, at) =>
      describeConnection({
        local: { address: '10.0.0.1', port: 1000 + at },
        remote: { address: `10.1.${at % 10}.${at % 50}`, port: 80 },
        nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, at % 10),
      }),
    );
    const offloading = stack.host.offloadAll(states);
    await stack.rest();
    const down = rolesOf(stack.pending('initiate'));
    expect([down.filter((role) => role === 'new neighbor').length, down.filter((role) => role === 'new path').length, down.filter((role) => role === 'new tcp').length]).toEqual([10, 50, 1000]);
    await stack.complete('initiate');
    expect((await offloading).every(({ status }) => status === NDIS_STATUS_SUCCESS)).toBe(true);
    expect(stack.host.offloadedObjects).toHaveLength(1060);
    const terminated = stack.host.terminate();
    expect(stack.operations).toEqual(['terminate']);
    expect(rolesOf(stack.pending('terminate'))).toHaveLength(1060);
    await stack.complete('terminate');
    expect(await terminated).toHaveLength(1000);
    expect(stack.host.offloadedObjects).toEqual([]);
    await stack.close();
  });

  test('a thousand taken back one by one give their paths back at the end, never before (CHIM-TRM-002)', async () => {
    const stack = createHostStack({ target: { isAutomatic: true } });
    const results = await stack.runtime.drive(stack.host.offloadAll(Array.from({ length: 1000 }, (_, at) => from(1000 + at))));
    const path = pathOf(connectionOf(results[0]));
    for (const result of results.slice(0, -1)) void connectionOf(result).terminate();
    await stack.rest();
    expect([path.offloadState, stack.host.connections.length]).toEqual(['Offloaded', 1]);
    await stack.runtime.drive(connectionOf(results.at(-1)).terminate());
    expect([path.offloadState, stack.host.offloadedObjects.length]).toEqual(['InHost', 0]);
    await stack.close();
  });
});

test('objects of another host or adapter are refused by name', async () => {
  const [one, two] = [createHostStack(), createHostStack()];
  const path = pathOf(await one.connect());
  await expect(two.host.offload(describeConnection(ENDS), { path })).rejects.toThrow('ChimneyHost.offload: not bound to any adapter');
  await one.close();
  await two.close();
});
