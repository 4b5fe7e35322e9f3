import {
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  OID_TCP4_OFFLOAD_STATS,
  NdisOidRequest,
  TCP_OFFLOAD_CONNECTION_STATE as STATE,
  TCP_OFFLOAD_EVENT_TYPE as EVENT,
  TCP_UPLOAD_REASON,
  type NetBufferList,
  type TcpOffloadStats,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { createNbl, expectBytes, expectSame, free, must, pattern, readAll } from './host-connection.ts';
import { FIRST_RECEIVE_SEQ, FIRST_SEND_SEQ, World } from './world.ts';

const OK = NDIS_STATUS_SUCCESS;
const ABORTED = NDIS_STATUS_REQUEST_ABORTED;

/** What came up, as words. */
function story(world: World): string[] {
  return world.host.calls.flatMap((call) => {
    if (call.call === 'event') return [`event ${call.type} ${call.information}`];
    if (call.call === 'send' || call.call === 'receive' || call.call === 'disconnect') {
      return call.nbls.map(({ status, tcpOffloadBytesTransferred }) => `${call.call} ${status === OK ? 'ok' : status === ABORTED ? 'aborted' : status} ${tcpOffloadBytesTransferred}`);
    }
    return call.call === 'indicate' ? [`indicate ${call.bytes.length}`] : [];
  });
}

describe('a graceful disconnect', () => {
  it('CHIM-DSC-006, CHIM-DSC-007, CHIM-DSC-010: sends go first, then its data, then the FIN; they complete in that order', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(3000)));
    const nbl = connection.close(pattern(500, 3000));
    world.settle();
    expectBytes(await world.until(readAll(peer, 3500)), pattern(3500));
    expect(await world.until(peer.read())).toBeNull();
    expect(story(world)).toEqual(['send ok 3000', 'disconnect ok 500']);
    expect(must(nbl.firstNetBuffer).dataLength).toBe(0);
    expect(connection.delegated).toMatchObject({ state: STATE.TcpConnectionFinWait2, sndUna: (FIRST_SEND_SEQ + 3501) | 0 });
    free(world, [nbl, ...world.host.completed('send')]);
    world.expectClean();
  });

  it('CHIM-DSC-008: it completes when the FIN is acknowledged, not before', async () => {
    const world = new World({ latencyMs: 10 });
    const { connection } = await world.connect();
    connection.close();
    await world.pass(19);
    expect(world.host.of('disconnect')).toEqual([]);
    expect(connection.delegated.state).toBe(STATE.TcpConnectionFinWait1);
    await world.pass(1);
    expect(story(world)).toEqual(['disconnect ok 0']);
  });

  it('CHIM-DSC-012: receiving goes on until the peer ends too; then TIME_WAIT asks for the upload (CHIM-EVT-013)', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.close();
    world.settle();
    await world.until(peer.write(pattern(10)));
    await world.until(peer.end());
    expectBytes(connection.received, pattern(10));
    expect(connection.delegated).toMatchObject({ state: STATE.TcpConnectionTimeWait, rcvNxt: (FIRST_RECEIVE_SEQ + 11) | 0 });
    expect(story(world)).toEqual([
      'disconnect ok 0',
      'indicate 10',
      `event ${EVENT.TcpIndicateDisconnect} 0`,
      `event ${EVENT.TcpIndicateRetrieve} ${TCP_UPLOAD_REASON.UploadRequested}`,
    ]);
    expect(peer.state).toBe('closed');
  });

  it('sends and disconnects after it are aborted at once', () => {
    const world = new World();
    const connection = world.offload();
    connection.close();
    const late = createNbl(world, pattern(10));
    // What an earlier request left there does not count.
    late.tcpOffloadBytesTransferred = 99;
    connection.send(late);
    connection.close();
    world.settle();
    expect(story(world).toSorted()).toEqual(['disconnect aborted 0', 'disconnect ok 0', 'send aborted 0']);
  });

  it('after the FIN of the peer it ends in CLOSED', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    await world.until(peer.end());
    expect(connection.delegated.state).toBe(STATE.TcpConnectionCloseWait);
    connection.close();
    world.settle();
    expect(story(world)).toEqual([`event ${EVENT.TcpIndicateDisconnect} 0`, 'disconnect ok 0']);
    expect(connection.delegated.state).toBe(STATE.TcpConnectionClosed);
  });

  it('with both ends closing at once it passes through CLOSING', async () => {
    const world = new World({ latencyMs: 10 });
    const { connection, peer } = await world.connect();
    connection.close();
    void peer.end();
    await world.pass(10);
    expect(connection.delegated.state).toBe(STATE.TcpConnectionClosing);
    await world.pass(10);
    expect(connection.delegated.state).toBe(STATE.TcpConnectionTimeWait);
  });
});

describe('an abortive disconnect', () => {
  it('CHIM-DSC-004, CHIM-DSC-011: pending sends and receives are aborted before it completes, and the peer is reset', async () => {
    const world = new World({ peerWindowBytes: 1500 });
    const { connection, peer } = await world.connect();
    connection.post([100, 100]);
    connection.send(createNbl(world, pattern(1000)), createNbl(world, pattern(1000)), createNbl(world, pattern(1000)));
    world.settle();
    connection.abort();
    world.settle();
    await expect(peer.read()).rejects.toThrow('10.0.0.2:80-10.0.0.1:40000 was reset by the host');
    expect(story(world)).toEqual(['send ok 1000', 'send aborted 500', 'send aborted 0', 'receive aborted 0', 'receive aborted 0', 'disconnect ok 0']);
    expect(connection.delegated.state).toBe(STATE.TcpConnectionClosed);
    expect(peer.state).toBe('reset');
  });

  it('CHIM-DSC-005: received data that was not delivered is gone, and nothing more is taken', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    await world.until(peer.write(pattern(100)));
    connection.abort();
    world.settle();
    expect(connection.terminate()).toMatchObject({ bufferedBytes: new Uint8Array(0), chain: [], delegated: { state: STATE.TcpConnectionClosed } });
    await expect(peer.write(pattern(1))).rejects.toThrow('reset by the host');
  });

  it('ends a graceful one that is pending', async () => {
    const world = new World({ peerWindowBytes: 10 });
    const { connection } = await world.connect();
    connection.send(createNbl(world, pattern(20)));
    connection.close();
    world.settle();
    connection.abort();
    world.settle();
    expect(story(world)).toEqual(['send aborted 10', 'disconnect aborted 0', 'disconnect ok 0']);
  });

  it('reaches the peer also when the connection goes back before the RST has arrived', async () => {
    const world = new World({ latencyMs: 10 });
    const { connection, peer } = await world.connect();
    const read = peer.read();
    connection.send(createNbl(world, pattern(10)));
    const nbl = connection.abort();
    world.settle();
    expect(story(world)).toEqual(['send aborted 0', 'disconnect ok 0']);
    connection.terminate();
    await expect(world.until(read)).rejects.toThrow('was reset by the host');
    free(world, [nbl, ...world.host.completed('send')]);
    world.expectClean();
  });

  it('CHIM-DSC-003: is the only thing that counts as a reset sent', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    const second = world.offload({ localPort: 2 });
    peer.reset();
    second.abort();
    world.settle();
    const request = new NdisOidRequest<TcpOffloadStats>();
    request.oid = OID_TCP4_OFFLOAD_STATS;
    world.host.binding.oidRequest(request);
    expect(request.informationBuffer).toMatchObject({ outResets: 1, resetEstablished: 2, currentlyEstablished: 0 });
    expect(connection.delegated.state).toBe(STATE.TcpConnectionClosed);
  });
});

describe('the end of the peer', () => {
  it('CHIM-EVT-001: a FIN is indicated when everything before it was consumed', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    void peer.write(pattern(100));
    void peer.end();
    await world.drain();
    expect(story(world)).toEqual(['indicate 0']);
    connection.post([60]);
    world.host.appetite = (bytes) => bytes.length;
    world.settle();
    expect(story(world)).toEqual(['indicate 0', 'receive ok 60', 'indicate 40', `event ${EVENT.TcpIndicateDisconnect} 0`]);
  });

  it('CHIM-RCV-006: a request with something in it is completed before the FIN is indicated; empty ones stay posted', async () => {
    const world = new World({ maxSegmentBytes: 50 });
    const { connection, peer } = await world.connect();
    connection.post([100, 100], true);
    void peer.write(pattern(30));
    void peer.end();
    await world.drain();
    expect(story(world)).toEqual(['receive ok 30', `event ${EVENT.TcpIndicateDisconnect} 0`]);
    connection.terminate();
    expect(world.host.completed('receive')).toHaveLength(2);
  });

  it('CHIM-EVT-002, GV-SND-7: an RST is indicated, and everything pending is aborted with what was acknowledged', async () => {
    const world = new World({ peerWindowBytes: 1500, maxSegmentBytes: 50 });
    const { connection, peer } = await world.connect();
    connection.post([100, 100], true);
    const nbls = connection.send(createNbl(world, pattern(1000)), createNbl(world, pattern(1000)), createNbl(world, pattern(1000)));
    void peer.write(pattern(130)).catch(() => undefined);
    await world.drain();
    connection.close();
    peer.reset();
    world.settle();
    expect(story(world)).toEqual([
      'receive ok 100',
      'send ok 1000',
      `event ${EVENT.TcpIndicateAbort} 0`,
      'send aborted 500',
      'send aborted 0',
      'disconnect aborted 0',
      'receive aborted 30',
    ]);
    expect(nbls.map((nbl) => must(nbl.firstNetBuffer).dataOffset)).toEqual([1000, 500, 0]);
    connection.send(createNbl(world, pattern(1)));
    connection.post([1]);
    connection.abort();
    world.settle();
    expect(story(world).slice(7)).toEqual(['send aborted 0', 'receive aborted 0', 'disconnect aborted 0']);
    const { delegated, chain } = connection.terminate();
    expect([delegated.state, chain]).toEqual([STATE.TcpConnectionClosed, []]);
  });

  it('an RST comes after the data that was sent before it', async () => {
    const world = new World({ latencyMs: 3, jitterMs: 3 });
    const { connection, peer } = await world.connect();
    void peer.write(pattern(5000)).catch(() => undefined);
    await world.drain();
    peer.reset();
    await world.pass(100);
    expectBytes(connection.received, pattern(5000));
    expect(world.host.of('event').map(({ type }) => type)).toEqual([EVENT.TcpIndicateAbort]);
  });
});

describe('connections offloaded while they close', () => {
  it.each([
    [STATE.TcpConnectionFinWait1, STATE.TcpConnectionFinWait2],
    [STATE.TcpConnectionClosing, STATE.TcpConnectionTimeWait],
    [STATE.TcpConnectionLastAck, STATE.TcpConnectionClosed],
  ])('in state %i: the FIN of the host reaches the peer, in flight or to be sent, and leads to state %i', async (state, next) => {
    for (const isSent of [true, false]) {
      const world = new World();
      const nbl: NetBufferList = createNbl(world, pattern(10));
      const { connection, peer } = await world.connect({
        chain: nbl,
        delegated: (delegated) => {
          delegated.state = state;
          delegated.sndMax = (FIRST_SEND_SEQ + 11) | 0;
          delegated.sndNxt = isSent ? delegated.sndMax : FIRST_SEND_SEQ;
        },
      });
      world.settle();
      expectBytes(await world.until(readAll(peer, 10)), pattern(10));
      expect(await world.until(peer.read())).toBeNull();
      expect(connection.delegated).toMatchObject({ state: next, sndUna: (FIRST_SEND_SEQ + 11) | 0 });
      expectSame(world.host.completed('send'), [nbl]);
    }
  });

  it('in CLOSE_WAIT the peer has ended, and receives find nothing', async () => {
    const world = new World();
    const { connection, peer } = await world.connect({ delegated: (delegated) => (delegated.state = STATE.TcpConnectionCloseWait) });
    connection.post([10]);
    connection.send(createNbl(world, pattern(10)));
    world.settle();
    expect(story(world)).toEqual(['receive -1073741436 0', 'send ok 10']);
    await expect(peer.write(pattern(1))).rejects.toThrow('writes after its end');
    expectBytes(await world.until(readAll(peer, 10)), pattern(10));
  });

  it('in CLOSE_WAIT with data the host has not delivered, the FIN is indicated after it', async () => {
    const world = new World();
    const { connection } = await world.connect({
      bufferedData: createNbl(world, pattern(10)),
      delegated: (delegated) => (delegated.state = STATE.TcpConnectionCloseWait),
    });
    expect(story(world)).toEqual([]);
    connection.post([10]);
    world.settle();
    expect(story(world)).toEqual(['receive ok 10', `event ${EVENT.TcpIndicateDisconnect} 0`]);
  });

  it('in FIN_WAIT_2 the host has ended, and the peer still sends', async () => {
    const world = new World();
    const { connection, peer } = await world.connect({ delegated: (delegated) => (delegated.state = STATE.TcpConnectionFinWait2) });
    expect(await world.until(peer.read())).toBeNull();
    await world.until(peer.write(pattern(10)));
    expectBytes(connection.received, pattern(10));
  });
});
