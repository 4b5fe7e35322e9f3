import { NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_CONNECTION_STATE, TCP_OFFLOAD_EVENT_TYPE, TCP_UPLOAD_REASON, type NetBufferList } from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { createNbl, expectBytes, expectSame, pattern } from './host-connection.ts';
import { FLAG, segment } from './segments.ts';
import { FIRST_RECEIVE_SEQ, FIRST_SEND_SEQ, World } from './world.ts';

const at = (offset: number): number => (FIRST_RECEIVE_SEQ + offset) | 0;
const statuses = (nbls: readonly NetBufferList[]): number[] => nbls.map(({ status }) => status);

describe('forward', () => {
  it('CHIM-FWD-004, CHIM-FWD-005: in-sequence segments are delivered as if they had come from the peer, and completed in order', () => {
    const world = new World();
    const connection = world.offload();
    connection.post([100]);
    const nbls = connection.forward(
      segment({ bytes: pattern(80) }),
      segment({ seq: at(80), bytes: pattern(40, 80), optionBytes: 12, flags: FLAG.ACK | FLAG.PSH }),
    );
    expect(world.host.of('forward')).toEqual([]);
    world.settle();
    expectSame(world.host.completed('forward'), nbls);
    expect(statuses(nbls)).toEqual([0, 0]);
    expectBytes(connection.received, pattern(120));
    expect(connection.delegated.rcvNxt).toBe(at(120));
  });

  it('what is out of sequence, for other ports, or no segment at all, is dropped', () => {
    const world = new World();
    const connection = world.offload();
    const tooLong = segment({ bytes: pattern(10) });
    tooLong[12] = 0xF0;
    connection.forward(
      segment({ seq: at(1), bytes: pattern(10) }),
      segment({ seq: at(-20), bytes: pattern(10) }),
      segment({ sourcePort: 81, bytes: pattern(10) }),
      segment({ destinationPort: 1, bytes: pattern(10) }),
      segment({ seq: at(1), flags: FLAG.SYN, bytes: pattern(10) }),
      new Uint8Array(19),
      tooLong,
    );
    world.settle();
    expect(statuses(world.host.completed('forward'))).toEqual(Array(7).fill(NDIS_STATUS_SUCCESS));
    expect(world.host.of('indicate')).toEqual([]);
    expect(connection.delegated.rcvNxt).toBe(at(0));
  });

  it('of a segment that overlaps what is known, only the new part is delivered', () => {
    const world = new World();
    const connection = world.offload();
    connection.forward(segment({ bytes: pattern(100) }), segment({ seq: at(60), bytes: pattern(80, 60) }));
    world.settle();
    expectBytes(connection.received, pattern(140));
  });

  it('the peer goes on behind what was forwarded', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.forward(segment({ bytes: pattern(100) }));
    await world.drain();
    await world.until(peer.write(pattern(50, 100)));
    expectBytes(connection.received, pattern(150));
    expect(peer.bytesSent).toBe(50);
  });

  it('a forwarded FIN closes the half connection', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.forward(segment({ bytes: pattern(5), flags: FLAG.ACK | FLAG.FIN }));
    await world.drain();
    expect(world.host.of('event').map(({ type }) => type)).toEqual([TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect]);
    expect(connection.delegated.rcvNxt).toBe(at(6));
    await world.until(peer.end());
    await expect(peer.write(pattern(1))).rejects.toThrow('writes after its end');
  });

  it('GV-EVT-1: a forwarded RST counts at RcvNxt only', () => {
    const world = new World();
    const connection = world.offload();
    connection.forward(segment({ seq: at(-1), flags: FLAG.RST }), segment({ seq: at(200), flags: FLAG.RST }));
    world.settle();
    expect(world.host.of('event')).toEqual([]);
    connection.forward(segment({ flags: FLAG.RST }), segment({ bytes: pattern(1) }));
    world.settle();
    expect(world.host.of('event').map(({ type }) => type)).toEqual([TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort]);
    expect(statuses(world.host.completed('forward')).slice(2)).toEqual([0, -1073676276]);
  });

  it('a forwarded RST is one of the peer: who waits for it hears of it', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    const read = peer.read();
    connection.forward(segment({ flags: FLAG.RST }));
    await expect(world.until(read)).rejects.toThrow('was reset by its peer');
    expect(world.host.of('event').map(({ type }) => type)).toEqual([TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort]);
  });

  it('a segment is dropped that acknowledges what was never sent, or what is long gone', () => {
    const world = new World();
    const connection = world.offload();
    connection.forward(segment());
    world.settle();
    const { maxSndWnd } = connection.delegated;
    connection.forward(
      segment({ ack: (FIRST_SEND_SEQ + 1) | 0, bytes: pattern(10) }),
      segment({ ack: (FIRST_SEND_SEQ - maxSndWnd - 1) | 0, bytes: pattern(10), flags: FLAG.ACK | FLAG.URG }),
    );
    world.settle();
    expect(statuses(world.host.completed('forward'))).toEqual(Array(3).fill(NDIS_STATUS_SUCCESS));
    expect(world.host.of('event')).toEqual([]);
    expect(connection.delegated.rcvNxt).toBe(at(0));
    connection.forward(segment({ ack: (FIRST_SEND_SEQ - maxSndWnd) | 0, bytes: pattern(10) }));
    world.settle();
    expectBytes(connection.received, pattern(10));
  });

  it('CHIM-EVT-005: after a SYN in sequence the connection goes back in CLOSED, half closed or not, and the peer gets no RST', async () => {
    for (const flags of [FLAG.ACK, FLAG.ACK | FLAG.FIN]) {
      const world = new World();
      const { connection, peer } = await world.connect();
      const fin = flags & FLAG.FIN;
      connection.forward(segment({ flags }), segment({ seq: at(fin), flags: FLAG.SYN }), segment({ seq: at(fin), bytes: pattern(10) }));
      world.settle();
      const retrieve = world.host.of('event').filter(({ type }) => type === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve);
      expect(retrieve.map(({ information }) => information)).toEqual([TCP_UPLOAD_REASON.UploadRequested]);
      expect(connection.terminate().delegated.state).toBe(TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed);
      expect(peer.state).not.toBe('reset');
    }
  });

  it('CHIM-EVT-011: urgent data is left to the host, and the upload is asked for', () => {
    const world = new World();
    const connection = world.offload();
    connection.forward(segment({ bytes: pattern(10) }), segment({ seq: at(10), bytes: pattern(10, 10), flags: FLAG.ACK | FLAG.URG }), segment({ seq: at(20), bytes: pattern(1) }));
    world.settle();
    expect(statuses(world.host.completed('forward'))).toEqual([NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, NDIS_STATUS_UPLOAD_IN_PROGRESS]);
    expect(world.host.of('event').map(({ information }) => information)).toEqual([TCP_UPLOAD_REASON.ReceivedUrgentData]);
    expect(connection.terminate().delegated.rcvNxt).toBe(at(10));
    expectBytes(connection.received, pattern(10));
  });

  it('bytes that are forwarded while the peer sends them are delivered once', async () => {
    const world = new World({ latencyMs: 5 });
    const { connection, peer } = await world.connect();
    const written = peer.write(pattern(100));
    await world.pass(1);
    connection.forward(segment({ bytes: pattern(60) }));
    await world.pass(100);
    await written;
    await Promise.all([peer.write(pattern(20, 100)), world.pass(100)]);
    expectBytes(connection.received, pattern(120));
    expect(peer.bytesSent).toBe(120);
  });

  it('bytes that the peer sends before it hears that they were forwarded are delivered once', async () => {
    const world = new World({ latencyMs: 5 });
    const { connection, peer } = await world.connect();
    connection.forward(segment({ bytes: pattern(60) }));
    await world.pass(2);
    void peer.write(pattern(100));
    await world.pass(100);
    void peer.write(pattern(20, 100));
    await world.pass(100);
    expectBytes(connection.received, pattern(120));
  });

  it('what is beyond the window is not taken', () => {
    const world = new World({ bufferBytes: 50 });
    const connection = world.offload();
    connection.forward(segment({ bytes: pattern(80), flags: FLAG.ACK | FLAG.FIN }));
    world.settle();
    expectBytes(connection.received, pattern(50));
    expect(world.host.of('event')).toEqual([]);
  });

  it('acknowledgments count as far as the peer has received', async () => {
    const world = new World({ latencyMs: 5 });
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(40)));
    await world.pass(1);
    connection.forward(segment({ ack: (FIRST_SEND_SEQ + 40) | 0 }));
    await world.pass(1);
    expect(world.host.of('send')).toEqual([]);
    await world.pass(4);
    expect(peer.bytesReceived).toBe(40);
    connection.forward(segment({ ack: (FIRST_SEND_SEQ + 40) | 0 }));
    world.settle();
    expect(world.host.of('send')).toHaveLength(1);
  });

  it('a write that cannot be delivered because a FIN was forwarded fails', async () => {
    const world = new World({ bufferBytes: 10 });
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    const failing = expect(peer.write(pattern(20))).rejects.toThrow('a FIN of its peer was forwarded');
    await world.drain();
    world.host.appetite = (bytes) => bytes.length;
    connection.post([10]);
    connection.forward(segment({ seq: at(10), flags: FLAG.ACK | FLAG.FIN }));
    await world.drain();
    await failing;
  });
});
