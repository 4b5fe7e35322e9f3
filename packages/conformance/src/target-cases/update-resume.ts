import { NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_CONNECTION_STATE, TCP_OFFLOAD_EVENT_TYPE, formatNdisStatus, type NetBufferList } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { linkTo, newTreeOf, type CaseTree } from './case-tree.ts';
import { offer } from './initiate-outcome.ts';
import type { TargetCase } from './target-case.ts';

/** Longer than anything that was begun takes. */
const LONG_MS = 5000;

/** Makes the neighbor of the first path invalid, and then links that path to the second neighbor. @param meanwhile before the first is over. */
async function breakAndMend(world: TargetWorld, { neighbors, paths }: CaseTree, meanwhile: () => void = () => undefined): Promise<void> {
  const invalid = linkTo(present(neighbors[0]));
  world.begin('invalidate', invalid);
  meanwhile();
  await world.completed('invalidate', invalid);
  await world.advance(LONG_MS);
  await world.operate('update', linkTo(present(neighbors[1]), linkTo(present(paths[0]))));
}

/** How a request ended, undefined while it is pending. */
function statusOf(connection: WorldConnection, request: NetBufferList): number | undefined {
  return [...connection.sendCompletions, ...connection.disconnectCompletions, ...connection.receiveCompletions].findLast(({ nbl }) => nbl === request)?.status;
}

/** Checks that a request is pending, was carried out, or went back as one of a connection that is to be taken back. */
function checkEnding(connection: WorldConnection, request: NetBufferList, what: string): void {
  const status = statusOf(connection, request);
  check(status === undefined || status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_UPLOAD_IN_PROGRESS, `${what} ended with ${formatNdisStatus(status ?? 0)} when its neighbor was invalid`);
}

/**
 * Sends from where the peer's acknowledgments stand, if the target gave back what there was.
 * @returns false when it takes nothing more, because the connection is to be taken back.
 */
async function sendAgain(world: TargetWorld, connection: WorldConnection, sends: readonly NetBufferList[], lengths: readonly number[], end: NetBufferList): Promise<boolean> {
  for (const send of sends) checkEnding(connection, send, 'a send');
  checkEnding(connection, end, 'a disconnect');
  const { state, sndNxt, sndMax, sndUna } = present((await connection.query()).delegated);
  const acked = (sndUna - connection.sndUna) | 0;
  const areBack = [...sends, end].map((request) => statusOf(connection, request) === NDIS_STATUS_UPLOAD_IN_PROGRESS);
  checkEqual(areBack, areBack.toSorted((one, other) => Number(one) - Number(other)), 'which of two sends and a disconnect went back, those in front not having');
  if (areBack.at(-1) !== true) return true;
  const sum = (some: readonly number[]): number => some.reduce((before, length) => before + length, 0);
  const carriedOut = sum(lengths.filter((_, at) => areBack[at] === false));
  check(acked >= carriedOut, `${carriedOut} bytes were completed as sent, of which ${acked} were acknowledged`);
  const byteCount = sum(lengths);
  const [next, max] = [(sndNxt - sndUna) | 0, (sndMax - sndUna) | 0];
  check(next >= 0 && next <= max && max <= byteCount - acked + 1, `SndNxt is ${next} and SndMax ${max} numbers after SndUna, when ${byteCount - acked} bytes and a FIN went back`);
  if (max <= byteCount - acked) checkEqual(state, TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished, 'state of a connection whose FIN went back unsent');
  const again = present(connection.send(pattern(acked, byteCount - acked))[0]);
  await world.settle();
  return statusOf(connection, again) !== NDIS_STATUS_UPLOAD_IN_PROGRESS;
}

/** How long a connection has been sending when its neighbor becomes invalid. */
const WAITS = [
  { id: 'at-once', waitMs: 0, which: 'that have just been posted' },
  { id: 'on-their-way', waitMs: 7, which: 'that are on their way' },
  { id: 'waiting', waitMs: LONG_MS, which: 'that wait for the peer to make room' },
] as const;
/** Bytes of a send that is posted while the neighbor becomes invalid. */
const LATE_BYTES = 500;

/** What becomes of both streams of a connection that stops and goes on. */
export const updateResumeCases: readonly TargetCase[] = [
  ...WAITS.map(
    ({ id, waitMs, which }): TargetCase => ({
      id: `target-update-relink-sends-${id}`,
      title: `Sends ${which} when a neighbor becomes invalid reach the peer once and in order when there is another neighbor, and no FIN that went back`,
      rules: ['CHIM-UPD-005', 'CHIM-INV-002'],
      requirement: 'C-NDIS-UPD',
      requires: ['peer', 'virtual-time'],
      run: async (world) => {
        const byteCount = (world.options.peerWindowBytes ?? 0) + 3000;
        const total = byteCount + LATE_BYTES;
        const tree = newTreeOf(world, [[1], []]);
        await offer(world, tree.root);
        const connection = present(tree.connections[0]);
        const peer = await connection.peer();
        const sends = connection.send(pattern(0, byteCount));
        await world.advance(waitMs);
        const ends: NetBufferList[] = [];
        await breakAndMend(world, tree, () => {
          sends.push(...connection.send(pattern(byteCount, LATE_BYTES)));
          ends.push(connection.disconnect());
        });
        await world.advance(LONG_MS);
        const end = present(ends[0]);
        if (!(await sendAgain(world, connection, sends, [byteCount, LATE_BYTES], end))) return;
        checkBytes(await world.read(peer, total), pattern(0, total), 'what the peer got of a connection that stopped in between');
        const isBack = statusOf(connection, end) === NDIS_STATUS_UPLOAD_IN_PROGRESS;
        if (isBack) {
          // Nobody has asked for a FIN since.
          let isEnded = false;
          const part = peer.read().then((bytes) => {
            isEnded = bytes === null;
            return bytes;
          });
          await world.advance(LONG_MS);
          check(!isEnded, 'the peer got the FIN of a disconnect that went back');
          connection.send(pattern(total, 100));
          checkBytes(present(await world.wait(part, 'what was sent last')), pattern(total, 100), 'what was sent last');
          connection.disconnect();
        }
        checkEqual((await world.readToEnd(peer)).length, 0, 'bytes that the peer got in front of the FIN');
        await world.advance(LONG_MS);
        checkEqual(connection.disconnectCompletions.at(-1)?.status, NDIS_STATUS_SUCCESS, 'the status of the last disconnect');
        const { sndUna } = present((await connection.query()).delegated);
        checkEqual((sndUna - connection.sndUna) | 0, total + (isBack ? 101 : 1), 'bytes and a FIN that were acknowledged');
      },
    }),
  ),
  {
    id: 'target-update-relink-receives',
    title: 'What the peer sends to a connection that stops and goes on arrives once and in order, and requests are taken again',
    rules: ['CHIM-UPD-005', 'CHIM-INV-002'],
    requirement: 'C-NDIS-UPD',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const byteCount = 9000;
      const tree = newTreeOf(world, [[1], []]);
      await offer(world, tree.root);
      const connection = present(tree.connections[0]);
      const peer = await connection.peer();
      const first = present(connection.post([1000], { isNoPush: true })[0]);
      const parts = [peer.write(pattern(0, 700)), peer.write(pattern(700, 3300))];
      await world.advance(7);
      await breakAndMend(world, tree);
      checkEnding(connection, first, 'a receive request');
      parts.push(peer.write(pattern(4000, 4800)));
      await world.advance(LONG_MS);
      const probe = present(connection.send(pattern(0, 10))[0]);
      await world.advance(LONG_MS);
      // A target may as well wait for the upload that it has asked for.
      if (statusOf(connection, probe) === NDIS_STATUS_UPLOAD_IN_PROGRESS) return;
      checkEqual(statusOf(connection, probe), NDIS_STATUS_SUCCESS, 'the status of a send when there was a valid neighbor');
      const second = present(connection.post([5000])[0]);
      parts.push(peer.write(pattern(8800, 200)));
      await world.wait(Promise.all(parts), 'the acknowledgment of everything that the peer has sent');
      await world.until(() => connection.received.length >= byteCount, 'everything that the peer has sent');
      checkBytes(connection.received, pattern(0, byteCount), 'what was received of a connection that stopped in between');
      checkEqual(statusOf(connection, second), NDIS_STATUS_SUCCESS, 'the status of a request that was posted when there was a valid neighbor');
    },
  },
  {
    id: 'target-update-relink-inherited-fin',
    title: 'The FIN that a connection came with still goes out when it stops and goes on',
    rules: ['CHIM-UPD-005', 'CHIM-INV-002'],
    requirement: 'C-NDIS-UPD',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const tree = newTreeOf(world, [[1], []], {
        change: ({ delegated }) => {
          present(delegated).state = TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait1;
        },
      });
      await offer(world, tree.root);
      const connection = present(tree.connections[0]);
      await breakAndMend(world, tree);
      await world.advance(LONG_MS);
      const { state, sndUna } = present((await connection.query()).delegated);
      const isAsked = connection.events.some(({ eventType }) => eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve);
      if (state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait1 && isAsked) {
        // Left to the host. But then the peer has not acknowledged it.
        checkEqual(sndUna, connection.sndUna, 'SndUna of a connection in FIN_WAIT_1');
        const late = present(connection.send(pattern(0, 10))[0]);
        await world.settle();
        checkEqual(statusOf(connection, late), NDIS_STATUS_UPLOAD_IN_PROGRESS, 'the status of a send on a connection that stopped for good');
        return;
      }
      checkEqual([state, (sndUna - connection.sndUna) | 0], [TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2, 1], 'state, and numbers acknowledged, of a connection that came with a FIN and went on');
      checkEqual((await world.readToEnd(await connection.peer())).length, 0, 'bytes that the peer got in front of the FIN');
    },
  },
];
