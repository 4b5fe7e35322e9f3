import { NDIS_STATUS_SUCCESS, TCP_OFFLOAD_CONNECTION_STATE, formatNdisStatus, type TcpOffloadStateCached, type TcpOffloadStateConst } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { HUNGRY } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { concat, type WorldConnection } from '../world/world-connection.ts';
import { checkGivenBack } from './given-back.ts';
import { sendBeyondWindow } from './outcomes.ts';
import { untilCounted } from './received.ts';
import type { TargetCase } from './target-case.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** Cached values, all different, that no traffic gives a reason to change. */
const CACHED = { rcvIndicationSize: 2000, kaProbeCount: 7, kaTimeout: 7_200_000, kaInterval: 1001, maxRT: 90_000, flowLabel: 0x12345, ttlOrHopLimit: 63, tosOrTrafficClass: 8, userPriority: 3, initialRcvWnd: 60_000 } as const;
/** The same of constant values. */
const CONSTANT = { remotePort: 8080, remoteMss: 1400, sndWindScale: 1, rcvWindScale: 2, hashValue: 0x1234_5678 } as const;

function valuesOf(names: object, state: TcpOffloadStateCached | TcpOffloadStateConst | null): Record<string, unknown> {
  return Object.fromEntries(Object.keys(names).map((name) => [name, (present(state) as unknown as Record<string, unknown>)[name]]));
}

/** The life of connections that are offloaded, taken back and offloaded again. */
export const stateCases: readonly TargetCase[] = [
  {
    id: 'target-state-life-cycle',
    title: 'An object is offloaded, queried, updated, invalidated and taken back, and stands at each step where it should',
    rules: ['CHIM-ST-001'],
    requirement: 'C-NDIS-ST',
    run: async (world) => {
      const connection = await world.connect();
      checkEqual([connection.handle.state, connection.handle.miniportOffloadContext === null], ['offloaded', false], 'where an object stands, and whether its cell is empty, after an initiate');
      const update = await connection.update((cached) => {
        cached.ttlOrHopLimit = 33;
      });
      checkEqual(formatNdisStatus(update), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of an update');
      checkEqual([connection.handle.state, connection.handle.invalid], ['offloaded', false], 'where an object stands after an update');
      checkEqual(formatNdisStatus(await connection.invalidate()), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of an invalidate');
      checkEqual([connection.handle.state, connection.handle.invalid], ['offloaded', true], 'where an object stands after an invalidate');
      const { cached, delegated } = await connection.query();
      checkEqual([cached?.ttlOrHopLimit, delegated?.state], [33, STATE.TcpConnectionEstablished], 'TtlOrHopLimit and State of an object that is invalid');
      await connection.terminate();
      checkEqual([connection.handle.state, connection.handle.miniportOffloadContext], ['dead', null], 'where an object stands, and what is in its cell, after a terminate');
    },
  },
  {
    id: 'target-state-invalid-goes-back',
    title: 'A connection that is invalid comes back with everything that was pending on it',
    rules: ['CHIM-ST-001', 'CHIM-ST-005', 'CHIM-TRM-007', 'CHIM-TRM-013'],
    requirement: 'C-NDIS-ST',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      world.host.appetite = () => 0;
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, 3000, 3000, 30);
      await world.wait(peer.write(pattern(0, 500)), 'the acknowledgment of what the host refuses');
      checkEqual(formatNdisStatus(await connection.invalidate()), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of an invalidate');
      const uploaded = await connection.terminate();
      checkGivenBack(connection, nbls, lengths, uploaded, { acked });
      checkBytes(concat([connection.received, uploaded.buffered]), pattern(0, 500), 'what the host got, and then BufferedData');
    },
  },
  {
    id: 'target-state-not-changed',
    title: 'Constant and cached values stay what the host has made them, whatever the traffic',
    rules: ['CHIM-ST-004'],
    requirement: 'C-NDIS-ST',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect({
        change: (state) => {
          Object.assign(present(state.cached), CACHED);
          Object.assign(present(state.const), CONSTANT);
        },
      });
      const checkUnchanged = async (when: string, expected: object): Promise<void> => {
        const state = await connection.query();
        checkEqual(valuesOf(CACHED, state.cached), expected, `cached values ${when}`);
        checkEqual(valuesOf(CONSTANT, state.const), CONSTANT, `constant values ${when}`);
        checkEqual(state.const?.localPort, connection.hostPort, `LocalPort ${when}`);
      };
      await checkUnchanged('of an idle connection', CACHED);
      const peer = await connection.peer();
      connection.send(pattern(0, 3000));
      await world.wait(peer.write(pattern(0, 9000)), 'the acknowledgment of what the far end sends');
      await world.read(peer, 3000);
      await checkUnchanged('after traffic both ways', CACHED);
      await connection.update((cached) => {
        cached.kaTimeout = 60_000;
      });
      await checkUnchanged('after an update of one', { ...CACHED, kaTimeout: 60_000 });
      connection.disconnect(pattern(3000, 1));
      await world.readToEnd(peer);
      await world.wait(peer.end(), 'the acknowledgment of the FIN of the far end');
      await checkUnchanged('when both ends have closed', { ...CACHED, kaTimeout: 60_000 });
    },
  },
  {
    id: 'target-state-kept',
    title: 'A connection stays with the target until it is taken back, though it was closed, reset or made invalid long before',
    rules: ['CHIM-ST-005', 'CHIM-ST-001'],
    requirement: 'C-NDIS-ST',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const endings: Record<string, (connection: WorldConnection) => Promise<unknown>> = {
        'a FIN of its peer': async (connection) => world.wait((await connection.peer()).end(), 'the acknowledgment of the FIN of the far end'),
        'an RST of its peer': async (connection) => {
          (await connection.peer()).reset();
        },
        'a graceful disconnect': (connection) => Promise.resolve(connection.disconnect(pattern(100, 10))),
        'an abortive disconnect': (connection) => Promise.resolve(connection.abort()),
        'an invalidate': (connection) => connection.invalidate(),
      };
      for (const [what, end] of Object.entries(endings)) {
        const connection = await world.connect();
        connection.send(pattern(0, 100));
        await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send');
        await end(connection);
        await world.advance(30_000);
        check(connection.isOffloaded, `the connection is no longer with the target after ${what}`);
        const { delegated } = await connection.query();
        const isClosing = what === 'a graceful disconnect';
        checkEqual((present(delegated).sndUna - connection.sndUna) | 0, isClosing ? 111 : 100, `numbers acknowledged, as a query says after ${what}`);
        const back = await connection.terminate();
        checkEqual((back.delegated.sndUna - connection.sndUna) | 0, isClosing ? 111 : 100, `numbers acknowledged, as a terminate says after ${what}`);
      }
    },
  },
  {
    id: 'target-state-received-stream',
    title: 'What the peer sends arrives once and in order, whatever the host posts, takes or refuses',
    rules: ['CHIM-ST-007'],
    requirement: 'C-NDIS-ST',
    requires: ['peer'],
    run: async (world) => {
      const random = world.runtime.random.fork('received stream');
      const connection = await world.connect();
      const peer = await connection.peer();
      const total = 60_000;
      let sent = 0;
      world.host.appetite = ({ length }) => [0, length, random.nextInt(length + 1)][random.nextInt(3)] ?? 0;
      while (sent < total) {
        const length = 1 + random.nextInt(5000);
        peer.write(pattern(sent, Math.min(length, total - sent))).catch(() => undefined);
        sent += Math.min(length, total - sent);
        await world.advance(random.nextInt(8));
        const size = 1 + random.nextInt(6000);
        if (random.nextInt(2) === 0) connection.post([size, 1 + random.nextInt(300)], { isNoPush: random.nextInt(2) === 0 });
      }
      world.host.appetite = HUNGRY;
      connection.post([1]);
      await untilCounted(connection, total);
      const { buffered, delegated } = await connection.terminate();
      checkBytes(concat([connection.received, buffered]), pattern(0, total), 'what the host got, and then BufferedData');
      checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, total, 'bytes received, as the RcvNxt of a terminate says');
    },
  },
  {
    id: 'target-state-streams-across-lives',
    title: 'Both streams of a connection go on without gap or duplicate while it is offloaded, taken back in the middle of it and offloaded again, many times',
    rules: ['CHIM-ST-007', 'CHIM-ST-008', 'CHIM-TRM-007', 'CHIM-TRM-009', 'CHIM-TRM-013', 'CHIM-SND-013', 'CHIM-INI-015'],
    requirement: 'C-NDIS-ST',
    requires: ['peer'],
    run: async (world) => {
      const random = world.runtime.random.fork('streams across lives');
      const rounds = 12;
      let sent = 0;
      let written = 0;
      const far: Uint8Array[] = [];
      let read = 0;
      const first = await world.connect();
      const lives: WorldConnection[] = [first];
      const peer = await first.peer();
      for (let round = 0; round < rounds; round++) {
        const connection = present(lives.at(-1));
        world.host.appetite = ({ length }) => [0, length, random.nextInt(length + 1)][random.nextInt(3)] ?? 0;
        for (let count = random.nextInt(4); count > 0; count--) {
          const [most, rest] = [random.nextInt(3000), random.nextInt(400)];
          connection.sendNbls(world.host.inPieces([pattern(sent, most), pattern(sent + most, rest)]));
          sent += most + rest;
        }
        for (let count = random.nextInt(3); count > 0; count--) {
          const length = 1 + random.nextInt(3000);
          peer.write(pattern(written, length)).catch(() => undefined);
          written += length;
        }
        if (random.nextInt(2) === 0) connection.post([1 + random.nextInt(4000)], { isNoPush: random.nextInt(2) === 0 });
        await world.advance(random.nextInt(25));
        const uploaded = await connection.terminate();
        // Of what was acknowledged, and has arrived therefore, somebody may read while the connection is the host's.
        const arrived = (uploaded.delegated.sndUna - first.sndUna) | 0;
        if (arrived > read && random.nextInt(2) === 0) far.push(await world.read(peer, arrived - read));
        read = far.reduce((sum, { length }) => sum + length, 0);
        lives.push(await world.reconnect(connection, uploaded));
      }
      const last = present(lives.at(-1));
      world.host.appetite = HUNGRY;
      last.post([1]);
      checkBytes(concat([...far, await world.read(peer, sent - read)]), pattern(0, sent), 'what the far end got in all lives of a connection');
      await untilReceived(world, lives, written, 'all that the far end sent');
      checkBytes(concat(lives.map(({ received }) => received)), pattern(0, written), 'what the host got in all lives of a connection');
    },
  },
];

/** Waits for so many bytes in all of these lives of a connection. A host that posts gets what it has refused. */
async function untilReceived(world: TargetWorld, lives: readonly WorldConnection[], count: number, what: string): Promise<void> {
  await world.until(() => lives.reduce((sum, { received }) => sum + received.length, 0) >= count, what);
}
