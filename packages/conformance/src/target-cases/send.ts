import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_REQUEST_ABORTED,
  NDIS_STATUS_SUCCESS,
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_DISCONNECT_ABORTIVE_CLOSE,
  formatNdisStatus,
  netBufferListBytes,
  type NetBufferList,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import { checkOutcomes, layoutOf, outcomesOf, sendBeyondWindow, windowBytesOf, windowFilled } from './outcomes.ts';
import type { TargetCase } from './target-case.ts';

const SUCCESS = NDIS_STATUS_SUCCESS;
const ABORTED = NDIS_STATUS_REQUEST_ABORTED;

export const sendCases: readonly TargetCase[] = [
  {
    id: 'target-send-posting-order',
    title: 'Sends are completed in the order in which they were passed down, each with all of its bytes',
    rules: ['CHIM-SND-011', 'CHIM-SND-010'],
    requirement: 'C-NDIS-SND',
    run: async (world) => {
      const connection = await world.connect();
      const sent = [...connection.send(pattern(0, 100), pattern(100, 1), pattern(101, 3000)), ...connection.send(pattern(3101, 10))];
      await world.until(() => connection.sendCompletions.length >= sent.length, 'the completion of four sends');
      checkOutcomes('four sends', connection.sendCompletions, sent, outcomesOf([100, 1, 3000, 10], 3111, SUCCESS));
    },
  },
  {
    id: 'target-send-pending',
    title: 'A send is answered with PENDING, whatever it holds, and also when the connection has been reset',
    rules: ['CHIM-SND-001', 'CHIM-SND-004'],
    requirement: 'C-NDIS-SND',
    run: async (world) => {
      const { binding, host } = world;
      const { handle } = await world.connect();
      const completed = (): number => host.entries('dataComplete').flatMap(({ nbls }) => nbls).length;
      const answers = [[pattern(0, 100)], [pattern(100, 1), pattern(101, 20)], [0]].map((contents) => binding.offloadTcpSend(handle, host.list(...contents)));
      await world.until(() => completed() === 4, 'the completion of four sends');
      binding.offloadTcpDisconnect(handle, host.list(0), TCP_DISCONNECT_ABORTIVE_CLOSE);
      await world.until(() => completed() === 5, 'the completion of an abortive disconnect');
      answers.push(binding.offloadTcpSend(handle, host.list(pattern(0, 10))));
      await world.until(() => completed() === 6, 'the completion of a send on a connection that was reset');
      checkEqual(answers.map(formatNdisStatus), answers.map(() => formatNdisStatus(NDIS_STATUS_PENDING)), 'what four calls of NdisOffloadTcpSend were answered with');
    },
  },
  {
    id: 'target-send-many',
    title: 'Every send is accepted, however many are pending: none fails for lack of room, none overtakes',
    rules: ['CHIM-SND-004', 'CHIM-SND-011', 'CHIM-SND-010'],
    requirement: 'C-NDIS-SND',
    run: async (world) => {
      const connection = await world.connect();
      const lengths = Array.from({ length: 300 }, (_, at) => (at * 7) % 20);
      let at = 0;
      const nbls = lengths.flatMap((length) => connection.send(pattern((at += length) - length, length)));
      await world.until(() => connection.sendCompletions.length >= nbls.length, 'the completion of 300 sends');
      checkOutcomes('300 sends', connection.sendCompletions, nbls, outcomesOf(lengths, at, SUCCESS));
      checkEqual(await connection.acknowledged(), at, 'bytes acknowledged, as a query says');
    },
  },
  {
    id: 'target-send-in-pieces',
    title: 'All bytes of an NBL of several NET_BUFFERs and MDLs count, each NET_BUFFER is advanced by its own, and its MDLs and memory stay',
    rules: ['CHIM-SND-010'],
    requirement: 'C-NDIS-SND',
    run: async (world) => {
      const connection = await world.connect();
      const nbls = [
        world.host.inPieces([pattern(0, 10), pattern(10, 0), pattern(10, 90)], [pattern(100, 1)], [pattern(101, 0)], [pattern(101, 500), pattern(601, 399)]),
        world.host.inPieces([pattern(1000, 7), pattern(1007, 13)]),
      ];
      const before = nbls.map(layoutOf);
      connection.sendNbls(...nbls);
      await world.until(() => connection.sendCompletions.length >= 2, 'the completion of two sends in pieces');
      checkOutcomes('two sends in pieces', connection.sendCompletions, nbls, outcomesOf([1000, 20], 1020, SUCCESS));
      checkEqual(connection.sendCompletions.map(({ lengths }) => lengths), [[0, 0, 0, 0], [0]], 'bytes left in each NET_BUFFER');
      checkEqual(nbls.map(layoutOf), before, 'MDL chains and memory of two sends, by NET_BUFFER');
    },
  },
  {
    id: 'target-send-zero-length',
    title: 'A send without data is completed with SUCCESS, when those before it are and not before',
    rules: ['CHIM-SND-004', 'CHIM-SND-010', 'CHIM-SND-011'],
    requirement: 'C-NDIS-SND',
    run: async (world) => {
      const connection = await world.connect();
      const alone = connection.send(0);
      await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send without data');
      checkOutcomes('a send without data', connection.sendCompletions, alone, outcomesOf([0], 0, SUCCESS));
      const among = connection.send(pattern(0, 1000), 0, pattern(1000, 500), 0, 0);
      await world.until(() => connection.sendCompletions.length > among.length, 'the completion of sends with and without data');
      checkOutcomes('sends with and without data', connection.sendCompletions.slice(1), among, outcomesOf([1000, 0, 500, 0, 0], 1500, SUCCESS));
    },
  },
  {
    id: 'target-send-bytes',
    title: 'The far end gets the bytes in list order and in call order, whatever pieces they come in',
    rules: ['CHIM-SND-006', 'CHIM-ST-008'],
    requirement: 'C-NDIS-SND',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      connection.sendNbls(world.host.inPieces([pattern(0, 1), pattern(1, 1)], [pattern(2, 98)]));
      await world.settle();
      connection.sendNbls(world.host.inPieces([pattern(100, 400), pattern(500, 500)], [pattern(1000, 0)], [pattern(1000, 3)]), world.host.inPieces([pattern(1003, 997)]));
      connection.send(pattern(2000, 1), 0, pattern(2001, 1999));
      connection.send(pattern(4000, 20_000));
      checkBytes(await world.read(peer, 24_000), pattern(0, 24_000), 'what the far end got');
      await world.until(() => connection.sendCompletions.length === 7, 'the completion of seven sends');
      checkEqual(await connection.acknowledged(), 24_000, 'bytes acknowledged, as a query says');
    },
  },
  {
    id: 'target-send-acknowledged-first',
    title: 'A send is not completed with SUCCESS before the far end has acknowledged its last byte',
    rules: ['CHIM-SND-007', 'CHIM-SND-011', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-SND',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const windowBytes = windowBytesOf(world);
      const { nbls, lengths } = await sendBeyondWindow(world, connection, windowBytes - 100, 101, 0, 2000);
      await world.advance(2000);
      checkOutcomes('the only send that was acknowledged', connection.sendCompletions, nbls.slice(0, 1), outcomesOf(lengths.slice(0, 1), windowBytes, SUCCESS));
      checkBytes(await world.read(peer, windowBytes + 2001), pattern(0, windowBytes + 2001), 'what the far end got');
      await world.until(() => connection.sendCompletions.length >= nbls.length, 'the completion of sends that the far end has read');
      checkOutcomes('sends that the far end has read', connection.sendCompletions, nbls, outcomesOf(lengths, windowBytes + 2001, SUCCESS));
    },
  },
  {
    id: 'target-send-while-completing',
    title: 'A send made from inside a send completion follows those that are pending',
    rules: ['CHIM-SND-004', 'CHIM-SND-006', 'CHIM-SND-011'],
    requirement: 'C-NDIS-SND',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const lengths = [100, 5000, 30, 7000, 1];
      let at = 0;
      const next = (): NetBufferList[] => {
        const length = lengths[nbls.length] ?? 0;
        const made = connection.send(pattern(at, length));
        at += length;
        return made;
      };
      const nbls: NetBufferList[] = [];
      nbls.push(...next());
      nbls.push(...next());
      world.host.whenCalled = (entry) => {
        if (entry.kind === 'dataComplete' && entry.operation === 'send' && nbls.length < lengths.length) nbls.push(...next());
      };
      checkBytes(await world.read(peer, 12_131), pattern(0, 12_131), 'what the far end got');
      await world.until(() => connection.sendCompletions.length >= lengths.length, 'the completion of five sends');
      checkOutcomes('sends, three of them made from inside a completion', connection.sendCompletions, nbls, outcomesOf(lengths, 12_131, SUCCESS));
    },
  },
  {
    id: 'target-send-reset',
    title: 'After an RST the send that was acknowledged in part is aborted with that part, and those after it with nothing (GV-SND-7)',
    rules: ['CHIM-SND-008', 'CHIM-SND-009', 'CHIM-SND-010', 'CHIM-SND-007'],
    requirement: 'C-NDIS-SND',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const windowBytes = windowBytesOf(world);
      const { nbls, lengths, acked } = await sendBeyondWindow(world, connection, windowBytes - 500, 1000, 1000, 0);
      peer.reset();
      await world.until(() => connection.sendCompletions.length >= nbls.length, 'the completion of sends that an RST ended');
      checkOutcomes('three sends that an RST found pending', connection.sendCompletions, nbls, outcomesOf(lengths, acked, ABORTED));
      const { chain } = await connection.terminate();
      checkEqual(chain.length, 0, 'sends in the chain of a terminate that were completed before');
      checkBytes(netBufferListBytes(present(nbls[1])), pattern(windowBytes, 500), 'what is left of the send that was acknowledged in part');
    },
  },
  {
    id: 'target-send-in-pieces-reset',
    title: 'A send in pieces that was acknowledged in part is advanced NET_BUFFER by NET_BUFFER, over so many bytes',
    rules: ['CHIM-SND-010', 'CHIM-SND-008'],
    requirement: 'C-NDIS-SND',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const windowBytes = windowBytesOf(world);
      const nbl = world.host.inPieces([pattern(0, 100), pattern(100, windowBytes - 1100)], [pattern(windowBytes - 1000, 600), pattern(windowBytes - 400, 600)], [pattern(windowBytes + 200, 300)]);
      const before = layoutOf(nbl);
      connection.sendNbls(nbl);
      await windowFilled(world, connection);
      peer.reset();
      await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send that an RST ended');
      checkOutcomes('a send in pieces that an RST found pending', connection.sendCompletions, [nbl], outcomesOf([windowBytes + 500], windowBytes, ABORTED));
      checkEqual(connection.sendCompletions[0]?.lengths, [0, 200, 300], 'bytes left in each NET_BUFFER');
      checkBytes(netBufferListBytes(nbl), pattern(windowBytes, 500), 'what is left of the send');
      checkEqual(layoutOf(nbl), before, 'MDL chains and memory of the send, by NET_BUFFER');
    },
  },
  {
    id: 'target-send-after-reset',
    title: 'A send on a connection that was reset ends with REQUEST_ABORTED and no bytes',
    rules: ['CHIM-SND-001', 'CHIM-SND-009', 'CHIM-SND-010'],
    requirement: 'C-NDIS-SND',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      peer.reset();
      await world.until(() => connection.events.length > 0, 'an event after an RST');
      const nbls = connection.send(pattern(0, 10), 0, pattern(10, 10));
      await world.settle();
      const { chain } = await connection.terminate();
      checkEqual(chain.length, 0, 'sends of a reset connection in the chain of its terminate');
      checkOutcomes('sends after an RST', connection.sendCompletions, nbls, [10, 0, 10].map((dataLength) => ({ status: ABORTED, bytesTransferred: 0, dataLength })));
    },
  },
  {
    id: 'target-send-no-upload-status',
    title: 'Sends of one connection do not end with UPLOAD_IN_PROGRESS because another is being taken back',
    rules: ['CHIM-SND-009', 'CHIM-TRM-007'],
    requirement: 'C-NDIS-SND',
    run: async (world) => {
      const [leaving, staying] = await world.connectAll(2);
      check(leaving !== undefined && staying !== undefined, 'two connections were offered');
      const nbls = [...staying.send(pattern(0, 500), pattern(500, 500))];
      leaving.send(pattern(0, 10));
      await leaving.terminate();
      nbls.push(...staying.send(pattern(1000, 500)));
      await world.until(() => staying.sendCompletions.length >= nbls.length, 'the completion of sends on a connection that stays');
      checkOutcomes('sends on a connection that stays', staying.sendCompletions, nbls, outcomesOf([500, 500, 500], 1500, NDIS_STATUS_UPLOAD_IN_PROGRESS));
    },
  },
];
