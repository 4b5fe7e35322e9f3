import type { ChimneyConnection } from '@ndis-chimney/host';
import {
  DDI_CROSSING,
  NDIS_STATUS_CLOSING,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  type DdiCrossingName,
} from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bytes, createHostStack, from, type HostStack } from './host-stack.ts';

/** Stops the next call of a kind, as a verifier would. */
const stop = (stack: HostStack, operation: DdiCrossingName): void => {
  let isOver = false;
  stack.ndis.attachObserver({
    enter: (crossing) => {
      if (isOver || crossing !== DDI_CROSSING[operation]) return;
      isOver = true;
      throw new Error(`stopped ${operation}`);
    },
  });
};

const segment = (): Uint8Array => {
  const one = new Uint8Array(20);
  new DataView(one.buffer).setUint16(0, 80);
  new DataView(one.buffer).setUint16(2, 49_152);
  one[12] = 0x50;
  return one;
};

type Request = (connection: ChimneyConnection) => Promise<unknown>;

const REQUESTS: readonly (readonly [what: string, act: Request])[] = [
  ['send', (connection) => connection.send(bytes('x'))],
  ['receive', (connection) => connection.receive(new Uint8Array(4))],
  ['forward', (connection) => connection.forward(segment())],
  ['graceful disconnect', (connection) => connection.disconnect()],
  ['query', (connection) => connection.query()],
  ['update', (connection) => connection.update({ kaProbeCount: 1 })],
  ['invalidate', (connection) => connection.invalidate()],
  ['query of the neighbor', (connection) => connection.path?.neighbor?.query() ?? Promise.reject(new Error('no neighbor'))],
  ['relink', (connection) => connection.adapter.relink(connection.path === null ? [] : [connection.path], from(1, { nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 5) }).neighbor)],
  ['terminate', (connection) => connection.terminate()],
];

/** Everything that ends a connection, an adapter or a host under a request. */
const ENDINGS: readonly (readonly [what: string, act: (stack: HostStack) => void])[] = [
  ['the user terminates', (stack) => void stack.host.terminate()],
  ['the peer resets', (stack) => { stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort); }],
  ['the target wants it back', (stack) => { stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure); }],
  ['the adapter pauses', (stack) => { stack.ndis.pauseAdapter(stack.target.miniport); }],
  ['the host is unbound', (stack) => { stack.ndis.unbindAdapter(stack.binding); }],
  ['the adapter is removed', (stack) => { stack.ndis.removeAdapter(stack.target.miniport); }],
];

describe.each(ENDINGS)('when %s', (_ending, end) => {
  test.each(REQUESTS)('a %s that is under way settles, and nothing is left', async (_request, act) => {
    const stack = createHostStack({ intermediates: 1 });
    const connection = await stack.connect();
    let isSettled = false;
    act(connection).then(() => { isSettled = true; }, () => { isSettled = true; });
    await stack.rest();
    end(stack);
    await stack.rest();
    stack.target.isAutomatic = true;
    stack.target.runDpc();
    await stack.rest();
    expect(isSettled).toBe(true);
    expect([connection.offloadState, stack.host.offloadedObjects]).toEqual(['InHost', []]);
    await stack.close();
  });

  test('offloads under way and waiting settle', async () => {
    const stack = createHostStack({ intermediates: 1 });
    await stack.connect();
    const statuses: number[] = [];
    const offers = [stack.host.offload(from(2, { nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 9) })), stack.host.offload(from(3, { nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 9) }))];
    for (const offer of offers) void offer.then(({ status }) => statuses.push(status));
    await stack.rest();
    end(stack);
    await stack.rest();
    stack.target.isAutomatic = true;
    stack.target.runDpc();
    await stack.rest();
    expect(statuses).toHaveLength(2);
    await stack.close();
  });
});

describe('a call that is stopped', () => {
  test.each([
    ['initiateOffload' as const, (stack: HostStack) => stack.host.offload(from(2))],
    ['initiateOffload' as const, (stack: HostStack) => stack.host.offloadNeighbor(from(2, { nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 5) }).neighbor)],
  ])('%s rejects with what stopped it, and may be made again', async (operation, act) => {
    const stack = createHostStack();
    await stack.connect();
    stop(stack, operation);
    await expect(act(stack)).rejects.toThrow(`stopped ${operation}`);
    expect(stack.host.offloadedObjects).toHaveLength(3);
    const again = act(stack);
    await stack.complete('initiate');
    expect((await again).status).toBe(NDIS_STATUS_SUCCESS);
    await stack.close();
  });

  const calls: [DdiCrossingName, Request][] = [
    ['offloadTcpSend', (connection) => connection.send(bytes('x'))],
    ['offloadTcpReceive', (connection) => connection.receive(new Uint8Array(4))],
    ['offloadTcpForward', (connection) => connection.forward(segment())],
    ['offloadTcpDisconnect', (connection) => connection.disconnect()],
    ['queryOffloadState', (connection) => connection.query()],
    ['updateOffload', (connection) => connection.update({})],
    ['invalidateOffload', (connection) => connection.invalidate()],
    ['terminateOffload', (connection) => connection.terminate()],
  ];
  test.each(calls)('%s rejects with what stopped it, and nothing is left', async (operation, act) => {
    const stack = createHostStack();
    const connection = await stack.connect();
    stop(stack, operation);
    await expect(act(connection)).rejects.toThrow(`stopped ${operation}`);
    await stack.close();
  });

  test('a terminate of many that was stopped rejects once, whatever it was asked for, and nothing hangs', async () => {
    const stack = createHostStack();
    const first = await stack.connect();
    await stack.connect(from(2));
    const path = first.path;
    const neighbor = path?.neighbor;
    stop(stack, 'terminateOffload');
    await expect(stack.host.terminate()).rejects.toThrow('stopped');
    stop(stack, 'terminateOffload');
    await expect(neighbor?.terminate()).rejects.toThrow('stopped');
    const gone = neighbor?.terminate();
    await stack.complete('terminate');
    await gone;
    expect((await first.uploaded).status).toBe(NDIS_STATUS_SUCCESS);
    await stack.close();
  });

  test('a terminate that was stopped can be asked for again, and what was sent meanwhile comes back', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    stop(stack, 'terminateOffload');
    await expect(connection.terminate()).rejects.toThrow('stopped');
    expect(connection.offloadState).toBe('Offloaded');
    expect((await connection.send(bytes('kept'))).status).toBe(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    const terminated = connection.terminate();
    await stack.complete('terminate');
    expect((await terminated).state.sendData).toEqual([bytes('kept')]);
    await stack.close();
  });
});

test.each(['miniportInitiateOffload', 'miniportQueryOffload', 'miniportUpdateOffload'])('a target whose %s throws fails the request and nothing else', async (entry) => {
  const stack = createHostStack({ target: { isAutomatic: true } });
  const { connection } = await stack.runtime.drive(stack.host.offload(from(1)));
  stack.target.calls.once(entry, () => { throw new Error('broken'); });
  const act: Record<string, () => Promise<{ status: number }>> = {
    miniportInitiateOffload: () => stack.host.offload(from(2)),
    miniportQueryOffload: () => connection?.query() ?? Promise.reject(new Error('refused')),
    miniportUpdateOffload: () => connection?.update({}) ?? Promise.reject(new Error('refused')),
  };
  expect((await stack.runtime.drive(act[entry]?.() ?? Promise.reject(new Error('no such entry')))).status).toBe(NDIS_STATUS_FAILURE);
  expect(stack.takeViolations()).toEqual(['CHIM-LIF-005']);
  await stack.close();
});

describe('a target that does not give back', () => {
  test('is asked three times, reported, and given up: promises settle, the binding is ended by force (CHIM-TRM-015)', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    const sent = connection.send(bytes('gone'));
    let isRemoved = false;
    stack.ndis.removeAdapter(stack.target.miniport, () => { isRemoved = true; });
    for (let attempt = 0; attempt < 3; attempt++) await stack.complete('terminate', { status: NDIS_STATUS_FAILURE });
    expect(isRemoved).toBe(true);
    const { status, state } = await connection.uploaded;
    expect([status, state.sendData, await sent, connection.offloadState]).toEqual([NDIS_STATUS_FAILURE, [], { status: NDIS_STATUS_FAILURE, bytesTransferred: 0 }, 'InHost']);
    expect(stack.takeViolations().filter((rule) => rule === 'CHIM-TRM-015')).toHaveLength(3);
  });

  test('a connection that was lost is taken back when its user asks again', async () => {
    const stack = createHostStack();
    const connection = await stack.connect();
    const terminated = connection.terminate();
    await stack.complete('terminate', { status: NDIS_STATUS_FAILURE });
    expect([connection.offloadState, stack.operations]).toEqual(['Lost', []]);
    void connection.terminate();
    await stack.complete('terminate');
    expect((await terminated).status).toBe(NDIS_STATUS_FAILURE);
    await stack.close();
  });
});

test('an offload after the unbind began ends at once', async () => {
  const stack = createHostStack();
  await stack.connect();
  stack.ndis.unbindAdapter(stack.binding);
  expect(await stack.host.offload(from(2))).toEqual({ status: NDIS_STATUS_CLOSING, connection: null });
  await stack.close();
});

test('whatever the order of DPCs and whenever the end comes, every promise settles (100 seeds)', async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const stack = createHostStack({ intermediates: seed % 3, seed, target: { isAutomatic: true } });
    const random = stack.runtime.random.fork('test');
    const open = new Set<string>();
    const watch = (what: string, promise: Promise<unknown>): void => {
      open.add(what);
      promise.then(() => open.delete(what), () => open.delete(what));
    };
    for (let step = 0; step < 60; step++) {
      const { connections } = stack.host;
      const connection = connections[random.nextInt(Math.max(1, connections.length))];
      const name = `seed ${seed}, step ${step}`;
      switch (random.nextInt(11)) {
        case 0:
        case 1:
          watch(`${name}: offload`, stack.host.offload(from(step, { remote: { address: `192.0.2.${2 + random.nextInt(2)}`, port: 80 }, nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, random.nextInt(2)) })));
          break;
        case 2:
          watch(`${name}: offloadAll`, stack.host.offloadAll([from(step), from(step + 100), from(step + 200)]));
          break;
        case 3:
          if (connection !== undefined) watch(`${name}: terminate`, connection.terminate());
          break;
        case 4:
          if (connection !== undefined) watch(`${name}: query`, connection.query());
          break;
        case 5:
          if (connection !== undefined) watch(`${name}: update`, connection.update({ kaProbeCount: step }));
          break;
        case 6:
          if (connection?.path != null) watch(`${name}: invalidate`, connection.path.invalidate());
          break;
        case 7:
          if (connection?.path != null) watch(`${name}: relink`, stack.host.relink([connection.path], from(1, { nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, random.nextInt(3)) }).neighbor));
          break;
        case 8:
          if (connection !== undefined) watch(`${name}: send`, connection.send(bytes('x')));
          break;
        case 9:
          if (connection !== undefined) watch(`${name}: receive`, connection.receive(new Uint8Array(2)));
          break;
        default:
          if (random.nextInt(4) === 0) await stack.rest();
          else await Promise.resolve();
      }
    }
    await stack.close();
    await stack.rest();
    expect([...open]).toEqual([]);
  }
});

test('what waits behind a refused offload is told that the object is not there', async () => {
  const stack = createHostStack();
  const offloading = stack.host.offload(from(1));
  await stack.rest();
  const [connection] = stack.host.connections;
  const terminated = connection?.terminate();
  stack.target.completeTree('initiate', { status: NDIS_STATUS_FAILURE });
  expect((await offloading).status).toBe(NDIS_STATUS_FAILURE);
  expect([(await terminated)?.status, (await connection?.query())?.status]).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_INVALID_STATE]);
  await stack.close();
});
