import { NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { FULL, HUNGRY } from '../world/case-host.ts';
import { pattern, patternBefore } from '../world/pattern.ts';
import { SEGMENT_FLAG } from '../world/segment.ts';
import { concat, type WorldConnection } from '../world/world-connection.ts';
import { checkInTurn, checkRequests, untilCounted } from './received.ts';
import type { TargetCase } from './target-case.ts';

const { PSH } = SEGMENT_FLAG;

/** Checks that nothing was indicated since there were so many. */
function checkSilence(connection: WorldConnection, before: number, what: string): void {
  checkEqual(connection.indications.length - before, 0, `indications ${what}`);
}

/** What is indicated, when, and what becomes of it. */
export const receiveIndicationCases: readonly TargetCase[] = [
  {
    id: 'target-indicate-shape',
    title: 'An indication is one stand-alone NBL with one NET_BUFFER and status SUCCESS, for the connection\'s own handle',
    rules: ['CHIM-RXI-002', 'CHIM-EVT-019', 'CHIM-EVT-020', 'CHIM-RXI-010'],
    requirement: 'C-NDIS-RXI',
    run: async (world) => {
      world.host.keepsIndicated = true;
      const connection = await world.connect({ buffered: [4000, 3000, 2500] });
      connection.post([0]);
      await world.until(() => connection.received.length >= 9500, 'the indication of 9500 bytes of BufferedData, after a request of no bytes,');
      for (const { list, status, bytes } of world.host.entries('indicate')) {
        checkEqual(status, NDIS_STATUS_SUCCESS, 'status of an indication');
        checkEqual(list.next, null, 'next NBL of an indication');
        checkEqual(present(list.firstNetBuffer).next, null, 'second NET_BUFFER of an indication');
        check(bytes.length > 0, 'nothing was indicated');
      }
      checkEqual(world.host.entries('indicate').length, connection.indications.length, 'indications for the connection, of all');
      checkBytes(connection.received, patternBefore(9500), 'what was indicated');
      checkInTurn(connection);
    },
  },
  {
    id: 'target-indicate-buffered-waits',
    title: 'BufferedData of the offload is not indicated before a receive request is posted',
    rules: ['CHIM-RXI-008'],
    requirement: 'C-NDIS-RXI',
    requires: ['virtual-time'],
    run: async (world) => {
      const connection = await world.connect({ buffered: [600, 400] });
      await world.advance(10_000);
      checkSilence(connection, 0, 'before the first receive request');
      const posted = connection.post([600]);
      await world.until(() => connection.received.length >= 1000, 'the rest of BufferedData');
      checkRequests(connection, posted, [{ size: 600, bytes: patternBefore(1000).subarray(0, 600) }]);
      checkBytes(connection.received, patternBefore(1000), 'what was received');
    },
  },
  {
    id: 'target-indicate-buffered-first',
    title: 'What came after the offload follows BufferedData, whichever way both go up',
    rules: ['CHIM-RXI-007', 'CHIM-RXI-008'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect({ buffered: [1000] });
      connection.forward({ at: 0, length: 200, flags: PSH });
      await world.advance(5000);
      checkSilence(connection, 0, 'of new data that BufferedData goes before');
      const posted = connection.post([600]);
      await world.until(() => connection.received.length >= 1200, 'BufferedData and 200 bytes that came after it');
      checkRequests(connection, posted, [{ size: 600, bytes: patternBefore(1000).subarray(0, 600) }]);
      checkBytes(connection.received, concat([patternBefore(1000), pattern(0, 200)]), 'what was received');
      checkEqual(present((await connection.query()).delegated).rcvNxt, (connection.rcvNxt + 200) | 0, 'RcvNxt');
    },
  },
  {
    id: 'target-indicate-rest',
    title: 'Only what posted requests cannot take is indicated, after they are completed',
    rules: ['CHIM-RXI-001', 'CHIM-RXI-007'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      const posted = connection.post([300, 300]);
      connection.forward({ at: 0, length: 1000 });
      await world.until(() => connection.received.length >= 1000, '1000 bytes, by completion and by indication,');
      checkRequests(connection, posted, [{ size: 300, bytes: pattern(0, 300) }, { size: 300, bytes: pattern(300, 300) }]);
      checkBytes(concat(connection.indications.map(({ bytes }) => bytes)), pattern(600, 400), 'what was indicated');
      checkBytes(connection.received, pattern(0, 1000), 'what was received, in the order of the calls');
      checkInTurn(connection);
    },
  },
  {
    id: 'target-indicate-refused-stays',
    title: 'What was refused is not indicated again, nor what comes after it, until a request is posted; that gets it all in order',
    rules: ['CHIM-RXI-003', 'CHIM-RXI-007', 'CHIM-RXI-004'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect();
      connection.forward({ at: 0, length: 100 });
      await world.settle();
      const refused = connection.indications.length;
      check(refused > 0, 'data that no request is there for was not indicated');
      world.host.appetite = HUNGRY;
      for (const at of [100, 1000, 1900]) connection.forward({ at, length: 900, flags: PSH });
      await world.advance(10_000);
      checkSilence(connection, refused, 'after a refusal');
      const posted = connection.post([2800], { isNoPush: true });
      await world.settle();
      checkRequests(connection, posted, [{ size: 2800, bytes: pattern(0, 2800) }]);
      checkSilence(connection, refused, 'of bytes that a request has taken');
    },
  },
  {
    id: 'target-indicate-after-pause',
    title: 'What came while the adapter was paused is offered once when it runs again; what is refused then waits for a request, as ever',
    rules: ['CHIM-RXI-003', 'CHIM-RXI-007', 'CHIM-RET-004'],
    requirement: 'C-NDIS-RXI',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      world.host.appetite = FULL;
      const connection = await world.connect();
      const peer = await connection.peer();
      const written = [peer.write(pattern(0, 300))];
      let isPaused = false;
      world.ndis.pauseAdapter(world.adapter, () => {
        isPaused = true;
      });
      await world.until(() => isPaused, 'the pause of the adapter');
      await world.advance(1000);
      checkEqual(connection.indications.length, 0, 'indications of an adapter that is paused');
      let isRunning = false;
      world.ndis.restartAdapter(world.adapter, () => {
        isRunning = true;
      });
      await world.until(() => isRunning, 'the restart of the adapter');
      await world.until(() => connection.indications.length > 0, 'the indication of what came during the pause');
      await world.advance(1000);
      const refused = connection.indications.length;
      written.push(peer.write(pattern(300, 500)), peer.write(pattern(800, 200)));
      await world.advance(1000);
      checkSilence(connection, refused, 'after a refusal that followed a pause');
      // Requests of the other mode may end with each PSH that is in what was kept.
      const posted = connection.post([400, 600], { isNoPush: true });
      await world.settle();
      checkRequests(connection, posted, [{ size: 400, bytes: pattern(0, 400) }, { size: 600, bytes: pattern(400, 600) }]);
      await world.wait(Promise.all(written), 'the acknowledgment of everything that the peer has sent');
      // Nothing is left of it.
      written.push(peer.write(pattern(1000, 100)));
      await world.until(() => connection.indications.length > refused, 'the indication of what came last');
      await world.advance(1000);
      checkSilence(connection, refused + 1, 'after another refusal');
    },
  },
  {
    id: 'target-indicate-partly',
    title: 'When the host takes a part, exactly the rest stays, and goes into the requests it posts',
    rules: ['CHIM-RXI-004', 'CHIM-RXI-003'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      let wanted = 400;
      world.host.appetite = ({ length }) => {
        const taken = Math.min(wanted, length);
        wanted -= taken;
        return taken;
      };
      connection.forward({ at: 0, length: 1000 });
      await world.settle();
      checkBytes(connection.received, pattern(0, 400), 'what the host took');
      const before = connection.indications.length;
      connection.forward({ at: 1000, length: 1400 }, { at: 2400, length: 1100 });
      await world.advance(5000);
      checkSilence(connection, before, 'after the host took a part');
      const posted = connection.post([600, 2499, 1]);
      await world.settle();
      checkRequests(connection, posted, [
        { size: 600, bytes: pattern(400, 600) },
        { size: 2499, bytes: pattern(1000, 2499) },
        { size: 1, bytes: pattern(3499, 1) },
      ]);
      checkBytes(connection.received, pattern(0, 3500), 'what was received');
    },
  },
  {
    id: 'target-indicate-one-byte-left',
    title: 'A single byte that the host leaves holds back everything behind it',
    rules: ['CHIM-RXI-003', 'CHIM-RXI-004', 'CHIM-RXI-007'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      world.host.appetite = ({ length }) => Math.min(length, Math.max(0, 99 - connection.received.length));
      connection.forward({ at: 0, length: 100 });
      await world.settle();
      checkBytes(connection.received, pattern(0, 99), 'what the host took');
      world.host.appetite = HUNGRY;
      const before = connection.indications.length;
      connection.forward({ at: 100, length: 50 });
      await world.advance(5000);
      checkSilence(connection, before, 'with one byte in front of it that the host has not taken');
      const posted = connection.post([1]);
      await world.until(() => connection.received.length >= 150, 'the rest of the data');
      checkRequests(connection, posted, [{ size: 1, bytes: pattern(99, 1) }]);
      checkBytes(connection.received, pattern(0, 150), 'what was received');
    },
  },
  {
    id: 'target-indicate-any-answer',
    title: 'Whatever the host answers, and however often it asks again with a request of no bytes, it gets each byte once',
    rules: ['CHIM-RXI-004', 'CHIM-RXI-007', 'CHIM-ST-007'],
    requirement: 'C-NDIS-RXI',
    run: async (world) => {
      const connection = await world.connect({ buffered: [6000, 1, 2999] });
      const answers = [0, 4095, 1, 0, 4097, 300];
      world.host.appetite = ({ length }) => answers.shift() ?? length;
      for (let asked = 0; connection.received.length < 9000; asked++) {
        check(asked < 20, `${9000 - connection.received.length} bytes of 9000 were not indicated again`);
        const posted = connection.post([0]);
        await world.until(() => connection.receiveCompletions.some(({ nbl }) => nbl === posted[0]), 'the completion of a request of no bytes');
        await world.settle();
      }
      checkBytes(connection.received, patternBefore(9000), 'what was received');
      checkInTurn(connection);
    },
  },
  {
    id: 'target-indicate-kept-untouched',
    title: 'What the host keeps is not touched until it comes back',
    rules: ['CHIM-RXI-006', 'CHIM-RXI-009'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward'],
    run: async (world) => {
      world.host.keepsIndicated = true;
      const connection = await world.connect();
      for (let round = 1; round <= 3; round++) {
        const before = connection.indications.length;
        for (let at = (round - 1) * 4000; at < round * 4000; at += 500) {
          connection.forward({ at, length: 500 });
          await world.until(() => connection.received.length >= at + 500, 'the indication of a forwarded segment');
        }
        for (const { list, bytes } of connection.indications.slice(before)) {
          let at = 0;
          for (let mdl = present(list.firstNetBuffer).mdlChain; mdl !== null; at += mdl.byteCount, mdl = mdl.next) {
            const here = mdl.buffer.subarray(mdl.byteOffset, mdl.byteOffset + Math.min(mdl.byteCount, bytes.length - at));
            checkBytes(here, bytes.subarray(at, at + here.length), 'data of an NBL that the host keeps');
          }
          check(at >= bytes.length, 'an NBL that the host keeps has lost memory');
        }
        world.host.returnKept();
      }
      checkBytes(connection.received, pattern(0, 12_000), 'what was indicated');
    },
  },
  {
    id: 'target-indicate-post-inside',
    title: 'A request that is posted inside an indication gets what the host did not take, once the indication has returned',
    rules: ['CHIM-RCV-004', 'CHIM-RXI-001', 'CHIM-RXI-004'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward', 'virtual-time'],
    run: async (world) => {
      const connection = await world.connect();
      const posted: ReturnType<typeof connection.post> = [];
      // None of the first indication, a byte of the second, all of the third; a request each time. Whatever pieces a target
      // indicates a segment in, the third has one.
      const takes = [0, 1, 1];
      world.host.appetite = ({ length }) => {
        posted.push(...connection.post([400]));
        return Math.min(takes.shift() ?? 0, length);
      };
      connection.forward({ at: 0, length: 400 });
      await world.settle();
      connection.forward({ at: 400, length: 401 });
      await world.settle();
      connection.forward({ at: 801, length: 1 });
      await world.settle();
      connection.forward({ at: 802, length: 400 });
      await world.settle();
      checkInTurn(connection);
      checkEqual(takes.length, 0, 'indications that did not come');
      checkRequests(connection, posted, [{ size: 400, bytes: pattern(0, 400) }, { size: 400, bytes: pattern(401, 400) }, { size: 400, bytes: pattern(802, 400) }]);
      checkBytes(connection.received, pattern(0, 1202), 'what was received');
    },
  },
  {
    id: 'target-indicate-size',
    title: 'RcvIndicationSize is a hint about pieces, and changes nothing about the bytes',
    rules: ['CHIM-RXI-010', 'CHIM-RXI-004', 'CHIM-RXI-007'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect({
        change: ({ cached }) => {
          present(cached).rcvIndicationSize = 300;
        },
      });
      let indications = 0;
      world.host.appetite = ({ length }) => (++indications === 3 ? Math.ceil(length / 2) : length);
      connection.forward({ at: 0, length: 1400 });
      await world.until(() => connection.forwardCompletions.length > 0, 'the completion of a forwarded segment');
      await world.settle();
      const posted = connection.post([1]);
      connection.forward({ at: 1400, length: 600 });
      await world.until(() => connection.received.length >= 2000, '2000 bytes, by completion and by indication,');
      checkEqual(connection.receiveCompletions.map(({ nbl, bytesTransferred }) => [posted.indexOf(nbl), bytesTransferred]), [[0, 1]], 'the completion of a request of one byte');
      checkBytes(connection.received, pattern(0, 2000), 'what was received');
    },
  },
  {
    id: 'target-indicate-upload',
    title: 'What the host did not take comes back in BufferedData, from the byte on that it did not take',
    rules: ['CHIM-RXI-004', 'CHIM-ST-007', 'CHIM-RET-001'],
    requirement: 'C-NDIS-RXI',
    requires: ['forward'],
    run: async (world) => {
      const connection = await world.connect();
      world.host.appetite = ({ length }) => Math.min(length, Math.max(0, 400 - connection.received.length));
      connection.forward({ at: 0, length: 1000 }, { at: 1000, length: 50 });
      await world.until(() => connection.received.length >= 400, 'the indication of two forwarded segments');
      await untilCounted(connection, 1050);
      const { delegated, buffered } = await connection.terminate();
      checkBytes(concat([connection.received, buffered]), pattern(0, 1050), 'what was received, and then BufferedData');
      checkEqual(delegated.rcvNxt, (connection.rcvNxt + 1050) | 0, 'RcvNxt that was given back');
    },
  },
];
