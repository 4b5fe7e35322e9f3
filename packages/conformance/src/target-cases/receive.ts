import { NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, formatNdisStatus } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import { FULL } from '../world/case-host.ts';
import { pattern, patternBefore } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import { checkInTurn, checkRequests } from './received.ts';
import type { TargetCase } from './target-case.ts';

const { PSH } = SEGMENT_FLAG;

/** How data gets into requests, and when they are completed for it. */
export const receiveCases: readonly TargetCase[] = [
  {
    id: 'target-receive-posting-order',
    title: 'Receive requests are filled and completed in the order in which they were posted, each with all that goes into it',
    rules: ['CHIM-RCV-001', 'CHIM-RCV-003', 'CHIM-RCV-009', 'CHIM-INI-015'],
    requirement: 'C-NDIS-RCV',
    run: async (world) => {
      const connection = await world.connect({ buffered: [1, 499, 500] });
      const posted = [...connection.post([100, 1]), ...connection.post([300, 599])];
      await world.until(() => connection.receiveCompletions.length >= posted.length, 'the completion of four receive requests that BufferedData fills');
      const bytes = patternBefore(1000);
      checkRequests(connection, posted, [
        { size: 100, bytes: bytes.subarray(0, 100) },
        { size: 1, bytes: bytes.subarray(100, 101) },
        { size: 300, bytes: bytes.subarray(101, 401) },
        { size: 599, bytes: bytes.subarray(401) },
      ]);
      checkInTurn(connection);
      checkEqual(connection.indications.length, 0, 'indications of data that requests had taken');
      checkEqual(present((await connection.query()).delegated).rcvNxt, connection.rcvNxt, 'RcvNxt after data that was acknowledged before the offload');
    },
  },
  {
    id: 'target-receive-returns-pending',
    title: 'The call that posts receive requests returns PENDING, whatever becomes of them',
    rules: ['CHIM-RCV-001'],
    requirement: 'C-NDIS-RCV',
    run: async (world) => {
      const connection = await world.connect({ buffered: [10] });
      const [full, waiting] = [world.host.list(10), world.host.list(10)];
      for (const request of [full, waiting]) checkEqual(formatNdisStatus(world.binding.offloadTcpReceive(connection.handle, request)), formatNdisStatus(NDIS_STATUS_PENDING), 'what the call returned');
      await world.until(() => world.host.entries('dataComplete').length > 0, 'the completion of a request that BufferedData fills');
      await connection.terminate();
      const completed = world.host.entries('dataComplete').flatMap(({ nbls }) => nbls);
      checkEqual(completed.map(({ nbl }) => [full, waiting].indexOf(nbl)), [0, 1], 'the requests that were completed, in order');
    },
  },
  {
    id: 'target-receive-in-pieces',
    title: 'A request\'s memory is filled where its data begins, over as many MDLs as it takes, and nowhere else',
    rules: ['CHIM-RCV-003', 'CHIM-RCV-009'],
    requirement: 'C-NDIS-RCV',
    run: async (world) => {
      const connection = await world.connect({ buffered: [150] });
      const list = world.host.inPieces([new Uint8Array(10), new Uint8Array(1), new Uint8Array(100)]);
      const netBuffer = present(list.firstNetBuffer);
      const memory = (): Uint8Array[] => {
        const buffers: Uint8Array[] = [];
        for (let mdl = netBuffer.mdlChain; mdl !== null; mdl = mdl.next) buffers.push(mdl.buffer.slice());
        return buffers;
      };
      const before = memory();
      const headRoom = netBuffer.dataOffset;
      const rest = world.host.inPieces([new Uint8Array(20), new Uint8Array(60)]);
      const posted = [...connection.postList(list), ...connection.postList(rest)];
      await world.until(() => connection.receiveCompletions.length >= 2, 'the completion of two requests on several MDLs');
      checkRequests(connection, posted, [
        { size: 111, bytes: patternBefore(150).subarray(0, 111) },
        { size: 80, bytes: patternBefore(150).subarray(111) },
      ]);
      const after = memory();
      let at = 0;
      for (let mdl = netBuffer.mdlChain, index = 0; mdl !== null; mdl = mdl.next, index++) {
        const start = mdl.byteOffset + (index === 0 ? headRoom : 0);
        const end = mdl.byteOffset + mdl.byteCount;
        const expected = present(before[index]);
        expected.set(patternBefore(150).subarray(at, at + end - start), start);
        at += end - start;
        checkBytes(present(after[index]), expected, `memory that MDL ${index} lies in`);
      }
      checkEqual(netBuffer.dataOffset, headRoom + 111, 'data offset of the request that was filled');
      const { currentMdl, currentMdlOffset } = present(rest.firstNetBuffer);
      checkEqual([currentMdl === present(rest.firstNetBuffer).mdlChain?.next, currentMdlOffset], [true, 19], 'the current MDL, and the place in it, of the request that was not filled');
    },
  },
  {
    id: 'target-receive-filled-at-once',
    title: 'A request is completed as soon as it is full, without PSH and without a timer',
    rules: ['CHIM-RCV-006', 'CHIM-RCV-003'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([300]);
      posted.push(...connection.post([300], { isNoPush: true }));
      connection.forward({ at: 0, length: 299 });
      await world.settle();
      checkEqual(connection.receiveCompletions.length, 0, 'requests that were completed with one byte missing');
      connection.forward({ at: 299, length: 301 });
      await world.settle();
      checkRequests(connection, posted, [{ size: 300, bytes: pattern(0, 300) }, { size: 300, bytes: pattern(300, 300) }]);
      checkEqual(connection.indications.length, 0, 'indications of data that requests had taken');
    },
  },
  {
    id: 'target-receive-psh',
    title: 'PSH ends a push request that is partly filled, and its timer with it',
    rules: ['CHIM-RCV-006', 'CHIM-TMR-004'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([1000]);
      connection.forward({ at: 0, length: 400 });
      await world.advance(200);
      checkEqual(connection.receiveCompletions.length, 0, 'requests completed after 200 ms, with no PSH');
      connection.forward({ at: 400, length: 300, flags: PSH });
      await world.settle();
      checkRequests(connection, posted, [{ size: 1000, bytes: pattern(0, 700) }]);
      posted.push(...connection.post([1000]));
      await world.advance(2000);
      checkEqual(connection.receiveCompletions.length, 1, 'completions, the second request having got nothing,');
    },
  },
  {
    id: 'target-receive-no-push',
    title: 'A non-push request is completed neither for PSH nor for time, but when it is full',
    rules: ['CHIM-RCV-007'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([1000], { isNoPush: true });
      connection.forward({ at: 0, length: 400, flags: PSH });
      await world.advance(10_000);
      checkEqual(connection.receiveCompletions.length, 0, 'completions of a non-push request that has 400 of 1000 bytes');
      connection.forward({ at: 400, length: 600 });
      await world.settle();
      checkRequests(connection, posted, [{ size: 1000, bytes: pattern(0, 1000) }]);
    },
  },
  {
    id: 'target-receive-push-timer-not-for-no-push',
    title: 'The push timer of one request does not end the non-push request behind it',
    rules: ['CHIM-RCV-007', 'CHIM-TMR-004'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = [...connection.post([500]), ...connection.post([500], { isNoPush: true })];
      connection.forward({ at: 0, length: 200 });
      await world.advance(300);
      connection.forward({ at: 200, length: 400 });
      await world.advance(10_000);
      checkRequests(connection, posted, [{ size: 500, bytes: pattern(0, 500) }]);
      connection.forward({ at: 600, length: 400 });
      await world.settle();
      checkRequests(connection, posted, [{ size: 500, bytes: pattern(0, 500) }, { size: 500, bytes: pattern(500, 500) }]);
    },
  },
  {
    id: 'target-receive-buffered-psh',
    title: 'A request that takes buffered data is completed for a PSH behind the last of it',
    rules: ['CHIM-RCV-006', 'CHIM-RXI-003', 'CHIM-RXI-007'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect();
      const posted = connection.post([500]);
      connection.forward({ at: 0, length: 800 });
      await world.settle();
      checkRequests(connection, posted, [{ size: 500, bytes: pattern(0, 500) }]);
      checkEqual(connection.indications.length, 1, 'indications of the 300 bytes that found no room');
      connection.forward({ at: 800, length: 200, flags: PSH });
      await world.settle();
      checkEqual(connection.indications.length, 1, 'indications, more data having come after a refusal,');
      posted.push(...connection.post([1000]));
      await world.settle();
      checkRequests(connection, posted, [{ size: 500, bytes: pattern(0, 500) }, { size: 1000, bytes: pattern(500, 500) }]);
    },
  },
  {
    id: 'target-receive-refused-psh',
    title: 'PSH behind data that was refused ends the request that takes that data',
    rules: ['CHIM-RCV-006', 'CHIM-RXI-003'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect();
      connection.forward({ at: 0, length: 300, flags: PSH });
      await world.settle();
      const posted = connection.post([1000]);
      await world.settle();
      checkRequests(connection, posted, [{ size: 1000, bytes: pattern(0, 300) }]);
    },
  },
  {
    id: 'target-receive-takes-buffered',
    title: 'Requests that are posted take what was refused, at once, and what then is left is indicated again',
    rules: ['CHIM-RCV-005', 'CHIM-RCV-003', 'CHIM-RXI-004'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect();
      connection.forward({ at: 0, length: 600 });
      await world.settle();
      const refused = connection.indications.length;
      check(refused > 0, 'data that no request is there for was not indicated');
      const posted = connection.post([100, 200]);
      await world.settle();
      const firsts = [{ size: 100, bytes: pattern(0, 100) }, { size: 200, bytes: pattern(100, 200) }];
      checkRequests(connection, posted, firsts);
      const again = connection.indications.slice(refused);
      check(again.length > 0, 'what two requests left of the refused data was not indicated again');
      checkBytes(present(again[0]).bytes, pattern(300, present(again[0]).bytes.length), 'the indication after two requests');
      posted.push(...connection.post([1000], { isNoPush: true }));
      connection.forward({ at: 600, length: 700 });
      await world.settle();
      checkRequests(connection, posted, [...firsts, { size: 1000, bytes: pattern(300, 1000) }]);
      checkEqual(present((await connection.query()).delegated).rcvNxt, (connection.rcvNxt + 1300) | 0, 'RcvNxt after 1300 bytes');
    },
  },
  {
    id: 'target-receive-in-turn',
    title: 'Requests that are posted inside a receive completion wait for it to return, and get what comes next',
    rules: ['CHIM-RCV-004', 'CHIM-RCV-003', 'CHIM-RXI-001'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([300, 300]);
      let wishes = 2;
      world.host.whenCalled = (entry) => {
        if (entry.kind === 'dataComplete' && entry.operation === 'receive' && wishes-- > 0) posted.push(...connection.post([200, 300]));
      };
      connection.forward({ at: 0, length: 700, flags: PSH });
      await world.until(() => connection.receiveCompletions.length >= 3, 'the completion of three requests, the last for PSH');
      connection.forward({ at: 700, length: 800, flags: PSH });
      await world.until(() => posted.length === 6 && connection.receiveCompletions.length >= 6, 'the completion of all requests, those posted inside completions too');
      world.host.whenCalled = null;
      checkInTurn(connection);
      checkEqual(connection.indications.length, 0, 'indications of data that requests were there for');
      checkBytes(connection.received, pattern(0, 1500), 'what was received');
      checkEqual(connection.receiveCompletions.map(({ nbl }) => posted.indexOf(nbl)), [0, 1, 2, 3, 4, 5], 'the order in which receive requests were completed');
    },
  },
  {
    id: 'target-receive-zero-byte',
    title: 'A request of no bytes takes none, and lets refused data be indicated again',
    rules: ['CHIM-RCV-012', 'CHIM-RXI-003'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect();
      connection.forward({ at: 0, length: 300 });
      await world.until(() => connection.indications.length > 0, 'the indication of 300 bytes');
      world.host.appetite = (bytes) => bytes.length;
      const posted = connection.post([0]);
      await world.until(() => connection.received.length >= 300, 'the second indication of what was refused');
      checkRequests(connection, posted, [{ size: 0, bytes: new Uint8Array(0) }]);
      checkBytes(connection.received, pattern(0, 300), 'what was received');
      const { journal } = world.host;
      check(
        journal.findIndex((entry) => entry.kind === 'dataComplete' && entry.operation === 'receive') < journal.findLastIndex(({ kind }) => kind === 'indicate'),
        'refused data was indicated again before the request of no bytes was completed',
      );
    },
  },
  {
    id: 'target-receive-zero-byte-waits',
    title: 'A request of no bytes is completed in its place among the others',
    rules: ['CHIM-RCV-012', 'CHIM-RCV-003'],
    requirement: 'C-NDIS-RCV',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([50, 0, 50, 0]);
      connection.forward({ at: 0, length: 100 });
      await world.until(() => connection.receiveCompletions.length >= 3, 'the completion of the requests that 100 bytes fill');
      const nothing = { size: 0, bytes: new Uint8Array(0) };
      await connection.terminate();
      const { status } = present(connection.receiveCompletions[3]);
      checkRequests(connection, posted, [{ size: 50, bytes: pattern(0, 50) }, nothing, { size: 50, bytes: pattern(50, 50) }, { ...nothing, status }]);
      check(status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_UPLOAD_IN_PROGRESS, `a request of no bytes behind the last data ended with ${formatNdisStatus(status)}`);
    },
  },
  {
    id: 'target-receive-per-connection',
    title: 'Each connection\'s data goes into its own requests',
    rules: ['CHIM-RCV-003', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-RCV',
    run: async (world) => {
      const connections = await world.connectAll(2, { buffered: [300] });
      const requests = connections.map((connection) => connection.post([100, 200]));
      await world.until(() => connections.every((connection) => connection.receiveCompletions.length >= 2), 'the completion of four receive requests');
      connections.forEach((connection, at) => {
        checkRequests(connection, present(requests[at]), [{ size: 100, bytes: patternBefore(300).subarray(0, 100) }, { size: 200, bytes: patternBefore(300).subarray(100) }]);
      });
      const completed = world.host.entries('dataComplete').flatMap(({ list }) => membersOf(list));
      checkEqual(new Set(completed).size, completed.length, 'different NBLs completed');
    },
  },
];
