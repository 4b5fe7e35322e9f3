import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  NeighborOffloadStateCached,
  NeighborOffloadStateConst,
  NeighborOffloadStateDelegated,
  OFFLOAD_STATE_TYPE as TYPE,
  OffloadBlockState,
  PathOffloadStateCached,
  PathOffloadStateConst,
  PathOffloadStateDelegated,
  TCP_FLAG_MAX_RT_RESTART,
  TCP_FLAG_UPDATE_RCV_WND,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
  TcpOffloadStateCached,
  createProtocolOffloadBlockList,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { createNbl, expectBytes, expectSame, type HostConnection, must, pattern, readAll, reference } from './host-connection.ts';
import { FLAG, segment } from './segments.ts';
import { FIRST_RECEIVE_SEQ, FIRST_SEND_SEQ, World, link } from './world.ts';

function updateCached(world: World, connection: HostConnection, change: (cached: TcpOffloadStateCached) => void): void {
  const cached = new TcpOffloadStateCached().copyFrom(must(connection.query().cached));
  change(cached);
  const block = reference(TYPE.TcpOffloadCachedState, connection.handle, new OffloadBlockState(null, cached, null));
  world.host.binding.updateOffload(block);
  world.settle();
  expect(block.status).toBe(NDIS_STATUS_SUCCESS);
}

describe('query', () => {
  it('CHIM-QRY-001: fills every structure of a tree with present values, and changes nothing', async () => {
    const world = new World({ peer: 'sink' });
    const connection = world.offload({
      const: (state) => Object.assign(state, { flags: 7, sndWindScale: 3, rcvWindScale: 4, hashValue: -5 }),
      cached: (cached) => Object.assign(cached, { kaTimeout: 9, flowLabel: 10, userPriority: 3, maxRT: -1 }),
    });
    await world.pass(300);
    connection.send(createNbl(world, pattern(100)));
    await world.pass(1000);
    const neighborState = new OffloadBlockState(new NeighborOffloadStateConst(), new NeighborOffloadStateCached(), new NeighborOffloadStateDelegated());
    const pathState = new OffloadBlockState(new PathOffloadStateConst(), new PathOffloadStateCached(), new PathOffloadStateDelegated());
    const path = reference(TYPE.Ip4OffloadState, connection.pathHandle, pathState);
    const neighbor = link(reference(TYPE.NeighborOffloadState, connection.neighborHandle, neighborState), [path]);
    for (let i = 0; i < 2; i++) {
      world.host.binding.queryOffloadState(neighbor);
      world.settle();
      expect([neighbor.status, path.status]).toEqual([0, 0]);
      expect([...must(pathState.const).destinationAddress]).toEqual([10, 0, 0, 2]);
      expect(must(pathState.cached).pathMtu).toBe(1500);
      // The acknowledgment, one second ago, was the last proof that the next hop is there (CHIM-EVT-018).
      expect(must(neighborState.delegated).nicReachabilityDelta).toBe(1000);
      const { const: constState, cached, delegated } = connection.query();
      expect(constState).toMatchObject({ flags: 7, sndWindScale: 3, rcvWindScale: 4, hashValue: -5, localPort: 40_000, remotePort: 80, remoteMss: 1460 });
      expect(cached).toMatchObject({ kaTimeout: 9, flowLabel: 10, userPriority: 3, maxRT: -1, initialRcvWnd: 65_536 });
      // CHIM-QRY-003
      expect(delegated).toMatchObject({ sndUna: (FIRST_SEND_SEQ + 100) | 0, sendBacklogSize: 262_144, receiveBacklogSize: 0, sendDataHead: null, bufferedData: null });
    }
  });

  it('CHIM-QRY-002: queries of one object overlap', () => {
    const world = new World();
    const { handle } = world.offload();
    const blocks = [1, 2, 3].map(() => reference(TYPE.TcpOffloadState, handle));
    for (const block of blocks) world.host.binding.queryOffloadState(block);
    world.settle();
    expect(world.host.of('query').map(({ root }) => blocks.indexOf(root))).toEqual([0, 1, 2]);
  });

  it('a host that asks again whenever it is answered does not keep the target from other work', () => {
    const world = new World();
    const { handle } = world.offload();
    let left = 5;
    world.host.during = ({ call }) => {
      if (call === 'query' && left-- > 0) world.host.binding.queryOffloadState(reference(TYPE.TcpOffloadState, handle));
    };
    world.host.binding.queryOffloadState(reference(TYPE.TcpOffloadState, handle));
    let passes = 0;
    while (world.runtime.dpcQueue.runPass()) passes++;
    expect(passes).toBe(6);
  });

  it('fails a block whose type is of another layer than its object, and no other', () => {
    const world = new World();
    const { handle, pathHandle } = world.offload();
    const block = reference(TYPE.Ip4OffloadState, handle);
    block.nextBlock = reference(TYPE.Ip4OffloadState, pathHandle);
    world.host.binding.queryOffloadState(block);
    world.settle();
    expect(block.status).not.toBe(0);
    expect(block.nextBlock.status).toBe(0);
  });
});

describe('update', () => {
  it('CHIM-UPD-003: replaces cached state, of one connection, and nothing else', () => {
    const world = new World();
    const [first, second] = [world.offload({ localPort: 1 }), world.offload({ localPort: 2 })];
    const before = first.query();
    updateCached(world, first, (cached) => {
      cached.tosOrTrafficClass = 8;
      cached.flags = TCP_FLAG_MAX_RT_RESTART;
    });
    expect(must(first.query().cached).tosOrTrafficClass).toBe(8);
    expect(must(second.query().cached).tosOrTrafficClass).toBe(0);
    expect(first.query().const).toEqual(before.const);
    expect(first.query().delegated).toEqual(before.delegated);
  });

  it('CHIM-UPD-004: later segments fit the new path MTU', async () => {
    const world = new World({ peer: 'sink', latencyMs: 1 });
    const connection = world.offload();
    const path = reference(TYPE.Ip4OffloadCachedState, connection.pathHandle, new OffloadBlockState(null, Object.assign(new PathOffloadStateCached(), { pathMtu: 140 }), null));
    world.host.binding.updateOffload(path);
    await world.drain();
    connection.send(createNbl(world, pattern(1000)));
    await world.pass(10);
    expect(world.host.of('send')).toHaveLength(1);
  });

  it('CHIM-UPD-006: a new receive window reaches the peer', async () => {
    const world = new World();
    const { connection, peer } = await world.connect({ cached: (cached) => (cached.initialRcvWnd = 100) });
    world.host.appetite = () => 0;
    void peer.write(pattern(1000));
    await world.drain();
    expect(connection.delegated.rcvNxt).toBe((FIRST_RECEIVE_SEQ + 100) | 0);
    updateCached(world, connection, (cached) => {
      cached.initialRcvWnd = 120;
      cached.flags |= TCP_FLAG_UPDATE_RCV_WND;
    });
    await world.drain();
    expect(connection.delegated.rcvNxt).toBe((FIRST_RECEIVE_SEQ + 120) | 0);
  });

  it('GV-UPD-1: paths below a named neighbor depend on it from then on', () => {
    const world = new World({ peer: 'sink' });
    const connection = world.offload();
    const other = world.neighbor();
    world.host.binding.initiateOffload(other);
    world.settle();
    const path = reference(TYPE.Ip4OffloadCachedState, connection.pathHandle);
    world.host.binding.updateOffload(link(reference(TYPE.NeighborOffloadCachedState, must(other.offloadHandle)), [path]));
    world.settle();
    // The old neighbor does not matter any more, the new one does.
    world.host.binding.invalidateOffload(reference(TYPE.NeighborOffloadState, connection.neighborHandle));
    world.settle();
    expect(world.host.of('event')).toEqual([]);
    world.host.binding.invalidateOffload(reference(TYPE.NeighborOffloadState, must(other.offloadHandle)));
    world.settle();
    expect(world.host.of('event')).toHaveLength(1);
  });

  it('a path below a placeholder keeps its neighbor', () => {
    const world = new World({ peer: 'sink' });
    const connection = world.offload();
    const path = reference(TYPE.Ip4OffloadCachedState, connection.pathHandle);
    world.host.binding.updateOffload(link(createProtocolOffloadBlockList(TYPE.NeighborOffloadCachedState), [path]));
    world.settle();
    world.host.binding.invalidateOffload(reference(TYPE.NeighborOffloadState, connection.neighborHandle));
    world.settle();
    expect(world.host.of('event')).toHaveLength(1);
  });
});

/** Invalidates a connection's neighbor, and gives its path another one. */
function relinkAfterInvalidate(world: World, connection: HostConnection): void {
  world.host.binding.invalidateOffload(reference(TYPE.NeighborOffloadState, connection.neighborHandle));
  const other = world.neighbor();
  world.host.binding.initiateOffload(other);
  world.settle();
  const path = reference(TYPE.Ip4OffloadCachedState, connection.pathHandle);
  world.host.binding.updateOffload(link(reference(TYPE.NeighborOffloadCachedState, must(other.offloadHandle)), [path]));
}

describe('invalidate', () => {
  it('CHIM-INV-002, CHIM-INV-003: stops what depends on the object and asks for its upload, after the completion', async () => {
    const world = new World({ latencyMs: 5 });
    const { connection, peer } = await world.connect();
    const bystander = world.offload({ localPort: 2 });
    const nbls = connection.send(createNbl(world, pattern(10)), createNbl(world, pattern(20)));
    await world.pass(1);
    world.host.binding.invalidateOffload(reference(TYPE.NeighborOffloadState, connection.neighborHandle));
    world.settle();
    const [event] = world.host.of('event');
    expect(event).toMatchObject({ type: TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, information: TCP_UPLOAD_REASON.InvalidState });
    expect(must(event).handle === connection.handle).toBe(true);
    expect(world.host.calls.map(({ call }) => call).slice(-3)).toEqual(['invalidate', 'event', 'send']);
    // CHIM-TRM-016
    nbls.push(...connection.send(createNbl(world, pattern(1))));
    connection.post([1]);
    connection.forward(new Uint8Array(20));
    connection.close();
    world.settle();
    expectSame(world.host.completed('send'), nbls);
    const ended = [...nbls, ...world.host.completed('receive'), ...world.host.completed('forward'), ...world.host.completed('disconnect')];
    expect(ended.map(({ status }) => status)).toEqual(Array(6).fill(NDIS_STATUS_UPLOAD_IN_PROGRESS));
    await world.pass(100);
    expect(peer.bytesReceived).toBe(0);
    bystander.send(createNbl(world, pattern(5)));
    await world.pass(100);
    expect(must(world.host.completed('send').at(-1)).status).toBe(NDIS_STATUS_SUCCESS);
    const { delegated } = connection.terminate();
    expect(delegated).toMatchObject({ sndUna: FIRST_SEND_SEQ, sndNxt: FIRST_SEND_SEQ, sndMax: (FIRST_SEND_SEQ + 30) | 0 });
  });

  it('what the peer sends to an invalid connection waits for it to come back', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    world.host.binding.invalidateOffload(reference(TYPE.TcpOffloadState, connection.handle));
    world.settle();
    void peer.write(pattern(50));
    await world.drain();
    expect(connection.terminate().delegated.rcvNxt).toBe(FIRST_RECEIVE_SEQ);
    const again = world.offload();
    await world.drain();
    expectBytes(again.received, pattern(50));
  });

  it('LC13: connections of a path that gets a valid neighbor go on', async () => {
    const world = new World({ latencyMs: 5 });
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(30)));
    void peer.write(pattern(40));
    await world.pass(1);
    world.host.binding.invalidateOffload(reference(TYPE.NeighborOffloadState, connection.neighborHandle));
    const other = world.neighbor();
    world.host.binding.initiateOffload(other);
    await world.pass(100);
    expect(world.host.of('indicate')).toEqual([]);
    const path = reference(TYPE.Ip4OffloadCachedState, connection.pathHandle);
    world.host.binding.updateOffload(link(reference(TYPE.NeighborOffloadCachedState, must(other.offloadHandle)), [path]));
    await world.pass(100);
    expectBytes(connection.received, pattern(40));
    // What went back unacknowledged is sent again, and what follows it.
    connection.send(createNbl(world, pattern(60)));
    await world.pass(100);
    expectBytes(await world.until(readAll(peer, 60)), pattern(60));
    expect(connection.delegated).toMatchObject({ sndUna: (FIRST_SEND_SEQ + 60) | 0, sndMax: (FIRST_SEND_SEQ + 60) | 0 });
  });

  it('LC13: what the peer had acknowledged meanwhile does not confuse what is sent again', async () => {
    const world = new World({ latencyMs: 5 });
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(30)));
    // Received, and the acknowledgment is on its way.
    await world.pass(7);
    expect(peer.bytesReceived).toBe(30);
    relinkAfterInvalidate(world, connection);
    await world.pass(100);
    expect(world.host.completed('send').map(({ tcpOffloadBytesTransferred }) => tcpOffloadBytesTransferred)).toEqual([0]);
    connection.send(createNbl(world, pattern(60)));
    await world.pass(100);
    expectBytes(await world.until(readAll(peer, 60)), pattern(60));
    expect(connection.delegated.sndUna).toBe((FIRST_SEND_SEQ + 60) | 0);
  });

  it('LC13: a disconnect that was given back can be made again, and a FIN that was indicated stays so', async () => {
    const world = new World({ latencyMs: 5 });
    const { connection, peer } = await world.connect();
    void peer.end();
    await world.pass(100);
    const first = connection.close(pattern(5));
    await world.pass(1);
    relinkAfterInvalidate(world, connection);
    await world.pass(100);
    expect(first.status).toBe(NDIS_STATUS_UPLOAD_IN_PROGRESS);
    const second = connection.close(pattern(5));
    connection.post([1]);
    await world.pass(100);
    expect(second).toMatchObject({ status: NDIS_STATUS_SUCCESS, tcpOffloadBytesTransferred: 5 });
    expect(world.host.completed('receive').map(({ status }) => status)).toEqual([NDIS_STATUS_INVALID_STATE]);
    expectBytes(await world.until(readAll(peer, 5)), pattern(5));
    expect(await world.until(peer.read())).toBeNull();
  });

  it('a connection whose upload was asked for another reason does not go on', async () => {
    const world = new World();
    const { connection } = await world.connect();
    connection.forward(segment({ bytes: pattern(1), flags: FLAG.URG }));
    await world.drain();
    relinkAfterInvalidate(world, connection);
    await world.drain();
    connection.send(createNbl(world, pattern(1)));
    await world.drain();
    expect(world.host.completed('send').map(({ status }) => status)).toEqual([NDIS_STATUS_UPLOAD_IN_PROGRESS]);
    expect(world.host.of('event')).toHaveLength(1);
  });

  it('a connection that is attached to something invalid is asked back at once', () => {
    const world = new World();
    const { pathHandle } = world.offload();
    world.host.binding.invalidateOffload(reference(TYPE.Ip4OffloadState, pathHandle));
    world.settle();
    const tcp = world.tcp({ localPort: 2 });
    world.host.binding.initiateOffload(link(createProtocolOffloadBlockList(TYPE.NeighborOffloadState), [link(reference(TYPE.Ip4OffloadState, pathHandle), [tcp])]));
    world.settle();
    expect(world.host.of('event').map(({ handle, information }) => [handle === tcp.offloadHandle, information])).toEqual([
      [false, TCP_UPLOAD_REASON.InvalidState],
      [true, TCP_UPLOAD_REASON.InvalidState],
    ]);
  });

  it('a path that is linked to a neighbor while that becomes invalid stops', () => {
    const world = new World();
    const connection = world.offload();
    const other = world.neighbor();
    world.host.binding.initiateOffload(other);
    world.settle();
    // Both are under way at the same time.
    world.host.binding.invalidateOffload(reference(TYPE.NeighborOffloadState, must(other.offloadHandle)));
    world.host.binding.updateOffload(
      link(reference(TYPE.NeighborOffloadCachedState, must(other.offloadHandle)), [reference(TYPE.Ip4OffloadCachedState, connection.pathHandle)]),
    );
    world.settle();
    expect(world.host.of('event')).toHaveLength(1);
  });
});
