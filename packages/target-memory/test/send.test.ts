import { NDIS_STATUS_SUCCESS, netBufferListDataLength, type NetBufferList } from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { createNbl, createPieces, expectBytes, expectSame, free, must, pattern, readAll } from './host-connection.ts';
import { FIRST_SEND_SEQ, World } from './world.ts';

const MSS = 1460;

describe('send', () => {
  it('CHIM-SND-006: bytes reach the peer in list order and in call order', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(MSS)), createNbl(world, pattern(1, MSS)));
    connection.send(createNbl(world, pattern(3 * MSS + 7, MSS + 1)));
    world.settle();
    const total = 4 * MSS + 8;
    expectBytes(await world.until(readAll(peer, total)), pattern(total));
    expect(peer.bytesReceived).toBe(total);
    free(world, world.host.completed('send'));
    world.expectClean();
  });

  it.each([0, 1, MSS - 1, MSS, MSS + 1, 10 * MSS])('CHIM-SND-010: an NBL of %i bytes completes with all of them transferred and its data start behind them', (length) => {
    const world = new World({ peer: 'sink' });
    const connection = world.offload();
    const [nbl] = connection.send(createNbl(world, pattern(length)));
    world.settle();
    expectSame(world.host.completed('send'), [nbl]);
    expect(must(nbl).status).toBe(NDIS_STATUS_SUCCESS);
    expect(must(nbl).tcpOffloadBytesTransferred).toBe(length);
    expect(must(nbl).firstNetBuffer).toMatchObject({ dataLength: 0, dataOffset: length });
    expect(connection.delegated.sndUna).toBe((FIRST_SEND_SEQ + length) | 0);
  });

  it('CHIM-SND-010: every NET_BUFFER of an NBL is advanced by its own bytes, over chains of MDLs', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    const pieces = [pattern(100), pattern(0, 100), pattern(2000, 100), pattern(1, 2100), pattern(50, 2101)];
    const nbl = createPieces(world, pieces, 7);
    connection.send(nbl);
    world.settle();
    expectBytes(await world.until(readAll(peer, 2151)), pattern(2151));
    expect(nbl.tcpOffloadBytesTransferred).toBe(2151);
    expect(netBufferListDataLength(nbl)).toBe(0);
    for (let nb = nbl.firstNetBuffer, i = 0; nb !== null; nb = nb.next, i++) expect(nb.dataOffset).toBe(must(pieces[i]).length);
    free(world, [nbl]);
    world.expectClean();
  });

  it('CHIM-SND-007: an NBL completes when its last byte is acknowledged, twice the latency after it was sent, not before', async () => {
    const world = new World({ latencyMs: 10 });
    const { connection } = await world.connect();
    connection.send(createNbl(world, pattern(5)));
    await world.pass(19.9);
    expect(world.host.of('send')).toEqual([]);
    expect(connection.delegated.sndUna).toBe(FIRST_SEND_SEQ);
    await world.pass(0.1);
    expect(world.host.of('send')).toHaveLength(1);
    expect(connection.delegated.sndUna).toBe((FIRST_SEND_SEQ + 5) | 0);
  });

  it('CHIM-SND-007: with no room at the peer, what fits is acknowledged and the rest waits until somebody reads', async () => {
    const world = new World({ peerWindowBytes: 1500 });
    const { connection, peer } = await world.connect();
    const nbls = connection.send(createNbl(world, pattern(1000)), createNbl(world, pattern(1000, 1000)), createNbl(world, pattern(1000, 2000)));
    world.settle();
    expectSame(world.host.completed('send'), [nbls[0]]);
    expect(connection.delegated).toMatchObject({ sndUna: (FIRST_SEND_SEQ + 1500) | 0, sndNxt: (FIRST_SEND_SEQ + 1500) | 0, sndWnd: 0 });
    expectBytes(await world.until(readAll(peer, 3000)), pattern(3000));
    await world.drain();
    expectSame(world.host.completed('send'), nbls);
    free(world, nbls);
    world.expectClean();
  });

  it('CHIM-SND-011: NBLs without data complete in their turn, with those before and after them', async () => {
    const world = new World({ peerWindowBytes: 1 });
    const { connection, peer } = await world.connect();
    const nbls = connection.send(...[0, 0, 2, 0, 1, 0].map((length) => createNbl(world, pattern(length))));
    world.settle();
    expectSame(world.host.completed('send'), nbls.slice(0, 2));
    expect((await world.until(readAll(peer, 2))).length).toBe(2);
    await world.drain();
    expectSame(world.host.completed('send'), nbls);
    expect(world.host.completed('send').map((nbl) => nbl.tcpOffloadBytesTransferred)).toEqual([0, 0, 2, 0, 1, 0]);
  });

  it('completions of several calls and connections that end together go back in one call', () => {
    const world = new World({ peer: 'sink' });
    const connections = [1, 2, 3].map((port) => world.offload({ localPort: port }));
    const nbls: NetBufferList[] = [];
    for (const connection of connections) {
      nbls.push(...connection.send(createNbl(world, pattern(10)), createNbl(world, pattern(10))));
      nbls.push(...connection.send(createNbl(world, pattern(10))));
    }
    world.settle();
    expect(world.host.of('send')).toHaveLength(1);
    expectSame(world.host.completed('send'), nbls);
  });

  it('CHIM-SND-001: a send that was passed down is not over before a DPC has run', () => {
    const world = new World({ peer: 'sink' });
    const connection = world.offload();
    connection.send(createNbl(world, pattern(0)));
    expect(world.host.of('send')).toEqual([]);
    world.settle();
    expect(world.host.of('send')).toHaveLength(1);
  });

  it('segments are no longer than the peer announced and the path admits', () => {
    const world = new World({ peer: 'sink', maxSegmentBytes: 1460 });
    const small = world.offload({ localPort: 1, const: (state) => (state.remoteMss = 536) });
    small.send(createNbl(world, pattern(1072)));
    world.settle();
    expect(small.delegated.sndUna).toBe((FIRST_SEND_SEQ + 1072) | 0);
  });

  it('with no latency a segment makes one hop in one pass: out, acknowledged, completed', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(10)));
    const seen: string[] = [];
    while (world.runtime.dpcQueue.runPass()) seen.push(`${peer.bytesReceived} ${world.host.of('send').length}`);
    expect(seen.slice(0, 3)).toEqual(['0 0', '10 0', '10 1']);
  });

  it('no timer runs when there is no latency', () => {
    const world = new World({ peer: 'echo' });
    const connection = world.offload();
    connection.post([100]);
    connection.send(createNbl(world, pattern(100)));
    world.settle();
    expect(world.runtime.clock.pendingTimers).toBe(0);
    expect(world.host.completed('receive')).toHaveLength(1);
  });
});
