import {
  NDIS_STATUS_INVALID_STATE,
  NDIS_STATUS_SUCCESS,
  NdisOidRequest,
  NdisTcpConnectionOffloadParameters,
  NDIS_REQUEST_TYPE,
  OID_TCP_CONNECTION_OFFLOAD_PARAMETERS,
  TCP_OFFLOAD_EVENT_TYPE,
  type NetBufferList,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { concat, expectBytes, expectSame, free, must, pattern, placedBytes } from './host-connection.ts';
import { Arrivals, FLAG } from './segments.ts';
import { FIRST_RECEIVE_SEQ, World } from './world.ts';

const PUSH_MS = 500;

/** Status and byte count of what came back. */
function outcome(nbls: readonly NetBufferList[]): (readonly [number, number])[] {
  return nbls.map((nbl) => [nbl.status, nbl.tcpOffloadBytesTransferred] as const);
}

/** The memory an NBL lies in. */
function buffersOf(nbl: NetBufferList): Set<Uint8Array> {
  const buffers = new Set<Uint8Array>();
  for (let mdl = must(nbl.firstNetBuffer).mdlChain; mdl !== null; mdl = mdl.next) buffers.add(mdl.buffer);
  return buffers;
}

function start(options: ConstructorParameters<typeof World>[0] = {}): { world: World; connection: ReturnType<World['offload']>; wire: Arrivals } {
  const world = new World(options);
  const connection = world.offload();
  return { world, connection, wire: new Arrivals(connection) };
}

describe('posted requests', () => {
  it('GV-RCV-1: PSH completes a push request with what is in it, and stops the push timer', () => {
    const { world, connection, wire } = start();
    connection.post([1000]);
    wire.arrive(400);
    expect(world.runtime.clock.pendingTimers).toBe(1);
    expect(world.host.of('receive')).toEqual([]);
    wire.arrive(300, FLAG.PSH);
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 700]]);
    expect(world.runtime.clock.pendingTimers).toBe(0);
    expectBytes(connection.received, pattern(700));
  });

  it('GV-RCV-2, CHIM-RCV-007: a non-push request completes when it is full, whatever PSH and time say', () => {
    const { world, connection, wire } = start();
    connection.post([1000], true);
    wire.arrive(400, FLAG.PSH);
    world.runtime.advance(10 * PUSH_MS);
    expect(world.host.of('receive')).toEqual([]);
    wire.arrive(600);
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 1000]]);
  });

  it('GV-RCV-3, CHIM-TMR-004: the push timer starts anew with every byte, and completes the request when it expires', () => {
    const { world, connection, wire } = start();
    connection.post([1000]);
    wire.arrive(400);
    world.runtime.advance(300);
    wire.arrive(100);
    world.runtime.advance(PUSH_MS - 0.1);
    expect(world.host.of('receive')).toEqual([]);
    world.runtime.advance(0.1);
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 500]]);
    expect(world.runtime.clock.now()).toBe(800);
  });

  it('the push timer is the one the host has set', () => {
    const { world, connection, wire } = start();
    const parameters = new NdisTcpConnectionOffloadParameters();
    parameters.ticksPerSecond = 10;
    parameters.tcpPushTicks = 2;
    const request = new NdisOidRequest<NdisTcpConnectionOffloadParameters>();
    request.requestType = NDIS_REQUEST_TYPE.NdisRequestSetInformation;
    request.oid = OID_TCP_CONNECTION_OFFLOAD_PARAMETERS;
    request.informationBuffer = parameters;
    expect(world.host.binding.oidRequest(request)).toBe(NDIS_STATUS_SUCCESS);
    connection.post([1000]);
    wire.arrive(1);
    world.runtime.advance(199);
    expect(world.host.of('receive')).toEqual([]);
    world.runtime.advance(1);
    expect(world.host.of('receive')).toHaveLength(1);
  });

  it('GV-RCV-4: PSH counts where it is the last mark, and data that was refused is not indicated again', () => {
    const { world, connection, wire } = start();
    world.host.appetite = () => 0;
    connection.post([500]);
    wire.arrive(800);
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 500]]);
    expect(world.host.of('indicate')).toHaveLength(1);
    wire.arrive(200, FLAG.PSH);
    expect(world.host.of('indicate')).toHaveLength(1);
    connection.post([1000]);
    world.settle();
    expect(outcome(world.host.completed('receive'))).toEqual([
      [NDIS_STATUS_SUCCESS, 500],
      [NDIS_STATUS_SUCCESS, 500],
    ]);
    expectBytes(connection.received, pattern(1000));
  });

  it('a PSH mark with something behind it does not complete a request', () => {
    const { world, connection, wire } = start();
    world.host.appetite = () => 0;
    wire.arrive(300, FLAG.PSH);
    wire.arrive(200);
    connection.post([1000]);
    world.settle();
    expect(world.host.of('receive')).toEqual([]);
    world.runtime.advance(PUSH_MS);
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 500]]);
  });

  it('GV-RCV-5, CHIM-RCV-012: a request of no bytes takes none, and lets the data be indicated again', () => {
    const { world, connection, wire } = start();
    world.host.appetite = () => 0;
    wire.arrive(300);
    world.host.appetite = (bytes) => bytes.length;
    connection.post([0]);
    world.settle();
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 0]]);
    expect(world.host.calls.map(({ call }) => call).filter((call) => call === 'receive' || call === 'indicate')).toEqual(['indicate', 'receive', 'indicate']);
    expectBytes(connection.received, pattern(300));
  });

  it('CHIM-RCV-012: a request of no bytes waits while there is nothing', () => {
    const { world, connection, wire } = start();
    connection.post([0, 10]);
    world.settle();
    expect(world.host.of('receive')).toEqual([]);
    wire.arrive(10);
    expect(outcome(world.host.completed('receive'))).toEqual([
      [NDIS_STATUS_SUCCESS, 0],
      [NDIS_STATUS_SUCCESS, 10],
    ]);
  });

  it('GV-RCV-6, CHIM-RCV-010: a request posted after the disconnect was indicated ends with INVALID_STATE', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    await world.until(peer.end());
    expect(world.host.of('event').map(({ type }) => type)).toEqual([TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect]);
    connection.post([10]);
    world.settle();
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_INVALID_STATE, 0]]);
  });

  it('GV-RCV-7, CHIM-RCV-004: requests posted from inside a completion are queued, and completions do not nest', () => {
    const { world, connection, wire } = start();
    let posted = 0;
    world.host.during = ({ call }) => {
      if (call === 'receive' && posted++ === 0) connection.post([100, 100]);
    };
    connection.post([300, 300]);
    wire.arrive(600);
    expect(outcome(world.host.completed('receive'))).toEqual([
      [NDIS_STATUS_SUCCESS, 300],
      [NDIS_STATUS_SUCCESS, 300],
    ]);
    wire.arrive(200);
    expect(world.host.completed('receive')).toHaveLength(4);
    expect(world.host.deepestReceiveCall).toBe(1);
    expectBytes(connection.received, pattern(800));
  });

  it('CHIM-RXI-001: a request posted from inside a completion gets what is left of the data', () => {
    const { world, connection, wire } = start();
    let posted = 0;
    world.host.during = ({ call }) => {
      if (call === 'receive' && posted++ === 0) connection.post([300]);
    };
    connection.post([300]);
    wire.arrive(600);
    expect(world.host.of('indicate')).toEqual([]);
    expectBytes(connection.received, pattern(600));
  });

  it('PSH counts for each write, also when several arrive together', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.post([1000, 1000]);
    void peer.write(pattern(400));
    void peer.write(pattern(300, 400));
    await world.drain();
    expect(outcome(world.host.completed('receive'))).toEqual([
      [NDIS_STATUS_SUCCESS, 400],
      [NDIS_STATUS_SUCCESS, 300],
    ]);
  });

  it('GV-RCV-8: an expiry of the push timer completes the push request it was started for, and nothing else', () => {
    const { world, connection, wire } = start();
    const [first] = connection.post([100]);
    connection.post([100], true);
    wire.arrive(50);
    // The expiry and a segment that would have filled the request come together.
    world.runtime.clock.advance(PUSH_MS);
    wire.arrive(50);
    expectSame(world.host.completed('receive'), [first]);
    world.runtime.advance(10 * PUSH_MS);
    expectSame(world.host.completed('receive'), [first]);
    wire.arrive(50);
    expectBytes(connection.received, pattern(150));
  });

  it('CHIM-RCV-003: requests are filled and completed in the order they were posted, over several calls', () => {
    const { world, connection, wire } = start();
    const nbls = [...connection.post([100, 50]), ...connection.post([1, 200], true), ...connection.post([7])];
    for (const length of [60, 100, 1, 180, 17]) wire.arrive(length);
    expectSame(world.host.completed('receive'), nbls);
    expectBytes(concat(nbls.map(placedBytes)), pattern(358));
  });

  it('CHIM-RCV-009: a completed request has its data start moved over the bytes placed', () => {
    const { world, connection, wire } = start();
    const [nbl] = connection.post([100]);
    wire.arrive(40, FLAG.PSH);
    expect(must(nbl).firstNetBuffer).toMatchObject({ dataOffset: 40, dataLength: 60 });
    free(world, [must(nbl), ...world.host.completed('forward')]);
    world.expectClean();
  });

  it('CHIM-RCV-008: when a completion comes up the data is acknowledged', () => {
    const { world, connection, wire } = start();
    connection.post([40]);
    const seen: number[] = [];
    world.host.during = ({ call }) => {
      if (call === 'receive') seen.push(0);
    };
    wire.arrive(40);
    expect(seen).toHaveLength(1);
    expect(connection.delegated.rcvNxt).toBe((FIRST_RECEIVE_SEQ + 40) | 0);
  });

  it('CHIM-RCV-013: a push request that comes with data in it starts the push timer at once', () => {
    const { world, connection } = start();
    const [nbl] = connection.post([100]);
    must(nbl).tcpReceiveBytesTransferred = 5;
    world.settle();
    world.runtime.advance(PUSH_MS);
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 0]]);
  });

  it('a request with less memory than it claims is completed with what it holds', () => {
    const { world, connection, wire } = start();
    const [nbl] = connection.post([100]);
    must(must(must(nbl).firstNetBuffer).mdlChain).byteCount = 30;
    wire.arrive(50);
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 30]]);
    expectBytes(connection.received, pattern(50));
  });
});

describe('indications', () => {
  it('CHIM-RXI-001, CHIM-RXI-002: data that no request takes is indicated, as one NBL on as many MDLs as it takes', () => {
    const { world, connection, wire } = start();
    connection.post([10]);
    wire.arrive(10_000);
    const [indication] = world.host.of('indicate');
    expectBytes(must(indication).bytes, pattern(9990, 10));
    expect(must(indication).mdls).toBe(3);
    expect(world.host.calls.map(({ call }) => call).filter((call) => call === 'receive' || call === 'indicate')).toEqual(['receive', 'indicate']);
    expectBytes(connection.received, pattern(10_000));
  });

  it('GV-RXI-1, CHIM-RXI-004: what follows the accepted part is kept, and delivered once', () => {
    const { world, connection, wire } = start();
    world.host.appetite = () => 400;
    wire.arrive(1000);
    expect(world.host.of('indicate')).toHaveLength(1);
    connection.post([600]);
    world.settle();
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 600]]);
    expect(world.host.of('indicate')).toHaveLength(1);
    expectBytes(connection.received, pattern(1000));
    expect(world.ndis.outstanding.netBufferLists).toBe(2);
  });

  it('a request posted while data is refused gets that data', () => {
    const { world, connection, wire } = start();
    world.host.appetite = () => 0;
    world.host.during = ({ call }) => {
      if (call === 'indicate') connection.post([200]);
    };
    wire.arrive(200);
    expect(outcome(world.host.completed('receive'))).toEqual([[NDIS_STATUS_SUCCESS, 200]]);
    expect(world.host.deepestReceiveCall).toBe(1);
    expectBytes(connection.received, pattern(200));
  });

  it('CHIM-RXI-006: an accepted NBL is not touched until it comes back', () => {
    const { world, wire } = start();
    world.host.keepsIndicated = true;
    for (let i = 0; i < 5; i++) wire.arrive(1000);
    expectBytes(concat(world.host.kept.map((nbl) => must(must(nbl.firstNetBuffer).mdlChain).buffer.slice(0, 1000))), pattern(5000));
    world.host.keepsIndicated = false;
    for (const nbl of world.host.kept.splice(0)) world.host.binding.offloadTcpReceiveReturn(nbl);
    wire.arrive(1000);
    expect(world.ndis.violationCount).toBe(0);
  });

  it('CHIM-RXI-010: indications have the size the host prefers', () => {
    const world = new World();
    const connection = world.offload({ cached: (cached) => (cached.rcvIndicationSize = 100) });
    new Arrivals(connection).arrive(250);
    expect(world.host.of('indicate').map(({ bytes }) => bytes.length)).toEqual([100, 100, 50]);
    expectBytes(connection.received, pattern(250));
  });

  it('GV-RXI-5: with no preference, segments that arrive together go up together', async () => {
    const world = new World({ maxSegmentBytes: 100 });
    const { connection, peer } = await world.connect();
    await world.until(peer.write(pattern(4000)));
    expect(world.host.of('indicate').map(({ bytes }) => bytes.length)).toEqual([4000]);
    expectBytes(connection.received, pattern(4000));
  });

  it('CHIM-RXI-007: later data waits behind what was refused', () => {
    const { world, connection, wire } = start();
    world.host.appetite = () => 0;
    wire.arrive(100);
    world.host.appetite = (bytes) => bytes.length;
    for (let i = 0; i < 3; i++) wire.arrive(100);
    connection.post([150]);
    world.settle();
    expectBytes(connection.received, pattern(400));
    expect(world.host.of('indicate').map(({ bytes }) => bytes.length)).toEqual([0, 250]);
  });

  it('a host that drops MDLs while it consumes does not cost the target its memory', () => {
    const { world, wire } = start();
    world.host.keepsIndicated = true;
    wire.arrive(9000);
    const [nbl] = world.host.kept.splice(0);
    const pages = buffersOf(must(nbl));
    expect(pages.size).toBe(3);
    world.ndis.advanceNetBufferDataStart(must(must(nbl).firstNetBuffer), 9000, true);
    world.host.binding.offloadTcpReceiveReturn(must(nbl));
    wire.arrive(9000);
    const [again] = world.host.kept;
    for (const buffer of buffersOf(must(again))) expect(pages.has(buffer)).toBe(true);
    world.host.binding.offloadTcpReceiveReturn(must(again));
    expect(world.ndis.violationCount).toBe(0);
  });
});

describe('the receive window', () => {
  it('a peer waits while the host wants nothing, and goes on when it posts', async () => {
    const world = new World({ bufferBytes: 1000 });
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    let isTaken = false;
    void peer.write(pattern(5000)).then(() => (isTaken = true));
    await world.drain();
    expect(connection.delegated).toMatchObject({ rcvWnd: 0, receiveBacklogSize: 1000, rcvNxt: (FIRST_RECEIVE_SEQ + 1000) | 0 });
    expect(isTaken).toBe(false);
    expect(peer.bytesSent).toBe(1000);
    connection.post([5000]);
    await world.drain();
    expect(isTaken).toBe(true);
    expectBytes(connection.received, pattern(5000));
  });

  it('a window that opens a little is not advertised, one that opens enough is', async () => {
    const world = new World({ bufferBytes: 1000, maxSegmentBytes: 100 });
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    void peer.write(pattern(2000));
    await world.drain();
    connection.post([199]);
    await world.drain();
    expect(peer.bytesSent).toBe(1000);
    connection.post([1]);
    await world.drain();
    expect(peer.bytesSent).toBe(1200);
  });
});
