import { NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_CONNECTION_STATE } from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { membersOf } from '../probes/lists.ts';
import { pattern } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import { checkGivenBack } from './given-back.ts';
import { checkBefore, checkDisconnect, sendBeyondWindow, windowBytesOf, windowFilled } from './outcomes.ts';
import { inheritedChain, sentUpTo } from './send-inherited.ts';
import type { TargetCase } from './target-case.ts';

const UPLOAD = NDIS_STATUS_UPLOAD_IN_PROGRESS;
/** Urgent data: the target asks for the upload, and does not process the segment. */
const URGENT = { length: 1, flags: SEGMENT_FLAG.URG, urgentPointer: 1 };

/** What is under way to the far end when a terminate comes. */
export const terminateSendCases: readonly TargetCase[] = [
  {
    id: 'target-terminate-sends',
    title: 'Sends that a terminate finds pending are completed or come back in its chain, from the first byte that is not acknowledged (GV-TRM-1)',
    rules: ['CHIM-TRM-007', 'CHIM-TRM-008', 'CHIM-TRM-009', 'CHIM-TRM-016', 'CHIM-SND-009', 'CHIM-SND-010'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const windowBytes = windowBytesOf(world);
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, windowBytes - 200, 1000, 1000);
      checkGivenBack(connection, nbls, lengths, await connection.terminate(), { acked });
      checkBefore(world, 'send', 'terminate');
    },
  },
  {
    id: 'target-terminate-sends-in-pieces',
    title: 'When SndUna is inside of an MDL, a chain that comes back begins there',
    rules: ['CHIM-TRM-007', 'CHIM-TRM-009', 'CHIM-SND-010'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const windowBytes = windowBytesOf(world);
      const lengths = [10, windowBytes + 290, 60];
      const nbls = connection.sendNbls(
        world.host.inPieces([pattern(0, 4), pattern(4, 6)]),
        world.host.inPieces([pattern(10, 90), pattern(100, windowBytes - 200), pattern(windowBytes - 100, 400)]),
        world.host.inPieces([pattern(windowBytes + 300, 30), pattern(windowBytes + 330, 30)]),
      );
      await windowFilled(world, connection);
      checkGivenBack(connection, nbls, lengths, await connection.terminate(), { acked: windowBytes });
    },
  },
  {
    id: 'target-terminate-sends-several-net-buffers',
    title: 'A send of several NET_BUFFERs that a terminate finds pending is not in its chain, where an NBL has one',
    rules: ['CHIM-TRM-007', 'CHIM-TRM-008', 'CHIM-TRM-009'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const windowBytes = windowBytesOf(world);
      const nbls = connection.sendNbls(
        world.host.inPieces([pattern(0, windowBytes - 100)], [pattern(windowBytes - 100, 300)]),
        world.host.inPieces([pattern(windowBytes + 200, 100)]),
        world.host.inPieces([pattern(windowBytes + 300, 100)], [pattern(windowBytes + 400, 100)]),
      );
      await windowFilled(world, connection);
      checkGivenBack(connection, nbls, [windowBytes + 200, 100, 200], await connection.terminate(), { acked: windowBytes });
      checkEqual(connection.sendCompletions[0]?.lengths, [0, 200], 'bytes left in each NET_BUFFER of the first send');
      // And when there are no others.
      const other = await world.connect();
      const all = other.sendNbls(...[0, 1].map((at) => world.host.inPieces([pattern(windowBytes * at, windowBytes - 1)], [pattern(windowBytes * (at + 1) - 1, 1)])));
      await windowFilled(world, other);
      checkGivenBack(other, all, [windowBytes, windowBytes], await other.terminate(), { acked: windowBytes });
    },
  },
  {
    id: 'target-terminate-sends-at-once',
    title: 'Sends that are on their way when a terminate comes are completed or come back, none twice and none never',
    rules: ['CHIM-TRM-007', 'CHIM-TRM-008', 'CHIM-TRM-009'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      for (const waitMs of [null, 0, 1, 6, 12, 25]) {
        const connection = await world.connect();
        const nbls = [...connection.send(pattern(0, 500), pattern(500, 1)), ...connection.send(pattern(501, 1499))];
        if (waitMs !== null) await world.advance(waitMs);
        checkGivenBack(connection, nbls, [500, 1, 1499], await connection.terminate());
      }
    },
  },
  {
    id: 'target-terminate-chain-again',
    title: 'Send data of an initiate that is not acknowledged comes back with the terminate, its bytes numbered as before',
    rules: ['CHIM-TRM-007', 'CHIM-TRM-008', 'CHIM-TRM-009', 'CHIM-SND-013'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const windowBytes = windowBytesOf(world);
      const lengths = [windowBytes - 700, 1200, 800];
      const chain = inheritedChain(world, [[windowBytes - 700], [100, 700, 400], [800]]);
      const nbls = membersOf(chain);
      const connection = await world.connect({ chain, change: sentUpTo(windowBytes - 500, windowBytes - 300) });
      nbls.push(...connection.send(pattern(windowBytes + 1300, 20)));
      await windowFilled(world, connection);
      checkGivenBack(connection, nbls, [...lengths, 20], await connection.terminate(), { acked: windowBytes });
    },
  },
  {
    id: 'target-terminate-chain-untouched',
    title: 'Send data of an initiate that a terminate follows at once is given back, none of it twice and none never',
    rules: ['CHIM-TRM-007', 'CHIM-TRM-008', 'CHIM-TRM-009', 'CHIM-SND-013'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      for (const [sndNxt, sndMax] of [[0, 0], [700, 700], [0, 2000], [1000, 1600]] as const) {
        const chain = inheritedChain(world);
        const nbls = membersOf(chain);
        const connection = await world.connect({ chain, change: sentUpTo(sndNxt, sndMax) });
        const uploaded = await connection.terminate();
        checkGivenBack(connection, nbls, [600, 800, 600], uploaded);
        const sent = (uploaded.delegated.sndMax - connection.sndUna) | 0;
        check(sent >= sndMax, `SndMax went back: ${sent} bytes after the first SndUna, of which ${sndMax} were sent before the initiate`);
      }
    },
  },
  {
    id: 'target-terminate-disconnect',
    title: 'A graceful disconnect that a terminate finds pending ends with UPLOAD_IN_PROGRESS and its acknowledged bytes, before the terminate completes',
    rules: ['CHIM-TRM-005', 'CHIM-DSC-009', 'CHIM-DSC-010', 'CHIM-DSC-007', 'CHIM-DSC-011'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const windowBytes = windowBytesOf(world);
      const sends = connection.send(pattern(0, windowBytes - 500));
      const nbl = connection.disconnect(pattern(windowBytes - 500, 1500));
      await windowFilled(world, connection);
      const uploaded = await connection.terminate();
      checkGivenBack(connection, sends, [windowBytes - 500], uploaded, { acked: windowBytes });
      checkEqual(uploaded.chain.length, 0, 'NBLs in the chain of a terminate when all sends were acknowledged');
      checkBefore(world, 'send', 'disconnect');
      checkBefore(world, 'disconnect', 'terminate');
      checkDisconnect(connection, nbl, { status: UPLOAD, bytesTransferred: 500, dataLength: 1000 });
      check(isBeforeFin(uploaded.delegated.state), `a connection whose FIN cannot have been sent came back in state ${uploaded.delegated.state}`);
    },
  },
  {
    id: 'target-terminate-sends-and-disconnect',
    title: 'With sends pending a graceful disconnect goes back by its own completion, and the sends as ever',
    rules: ['CHIM-TRM-005', 'CHIM-TRM-007', 'CHIM-DSC-009', 'CHIM-DSC-011'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, 3000, 3000, 40);
      const nbl = connection.disconnect(pattern(6040, 10));
      await world.settle();
      checkGivenBack(connection, nbls, lengths, await connection.terminate(), { acked, beyond: 11 });
      checkBefore(world, 'disconnect', 'terminate');
      checkDisconnect(connection, nbl, { status: UPLOAD, bytesTransferred: 0, dataLength: 10 });
    },
  },
  {
    id: 'target-terminate-disconnect-at-once',
    title: 'Sends and a disconnect that are on their way when a terminate comes go back each by its own way, with numbers that fit',
    rules: ['CHIM-TRM-005', 'CHIM-TRM-007', 'CHIM-TRM-009', 'CHIM-DSC-009', 'CHIM-DSC-010'],
    requirement: 'C-NDIS-TRM',
    run: async (world) => {
      for (const waitMs of [null, 0, 1, 6, 12, 25]) {
        const connection = await world.connect();
        const sends = connection.send(pattern(0, 1000), pattern(1000, 10));
        const nbl = connection.disconnect(pattern(1010, 70));
        if (waitMs !== null) await world.advance(waitMs);
        const uploaded = await connection.terminate();
        const acked = (uploaded.delegated.sndUna - connection.sndUna) | 0;
        checkGivenBack(connection, sends, [1000, 10], uploaded, { acked, beyond: 71 });
        const bytesTransferred = Math.min(70, Math.max(0, acked - 1010));
        checkDisconnect(connection, nbl, { status: acked === 1081 ? NDIS_STATUS_SUCCESS : UPLOAD, bytesTransferred, dataLength: 70 - bytesTransferred });
        checkEqual(uploaded.delegated.state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2, acked === 1081, 'whether a connection came back in FIN_WAIT_2, and whether its FIN was acknowledged');
      }
    },
  },
  {
    id: 'target-terminate-after-retrieve',
    title: 'Sends that are pending when the target asks for the upload, and those that come after, go back in their order with UPLOAD_IN_PROGRESS or in the chain',
    rules: ['CHIM-TRM-016', 'CHIM-TRM-007', 'CHIM-TRM-008', 'CHIM-TRM-009', 'CHIM-SND-009', 'CHIM-SND-011'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer', 'forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, 3000, 3000, 50);
      connection.forward(URGENT);
      await world.until(() => connection.events.length > 0, 'TcpIndicateRetrieve after urgent data');
      const all = [...nbls, ...connection.send(pattern(6050, 100), pattern(6150, 1))];
      await world.advance(2000);
      checkGivenBack(connection, all, [...lengths, 100, 1], await connection.terminate(), { acked });
      checkBefore(world, 'send', 'terminate');
    },
  },
  {
    id: 'target-terminate-after-retrieve-closing',
    title: 'A disconnect that is pending when the target asks for the upload ends with UPLOAD_IN_PROGRESS after the sends, and one that is over stays so',
    rules: ['CHIM-TRM-016', 'CHIM-TRM-005', 'CHIM-DSC-007', 'CHIM-DSC-009', 'CHIM-TRM-004'],
    requirement: 'C-NDIS-TRM',
    requires: ['peer', 'forward', 'virtual-time'],
    run: async (world) => {
      const closing = await world.connect();
      const { nbls, lengths, acked } = await sendBeyondWindow(world, closing, 3000, 3000);
      const nbl = closing.disconnect(pattern(6000, 10));
      await world.settle();
      const closed = await world.connect();
      closed.disconnect(pattern(0, 10));
      await world.until(() => closed.disconnectCompletions.length > 0, 'the completion of a graceful disconnect');
      for (const connection of [closing, closed]) {
        connection.forward(URGENT);
        await world.until(() => connection.events.length > 0, 'TcpIndicateRetrieve after urgent data');
      }
      await world.advance(2000);
      checkGivenBack(closing, nbls, lengths, await closing.terminate(), { acked, beyond: 11 });
      checkDisconnect(closing, nbl, { status: UPLOAD, bytesTransferred: 0, dataLength: 10 });
      const { delegated } = await closed.terminate();
      checkEqual([delegated.state, (delegated.sndUna - closed.sndUna) | 0, (delegated.sndNxt - closed.sndUna) | 0], [TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2, 11, 11], 'State, and numbers acknowledged and next to send, of a connection whose FIN was acknowledged before');
    },
  },
];

/** States in which the host's FIN has not been sent, or has been and is not acknowledged. */
function isBeforeFin(state: number): boolean {
  return state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionEstablished || state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait1;
}
