import type { MemoryPeer } from '@ndis-chimney/target-memory';
import { describe, expect, it } from 'vitest';

import { concat, createNbl, expectBytes, free, must, pattern, readAll } from './host-connection.ts';
import { World } from './world.ts';

describe('a manual peer', () => {
  it('reads and writes a stream, each way to its end', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    const serve = async (): Promise<number> => {
      let chunks = 0;
      for await (const chunk of peer) {
        chunks++;
        await peer.write(chunk);
      }
      await peer.end();
      return chunks;
    };
    const served = serve();
    connection.send(createNbl(world, pattern(10)));
    await world.drain();
    connection.send(createNbl(world, pattern(20, 10)));
    connection.close();
    await world.drain();
    expect(await served).toBe(2);
    expectBytes(connection.received, pattern(30));
    expect([peer.state, peer.bytesReceived, peer.bytesSent]).toEqual(['closed', 30, 30]);
    free(world, [...world.host.completed('send'), ...world.host.completed('disconnect')]);
    world.expectClean();
  });

  it('says who it is', async () => {
    const world = new World();
    const { peer } = await world.connect({ localPort: 1234 });
    expect([peer.local, peer.remote]).toEqual([
      { address: '10.0.0.2', port: 80 },
      { address: '10.0.0.1', port: 1234 },
    ]);
    const { peer: six } = await world.connect({ isIPv6: true });
    expect([six.local.address, six.remote.address]).toEqual(['fd00::2', 'fd00::1']);
  });

  it('write lends the bytes, or copies them when asked', async () => {
    const world = new World({ latencyMs: 1 });
    const { connection, peer } = await world.connect();
    const bytes = pattern(10);
    void peer.write(bytes, { copy: true });
    bytes.fill(7);
    void peer.write(bytes);
    await world.pass(10);
    expectBytes(connection.received, concat([pattern(10), new Uint8Array(10).fill(7)]));
  });

  it('write resolves in order, also for no bytes', async () => {
    const world = new World({ latencyMs: 1, bufferBytes: 5 });
    const { connection, peer } = await world.connect();
    world.host.appetite = () => 0;
    const done: string[] = [];
    void peer.write(new Uint8Array(0)).then(() => done.push('nothing'));
    void peer.write(pattern(10)).then(() => done.push('ten'));
    void peer.write(new Uint8Array(0)).then(() => done.push('nothing more'));
    await world.pass(100);
    expect(done).toEqual(['nothing']);
    connection.post([10]);
    await world.pass(100);
    expect(done).toEqual(['nothing', 'ten', 'nothing more']);
  });

  it('refuses what is not bytes, and what comes after its end', async () => {
    const world = new World();
    const { peer } = await world.connect();
    await expect(peer.write('text' as unknown as Uint8Array)).rejects.toThrow(new TypeError('MemoryPeer.write: bytes is string, not a Uint8Array'));
    await world.until(peer.end());
    await world.until(peer.end());
    await expect(peer.write(pattern(1))).rejects.toThrow('10.0.0.2:80-10.0.0.1:40000: its peer writes after its end');
  });

  it('leaving a loop early closes nothing', async () => {
    const world = new World();
    const { connection, peer } = await world.connect();
    connection.send(createNbl(world, pattern(10)));
    world.settle();
    for await (const chunk of peer) {
      expect(chunk.length).toBe(10);
      break;
    }
    connection.send(createNbl(world, pattern(5)));
    expect((await world.until(readAll(peer, 5))).length).toBe(5);
  });

  it('an RST ends whatever waits, both ways', async () => {
    const world = new World();
    const { peer } = await world.connect();
    const waiting = [peer.read(), peer.write(pattern(1_000_000)), peer.end()].map((promise) => expect(promise).rejects.toThrow('was reset by its peer'));
    peer.reset();
    world.settle();
    await Promise.all(waiting);
    await expect(peer.read()).rejects.toThrow('was reset by its peer');
    peer.reset();
  });
});

describe('finding peers', () => {
  it('accept gives every connection once, oldest first, now or later', async () => {
    const world = new World();
    world.offload({ localPort: 1 });
    world.offload({ localPort: 2 });
    const first = await world.target.accept();
    const second = await world.target.accept();
    const third = world.target.accept();
    world.offload({ localPort: 3 });
    expect([first, second, await third].map(({ remote }) => remote.port)).toEqual([1, 2, 3]);
    expect(world.target.offloadedPeers().map(({ remote }) => remote.port)).toEqual([1, 2, 3]);
    expect(world.target.peerOf(2)).toBe(second);
    expect(world.target.peerOf(2, 81)).toBeNull();
  });

  it('peers are iterable, until the driver is unloaded', async () => {
    const world = new World();
    const ports: number[] = [];
    const loop = (async () => {
      for await (const peer of world.target.peers) ports.push(peer.remote.port);
    })();
    world.offload({ localPort: 1 }).terminate();
    await world.drain();
    expect(ports).toEqual([1]);
    const other = new World();
    const waiting = expect(other.target.accept()).rejects.toThrow('target-memory was unloaded');
    other.ndis.removeAdapter(other.miniport);
    other.ndis.deregisterMiniportDriver(other.driver);
    await waiting;
    const last = (async () => {
      for await (const peer of other.target.peers) return peer;
      return null;
    })();
    expect(await last).toBeNull();
    void loop;
  });

  it('a connection that was uploaded before anybody accepted it is not offered', async () => {
    const world = new World();
    world.offload({ localPort: 1 }).terminate();
    world.offload({ localPort: 2 });
    expect((await world.target.accept()).remote.port).toBe(2);
  });
});

describe('automatic peers', () => {
  it('echo sends every byte back, and the FIN after the last', async () => {
    const world = new World({ peer: 'echo', peerWindowBytes: 1000, latencyMs: 1, jitterMs: 3 });
    const connection = world.offload();
    connection.send(createNbl(world, pattern(20_000)));
    connection.close(pattern(10, 20_000));
    await world.pass(1000);
    expectBytes(connection.received, pattern(20_010));
    const endings = world.host.calls.slice(-3).map(({ call }) => call);
    // The peer's FIN is an event, and the last thing that happens; the acknowledgement of ours may come before or after.
    expect([endings.at(-1), endings.includes('disconnect')]).toEqual(['event', true]);
    expect(must(world.target.peerOf(40_000)).state).toBe('closed');
  });

  it('sink reads everything, and answers FIN with FIN', () => {
    const world = new World({ peer: 'sink', peerWindowBytes: 100 });
    const connection = world.offload();
    connection.send(createNbl(world, pattern(5000)));
    connection.close();
    world.settle();
    expect(world.target.offloadedPeers()[0]).toMatchObject({ bytesReceived: 5000, bytesSent: 0, state: 'closed' });
    expect(world.host.of('disconnect')).toHaveLength(1);
  });

  it('source sends what was ordered, then its FIN; the seed makes the bytes', () => {
    const receive = (seed: number): { received: Uint8Array; expected: Uint8Array } => {
      const world = new World({ peer: 'source', sourceBytes: 200_000 }, seed);
      const connection = world.offload();
      world.settle();
      expect(world.host.of('event')).toHaveLength(1);
      expect(world.target.offloadedPeers()[0]).toMatchObject({ bytesSent: 200_000 });
      return { received: connection.received, expected: world.target.sourcePattern(0, 200_000) };
    };
    const first = receive(1);
    expectBytes(first.received, first.expected);
    expectBytes(receive(1).received, first.received);
    expect(receive(2).received.slice(0, 100)).not.toEqual(first.received.slice(0, 100));
    expect(new World({ peer: 'source' }).target.sourcePattern(65_519, 4)).toHaveLength(4);
  });

  it('are not for reading and writing', async () => {
    const world = new World({ peer: 'sink' });
    const { peer } = await world.connect();
    const calls: ((peer: MemoryPeer) => Promise<unknown>)[] = [(it) => it.read(), (it) => it.write(pattern(1)), (it) => it.end()];
    for (const call of calls) await expect(call(peer)).rejects.toThrow(TypeError);
    peer.reset();
    world.settle();
    expect(peer.state).toBe('reset');
  });
});
