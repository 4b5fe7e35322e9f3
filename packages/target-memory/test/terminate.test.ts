import {
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  OFFLOAD_STATE_TYPE,
  TCP_OFFLOAD_CONNECTION_STATE as STATE,
  TIMEOUT_DELTA_NOT_RUNNING,
  netBufferListBytes,
  netBufferListDataLength,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { chainOf, concat, createNbl, createPieces, expectBytes, expectSame, free, must, pattern, placedBytes, readAll, reference, type Uploaded } from './host-connection.ts';
import { FIRST_RECEIVE_SEQ, FIRST_SEND_SEQ, World, link, row } from './world.ts';

const UPLOAD = NDIS_STATUS_UPLOAD_IN_PROGRESS;

describe('terminate', () => {
  it('GV-TRM-1, CHIM-TRM-007, CHIM-TRM-009: sends that are not acknowledged come back in the chain, from the first such byte on', async () => {
    const world = new World({ peerWindowBytes: 1200 });
    const { connection } = await world.connect();
    const [a, b, c] = connection.send(createNbl(world, pattern(1000)), createNbl(world, pattern(1000, 1000)), createNbl(world, pattern(1000, 2000)));
    world.settle();
    const { chain, delegated, block } = connection.terminate();
    expect(block.status).toBe(NDIS_STATUS_SUCCESS);
    expectSame(world.host.completed('send'), [a]);
    expectSame(chain, [b, c]);
    expectBytes(concat(chain.map(netBufferListBytes)), pattern(1800, 1200));
    expect(delegated).toMatchObject({ sndUna: (FIRST_SEND_SEQ + 1200) | 0, sndNxt: (FIRST_SEND_SEQ + 1200) | 0, sndMax: (FIRST_SEND_SEQ + 1200) | 0 });
    expect(delegated.sendDataHead === b && delegated.sendDataTail === c).toBe(true);
    free(world, [must(a), must(b), must(c)]);
    world.expectClean();
  });

  it('CHIM-TRM-007: with an NBL of several NET_BUFFERs among them, they are completed, with what was acknowledged', async () => {
    const world = new World({ peerWindowBytes: 1200 });
    const { connection } = await world.connect();
    const nbls = [createNbl(world, pattern(1000)), createPieces(world, [pattern(150), pattern(150)], 20), createNbl(world, pattern(5))];
    connection.send(...nbls);
    world.settle();
    const { chain, delegated } = connection.terminate();
    expectSame(chain, []);
    expectSame(world.host.completed('send'), nbls);
    expect(nbls.map((nbl) => [nbl.status, nbl.tcpOffloadBytesTransferred, netBufferListDataLength(nbl)])).toEqual([
      [NDIS_STATUS_SUCCESS, 1000, 0],
      [UPLOAD, 200, 100],
      [UPLOAD, 0, 5],
    ]);
    // The host sends it again from there.
    expect(delegated).toMatchObject({ sndUna: (FIRST_SEND_SEQ + 1200) | 0, sndNxt: (FIRST_SEND_SEQ + 1200) | 0, sendDataHead: null, sendDataTail: null });
    free(world, nbls);
    world.expectClean();
  });

  it('what is on its way is returned as sent', async () => {
    const world = new World({ latencyMs: 10 });
    const { connection } = await world.connect();
    connection.send(createNbl(world, pattern(100)));
    world.settle();
    const { delegated, chain } = connection.terminate();
    expect(chain).toHaveLength(1);
    expect(delegated).toMatchObject({ sndUna: FIRST_SEND_SEQ, sndNxt: (FIRST_SEND_SEQ + 100) | 0, sndMax: (FIRST_SEND_SEQ + 100) | 0 });
  });

  it('the data of a disconnect goes back with the disconnect: what counts as sent ends with the chain', async () => {
    const world = new World({ latencyMs: 10 });
    const { connection } = await world.connect();
    connection.send(createNbl(world, pattern(10)));
    const disconnect = connection.close(pattern(7));
    world.settle();
    const { delegated, chain } = connection.terminate();
    expect([chain.length, disconnect.status, disconnect.tcpOffloadBytesTransferred]).toEqual([1, UPLOAD, 0]);
    expect(delegated).toMatchObject({ state: STATE.TcpConnectionFinWait1, sndNxt: (FIRST_SEND_SEQ + 10) | 0, sndMax: (FIRST_SEND_SEQ + 18) | 0 });
  });

  it('CHIM-TRM-005, CHIM-RCV-011: requests end with UPLOAD_IN_PROGRESS and what is in them, before the completion', async () => {
    const world = new World({ maxSegmentBytes: 10, peerWindowBytes: 5 });
    const { connection, peer } = await world.connect();
    const [first, second] = connection.post([100, 100], true);
    await world.until(peer.write(pattern(30)));
    connection.send(createNbl(world, pattern(10)));
    const disconnect = connection.close(pattern(7));
    world.settle();
    const { chain } = connection.terminate();
    expect(chain).toHaveLength(1);
    expect([first, second, disconnect].map((nbl) => [must(nbl).status, must(nbl).tcpOffloadBytesTransferred])).toEqual([[UPLOAD, 30], [UPLOAD, 0], [UPLOAD, 0]]);
    expectBytes(placedBytes(must(first)), pattern(30));
    expect(must(world.host.calls.at(-1)).call).toBe('terminate');
    expectSame(world.host.completed('receive'), [first, second]);
    expect(must(disconnect.firstNetBuffer).dataLength).toBe(7);
  });

  it('CHIM-RCV-003: a request that is posted when the upload is wanted ends after those posted before', async () => {
    const world = new World();
    const { connection } = await world.connect();
    const requests = connection.post([100, 100]);
    world.settle();
    world.target.uploadAll();
    world.settle();
    requests.push(...connection.post([100]), ...connection.post([100]));
    world.settle();
    connection.terminate();
    expectSame(world.host.completed('receive'), requests);
    expect(requests.map(({ status }) => status)).toEqual([UPLOAD, UPLOAD, UPLOAD, UPLOAD]);
    free(world, requests);
    world.expectClean();
  });

  it('CHIM-TRM-013: received data that was not delivered is handed up, and ends at RcvNxt', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    world.host.appetite = (bytes) => (bytes.length > 100 ? 100 : 0);
    await world.until(peer.write(pattern(10_000)));
    const { delegated, bufferedBytes } = connection.terminate();
    expectBytes(bufferedBytes, pattern(9900, 100));
    expect(delegated.rcvNxt).toBe((FIRST_RECEIVE_SEQ + 10_000) | 0);
    world.expectClean();
  });

  it('without a structure to hand it up in, undelivered data is offered once more, and sends are completed', async () => {
    const world = new World({ peerWindowBytes: 10 });
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    connection.send(createNbl(world, pattern(20)));
    await world.until(peer.write(pattern(50)));
    world.host.appetite = (bytes) => bytes.length;
    world.host.binding.terminateOffload(reference(OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, connection.handle));
    world.settle();
    expectBytes(connection.received, pattern(50));
    expect(world.host.completed('send').map(({ status }) => status)).toEqual([UPLOAD]);
    expect(world.ndis.violationCount).toBe(0);
  });

  it('CHIM-TRM-004, CHIM-TMR-006: delegated state is written, with no timer running; constant and cached state is not', () => {
    const world = new World();
    world.runtime.advance(5000);
    const connection = world.offload({
      delegated: (delegated) => {
        Object.assign(delegated, { cWnd: 11, ssThresh: 12, sRtt: 13, rttVar: 14, tsRecent: 15, tsRecentAge: 100, tsTime: 7000, dWnd: 16 });
        delegated.retransmit.timeoutDelta = 200;
        delegated.keepAlive.timeoutDelta = 300;
      },
    });
    world.runtime.advance(50);
    const { delegated } = connection.terminate();
    expect(delegated).toMatchObject({ state: STATE.TcpConnectionEstablished, cWnd: 11, ssThresh: 12, sRtt: 13, rttVar: 14, tsRecent: 15, dWnd: 16 });
    // CHIM-TS-004: 50 ticks have passed.
    expect(delegated).toMatchObject({ tsRecentAge: 150, tsTime: 7050 });
    expect([delegated.retransmit.timeoutDelta, delegated.keepAlive.timeoutDelta]).toEqual([TIMEOUT_DELTA_NOT_RUNNING, TIMEOUT_DELTA_NOT_RUNNING]);
  });

  it('gives a whole tree back at once, placeholders included', () => {
    const world = new World({ connectionCapacity: 2 });
    const tcp = [world.tcp({ localPort: 1 }), world.tcp({ localPort: 2 })];
    const path = world.path(false, ...tcp);
    const neighbor = world.neighbor(path);
    world.host.binding.initiateOffload(neighbor);
    world.settle();
    const handles = [neighbor, path, ...tcp].map(({ offloadHandle }) => must(offloadHandle));
    const blocks = handles.map((handle, index) =>
      reference([OFFLOAD_STATE_TYPE.NeighborOffloadDelegatedState, OFFLOAD_STATE_TYPE.Ip4OffloadDelegatedState][index] ?? OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, handle),
    );
    link(must(blocks[1]), blocks.slice(2));
    link(must(blocks[0]), [must(blocks[1])]);
    world.host.binding.terminateOffload(must(row([must(blocks[0])])));
    world.settle();
    expect(blocks.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
    expect(handles.map(({ state }) => state)).toEqual(['dead', 'dead', 'dead', 'dead']);
    // CHIM-TRM-014: their room is free again.
    world.offload({ localPort: 3 });
    world.offload({ localPort: 4 });
    world.expectClean();
  });

  it('may come from inside any call that comes up', async () => {
    for (const when of ['indicate', 'receive', 'send', 'event'] as const) {
      const world = new World();
      const { connection, peer } = await world.connect();
      let block: Uploaded['block'] | null = null;
      world.host.during = ({ call }) => {
        if (call !== when || block !== null) return;
        block = reference(OFFLOAD_STATE_TYPE.TcpOffloadDelegatedState, connection.handle);
        world.host.binding.terminateOffload(block);
      };
      if (when === 'receive') connection.post([10]);
      connection.send(createNbl(world, pattern(10)));
      void peer.write(pattern(100)).catch(() => undefined);
      void peer.end().catch(() => undefined);
      await world.drain();
      expect(world.host.of('terminate')).toHaveLength(1);
      expect(connection.handle.state).toBe('dead');
      expect(world.ndis.violationCount).toBe(0);
    }
  });
});

describe('a peer whose connection is uploaded', () => {
  /** Offers the connection again as it came back. */
  function offloadAgain(world: World, { delegated, chain, bufferedBytes }: Uploaded): ReturnType<World['offload']> {
    return world.offload({
      chain: chainOf(chain),
      bufferedData: bufferedBytes.length === 0 ? null : createNbl(world, bufferedBytes),
      delegated: (again) => {
        again.copyFrom(delegated);
        again.bufferedData = bufferedBytes.length === 0 ? null : createNbl(world, bufferedBytes);
      },
    });
  }

  it('does not notice: both streams go on where they were when the connection comes back', async () => {
    for (const latencyMs of [0, 5]) {
      const world = new World({ latencyMs, peerWindowBytes: 3000, bufferBytes: 700 });
      const { connection, peer } = await world.connect();
      world.host.appetite = () => 0;
      connection.send(createNbl(world, pattern(2000)), createNbl(world, pattern(3000, 2000)), createNbl(world, pattern(1000, 5000)));
      const isWritten = world.until(peer.write(pattern(2000))).catch(() => 'pending');
      await isWritten;
      await world.pass(7);
      const uploaded = connection.terminate();
      expect(peer.state).toBe('uploaded');
      expect(connection.received.length + uploaded.bufferedBytes.length).toBe(700);
      await world.pass(100);
      const reading = readAll(peer, 6000);
      await world.pass(100);
      world.host.appetite = (bytes) => bytes.length;
      const again = offloadAgain(world, uploaded);
      again.post([2000]);
      await world.pass(1000);
      expectBytes(await reading, pattern(6000));
      expectBytes(again.received, pattern(2000));
      expect(peer.state).toBe('open');
      expect(peer.bytesSent).toBe(2000);
      expect(world.host.completed('send').map(({ status }) => status)).toEqual([0, 0, 0]);
      expect(world.ndis.violationCount).toBe(0);
      let isOffered = false;
      void world.target.accept().then(() => (isOffered = true));
      await world.drain();
      expect(isOffered).toBe(false);
    }
  });

  it('has room again for what it read meanwhile', async () => {
    const world = new World({ peerWindowBytes: 3000 });
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(6000)));
    world.settle();
    const uploaded = connection.terminate();
    expectBytes(await readAll(peer, 3000), pattern(3000));
    offloadAgain(world, uploaded);
    await world.drain();
    expectBytes(await readAll(peer, 3000), pattern(3000, 3000));
  });

  it('sends its FIN again when that was on its way', async () => {
    const world = new World({ latencyMs: 5 });
    const { connection, peer } = await world.connect();
    const ended = peer.end();
    await world.pass(1);
    offloadAgain(world, connection.terminate());
    await world.pass(100);
    await ended;
    expect(world.host.of('event')).toHaveLength(1);
  });

  it('goes on as an echo as well', async () => {
    const world = new World({ peer: 'echo', latencyMs: 2 });
    const connection = world.offload();
    connection.send(createNbl(world, pattern(5000)));
    await world.pass(3);
    const uploaded = connection.terminate();
    const again = offloadAgain(world, uploaded);
    await world.pass(100);
    expectBytes(concat([connection.received, again.received]), pattern(5000));
  });

  it('is another one when the sequence numbers are others', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    await world.until(peer.write(pattern(10)));
    connection.terminate();
    // Offered with the first connection's initial numbers: what this peer sent was never received there.
    const { peer: newer } = await world.connect();
    expect(newer === peer).toBe(false);
    expect([peer.state, newer.state]).toEqual(['uploaded', 'open']);
  });

  it('ends with an error when its addresses and ports are taken, and when the last adapter goes', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    await world.until(peer.write(pattern(10)));
    connection.terminate();
    const first = expect(peer.read()).rejects.toThrow('taken over by another');
    const second = await world.connect();
    await world.until(second.peer.write(pattern(1)));
    second.connection.terminate();
    await first;
    const last = expect(second.peer.read()).rejects.toThrow('last adapter was halted');
    for (const handle of [connection, second.connection]) {
      world.host.binding.terminateOffload(
        link(reference(OFFLOAD_STATE_TYPE.NeighborOffloadDelegatedState, handle.neighborHandle), [reference(OFFLOAD_STATE_TYPE.Ip4OffloadDelegatedState, handle.pathHandle)]),
      );
    }
    world.settle();
    world.ndis.removeAdapter(world.miniport);
    await last;
    expect(world.ndis.violationCount).toBe(0);
  });

  it('is reset when that was asked for and the connection went before the RST could', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    await world.until(peer.write(pattern(1)));
    world.host.during = ({ call }) => {
      if (call === 'query') peer.reset();
    };
    // The terminate is behind the query of its path, in the same pass.
    world.host.binding.queryOffloadState(reference(OFFLOAD_STATE_TYPE.Ip4OffloadState, connection.pathHandle));
    connection.terminate();
    expect([peer.state, world.host.of('event').length]).toEqual(['reset', 0]);
  });

  it('is given up when there are too many', async () => {
    const world = new World({ connectionCapacity: 1 });
    const first = await world.connect({ localPort: 1 });
    await world.until(first.peer.write(pattern(1)));
    first.connection.terminate();
    const reading = expect(first.peer.read()).rejects.toThrow('given up for lack of room');
    const second = await world.connect({ localPort: 2 });
    second.connection.terminate();
    await reading;
    expect([first.peer.state, second.peer.state]).toEqual(['reset', 'uploaded']);
  });

  it('can be reset meanwhile', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.terminate();
    const reading = expect(peer.read()).rejects.toThrow('reset by its peer');
    peer.reset();
    await reading;
    expect(peer.state).toBe('reset');
  });
});
