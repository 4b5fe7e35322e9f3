import {
  NDIS_STATUS_OFFLOAD_PAUSE,
  NDIS_STATUS_OFFLOAD_RESUME,
  NDIS_STATUS_PAUSED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_ALL,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  formatNdisStatus,
  type NDIS_STATUS,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { blocksOf } from '../probes/trees.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { WorldConnection, concat } from '../world/world-connection.ts';
import { checkGivenBack } from './given-back.ts';
import { checkBefore, checkOutcomes, outcomesOf, sendBeyondWindow } from './outcomes.ts';
import type { TargetCase } from './target-case.ts';

const SUCCESS = NDIS_STATUS_SUCCESS;

/** Has the target indicate something, and waits until the host has heard it. */
async function indicate(world: TargetWorld, what: 'pauseOffload' | 'uploadAll' | 'resumeOffload'): Promise<void> {
  begin(world, what);
  const codes: Record<typeof what, NDIS_STATUS> = { pauseOffload: NDIS_STATUS_OFFLOAD_PAUSE, uploadAll: NDIS_STATUS_UPLOAD_ALL, resumeOffload: NDIS_STATUS_OFFLOAD_RESUME };
  await world.until(() => world.host.entries('status').some(({ statusCode }) => statusCode === codes[what]), `the status indication ${formatNdisStatus(codes[what])}`);
}

function begin(world: TargetWorld, what: 'pauseOffload' | 'uploadAll' | 'resumeOffload'): void {
  check(world.subject[what] !== undefined, `the ability control was promised, but there is no ${what} function`);
  world.subject[what]();
}

/** Offers a connection without waiting. */
function offer(world: TargetWorld): { readonly root: ProtocolOffloadBlockList; readonly connection: WorldConnection } {
  const connection = new WorldConnection(world, world.tcp());
  const root = world.neighbor(world.path([connection.block]));
  world.begin('initiate', root);
  return { root, connection };
}

/** @throws ConformanceFailure unless everything in a tree was taken over. */
function checkTaken(root: ProtocolOffloadBlockList): void {
  const blocks = blocksOf(root);
  checkEqual(blocks.map(({ status }) => formatNdisStatus(status)), blocks.map(() => formatNdisStatus(SUCCESS)), 'the status of each block of an initiate that crossed OFFLOAD_PAUSE');
}

/** OFFLOAD_PAUSE, UPLOAD_ALL, OFFLOAD_RESUME. */
export const uploadAllCases: readonly TargetCase[] = [
  {
    id: 'target-pause-service',
    title: 'While it is paused a target serves the connections it has, and completes no send with PAUSED',
    rules: ['CHIM-TRM-022', 'CHIM-TRM-016', 'CHIM-SND-009'],
    requirement: 'C-NDIS-TRM',
    requires: ['control'],
    run: async (world) => {
      const connection = await world.connect();
      const nbls = connection.send(pattern(0, 500));
      await indicate(world, 'pauseOffload');
      nbls.push(...connection.send(pattern(500, 500), 0, pattern(1000, 500)));
      await world.until(() => connection.sendCompletions.length >= nbls.length, 'the completion of sends while offloading is paused');
      checkOutcomes('sends while offloading is paused', connection.sendCompletions, nbls, outcomesOf([500, 500, 0, 500], 1500, SUCCESS));
      checkEqual((await connection.query()).delegated?.sndUna, (connection.sndUna + 1500) | 0, 'SndUna while offloading is paused');
      const nbl = connection.disconnect(pattern(1500, 5));
      await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a disconnect while offloading is paused');
      checkOutcomes('a disconnect while offloading is paused', connection.disconnectCompletions, [nbl], outcomesOf([5], 5, SUCCESS));
      const { delegated } = await connection.terminate();
      checkEqual((delegated.sndUna - connection.sndUna) | 0, 1506, 'numbers acknowledged when a connection is taken back while offloading is paused');
    },
  },
  {
    id: 'target-pause-receive',
    title: 'While it is paused a target receives for the connections it has',
    rules: ['CHIM-TRM-022', 'CHIM-ST-007'],
    requirement: 'C-NDIS-TRM',
    requires: ['control', 'peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      await indicate(world, 'pauseOffload');
      connection.post([1000]);
      await world.wait(peer.write(pattern(0, 5000)), 'the acknowledgment of what comes while offloading is paused');
      await world.until(() => connection.received.length >= 5000, 'what comes while offloading is paused');
      checkBytes(connection.received, pattern(0, 5000), 'what the host got while offloading is paused');
      checkEqual(connection.receiveCompletions.map(({ status, bytesTransferred }) => [status, bytesTransferred]), [[SUCCESS, 1000]], 'a receive request while offloading is paused');
    },
  },
  {
    id: 'target-pause-initiate',
    title: 'Initiates that cross OFFLOAD_PAUSE do not fail for that: they are completed, in whatever order, after OFFLOAD_RESUME at the latest',
    rules: ['CHIM-TRM-022'],
    requirement: 'C-NDIS-TRM',
    requires: ['control'],
    run: async (world) => {
      begin(world, 'pauseOffload');
      const first = offer(world);
      const second = offer(world);
      await world.advance(2000);
      for (const { root } of [first, second]) if (world.hasCompleted('initiate', root)) checkTaken(root);
      await indicate(world, 'resumeOffload');
      await world.completed('initiate', second.root);
      await world.completed('initiate', first.root);
      for (const { root, connection } of [first, second]) {
        checkTaken(root);
        connection.send(pattern(0, 100));
        await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send on a connection whose initiate crossed OFFLOAD_PAUSE');
        checkEqual(await connection.acknowledged(), 100, 'bytes acknowledged, as a query says');
      }
    },
  },
  {
    id: 'target-upload-all',
    title: 'Pause, an initiate that crosses it, upload-all, terminates and resume: everything comes back, and offloading may start again (GV-UPL-1)',
    rules: ['CHIM-TRM-022', 'CHIM-TRM-016', 'CHIM-TRM-007', 'CHIM-SND-009', 'CHIM-ST-001'],
    requirement: 'C-NDIS-TRM',
    requires: ['control'],
    run: async (world) => {
      const connection = await world.connect();
      begin(world, 'pauseOffload');
      const late = offer(world);
      const nbls = connection.send(pattern(0, 100));
      await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send while offloading is paused');
      checkOutcomes('a send while offloading is paused', connection.sendCompletions, nbls, outcomesOf([100], 100, SUCCESS));
      await indicate(world, 'uploadAll');
      nbls.push(...connection.send(pattern(100, 100), 0), ...connection.send(pattern(200, 10)));
      await world.settle();
      const uploaded = await connection.terminate();
      checkGivenBack(connection, nbls, [100, 100, 0, 10], uploaded, { acked: 100 });
      const statuses = connection.sendCompletions.slice(1).map(({ status }) => formatNdisStatus(status));
      check(!statuses.includes(formatNdisStatus(NDIS_STATUS_PAUSED)), 'a send was completed with PAUSED');
      checkBefore(world, 'send', 'terminate');
      if (world.hasCompleted('initiate', late.root) && late.connection.isOffloaded) await late.connection.terminate();
      await indicate(world, 'resumeOffload');
      await world.completed('initiate', late.root);
      const { status } = await world.request('query', OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG);
      checkEqual(formatNdisStatus(status), formatNdisStatus(SUCCESS), 'the answer to a capability query after OFFLOAD_RESUME');
      const again = await world.connect();
      again.send(pattern(0, 100));
      await world.until(() => again.sendCompletions.length > 0, 'the completion of a send after OFFLOAD_RESUME');
      checkOutcomes('a send after OFFLOAD_RESUME', again.sendCompletions, [present(again.sendCompletions[0]).nbl], outcomesOf([100], 100, SUCCESS));
    },
  },
  {
    id: 'target-upload-all-pending',
    title: 'Sends from before UPLOAD_ALL and sends from after it go back in their order, and not with PAUSED or REQUEST_ABORTED',
    rules: ['CHIM-TRM-016', 'CHIM-TRM-007', 'CHIM-TRM-008', 'CHIM-SND-009', 'CHIM-SND-011'],
    requirement: 'C-NDIS-TRM',
    requires: ['control', 'peer'],
    run: async (world) => {
      const connection = await world.connect();
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, 3000, 3000);
      await indicate(world, 'uploadAll');
      const all = [...nbls, ...connection.send(pattern(6000, 100), pattern(6100, 7))];
      await world.advance(1000);
      checkGivenBack(connection, all, [...lengths, 100, 7], await connection.terminate(), { acked });
    },
  },
  {
    id: 'target-upload-all-requests',
    title: 'Requests of all kinds that come after UPLOAD_ALL have ended when the terminate completes: done, or with UPLOAD_IN_PROGRESS',
    rules: ['CHIM-TRM-016', 'CHIM-TRM-005', 'CHIM-DSC-009', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-TRM',
    requires: ['control'],
    run: async (world) => {
      const connection = await world.connect();
      const requests = connection.post([100]);
      await indicate(world, 'uploadAll');
      requests.push(...connection.post([100, 100]));
      connection.disconnect(pattern(0, 9));
      await world.advance(1000);
      const { delegated } = await connection.terminate();
      checkEqual(connection.receiveCompletions.map(({ nbl }) => requests.indexOf(nbl)), [0, 1, 2], 'the order of completion of receive requests');
      checkEqual(connection.receiveCompletions.map(({ status, bytesTransferred }) => [formatNdisStatus(status), bytesTransferred]), requests.map(() => [formatNdisStatus(NDIS_STATUS_UPLOAD_IN_PROGRESS), 0]), 'how receive requests ended');
      checkEqual(connection.disconnectCompletions.length, 1, 'completions of a disconnect after UPLOAD_ALL');
      const { status, bytesTransferred } = present(connection.disconnectCompletions[0]);
      check(status === SUCCESS || status === NDIS_STATUS_UPLOAD_IN_PROGRESS, `a disconnect after UPLOAD_ALL ended with ${formatNdisStatus(status)}`);
      checkEqual((delegated.sndUna - connection.sndUna) | 0, status === SUCCESS ? 10 : bytesTransferred, 'numbers acknowledged when the connection came back');
      for (const kind of ['receive', 'disconnect'] as const) checkBefore(world, kind, 'terminate');
    },
  },
  {
    id: 'target-upload-all-stream',
    title: 'Both streams of a connection go on after upload-all and resume, when it is offloaded again, without gap or duplicate',
    rules: ['CHIM-ST-007', 'CHIM-ST-008', 'CHIM-TRM-013', 'CHIM-TRM-016'],
    requirement: 'C-NDIS-ST',
    requires: ['control', 'peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      world.host.appetite = () => 0;
      await sendBeyondWindow(world, connection, 3000, 3000);
      const writing = peer.write(pattern(0, 2000));
      await world.wait(writing, 'the acknowledgment of what the host refuses');
      await indicate(world, 'uploadAll');
      const last = connection.send(pattern(6000, 50));
      const uploaded = await connection.terminate();
      await indicate(world, 'resumeOffload');
      world.host.appetite = (bytes) => bytes.length;
      const again = await world.reconnect(connection, uploaded);
      check([...connection.unsent, ...uploaded.chain].includes(present(last[0])), 'a send after UPLOAD_ALL did not go back');
      again.post([2000]);
      checkBytes(await world.read(await again.peer(), 6050), pattern(0, 6050), 'what the far end got in both lives of a connection');
      await world.until(() => connection.received.length + again.received.length >= 2000, 'what the host got in both lives of a connection');
      checkBytes(concat([connection.received, again.received]), pattern(0, 2000), 'what the host got in both lives of a connection');
    },
  },
];
