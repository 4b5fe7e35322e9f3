import { NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { FULL, HUNGRY } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import { checkInTurn } from './received.ts';
import type { TargetCase } from './target-case.ts';

/** The stream from a peer as a whole. */
export const receiveStreamCases: readonly TargetCase[] = [
  {
    id: 'target-receive-stream',
    title: 'However the host takes it, a stream from the peer arrives once, whole and in order',
    rules: ['CHIM-RXI-009', 'CHIM-RXI-007', 'CHIM-RCV-003', 'CHIM-RCV-005', 'CHIM-ST-007'],
    requirement: 'C-NDIS-RXI',
    requires: ['peer'],
    run: async (world) => {
      const total = 150_000;
      const connection = await world.connect();
      const peer = await connection.peer();
      const random = world.runtime.random.fork('host');
      world.host.keepsIndicated = true;
      world.host.appetite = ({ length }) => {
        if (random.nextInt(4) > 0) connection.post([random.nextInt(3000), 1 + random.nextInt(5000)], { isNoPush: random.nextInt(2) === 0 });
        return random.nextInt(3) === 0 ? random.nextInt(length + 1) : length;
      };
      const writes: Promise<unknown>[] = [];
      for (let at = 0; at < total; ) {
        const count = Math.min(total - at, 1 + random.nextInt(20_000));
        writes.push(peer.write(pattern(at, count)));
        at += count;
      }
      for (let rounds = 0; (await connection.countReceived()) < total; rounds++) {
        check(rounds < 500, `${total - connection.received.length} bytes of ${total} did not come`);
        connection.post([1 + random.nextInt(4000)]);
        world.host.returnKept();
        await world.advance(100);
      }
      await world.wait(Promise.all(writes), 'the acknowledgment of everything that the peer has sent');
      // What was refused last waits for this one; from here on nothing is refused.
      world.host.appetite = HUNGRY;
      connection.post([1]);
      await world.advance(1000);
      const statuses = connection.receiveCompletions.filter(({ status }) => status !== NDIS_STATUS_SUCCESS).map(({ status }) => status);
      checkEqual(statuses, [], 'statuses of requests that something else than data ended');
      // The last bytes may be in a non-push request, which ends with the connection.
      const { delegated, buffered } = await connection.terminate();
      checkEqual(buffered.length, 0, 'bytes that came back though a request was there for them');
      checkBytes(connection.received, pattern(0, total), 'what was received');
      checkInTurn(connection);
      checkEqual(delegated.rcvNxt, (connection.rcvNxt + total) | 0, 'RcvNxt');
    },
  },
  {
    id: 'target-receive-psh-behind-window',
    title: 'A push request gets all that comes before PSH, also when a window is too small for it at once',
    rules: ['CHIM-RCV-006', 'CHIM-TMR-004'],
    requirement: 'C-NDIS-RCV',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const window = 4096;
      const total = 3 * window;
      const connection = await world.connect({
        change: ({ cached, delegated }) => {
          present(cached).initialRcvWnd = window;
          present(delegated).rcvWnd = window;
        },
      });
      const [request] = connection.post([total + 1000]);
      await world.wait((await connection.peer()).write(pattern(0, total)), 'the acknowledgment of what the peer has sent');
      await world.until(() => connection.receiveCompletions.length > 0, 'the completion of a push request');
      const [completed] = connection.receiveCompletions;
      checkEqual([completed?.nbl === request, completed?.bytesTransferred], [true, total], 'the request that was completed, and the bytes in it, of those before PSH');
      checkBytes(connection.received, pattern(0, total), 'what was received');
    },
  },
  {
    id: 'target-receive-window',
    title: 'A peer that sends more than the host takes waits, and nothing of what it sends is lost',
    rules: ['CHIM-RXI-004', 'CHIM-RCV-008', 'CHIM-ST-007'],
    requirement: 'C-NDIS-RXI',
    requires: ['peer', 'virtual-time'],
    run: async (world) => {
      const window = 8192;
      const total = 5 * window;
      const connection = await world.connect({
        change: ({ cached, delegated }) => {
          present(cached).initialRcvWnd = window;
          present(delegated).rcvWnd = window;
        },
      });
      world.host.appetite = FULL;
      let isWritten = false;
      const peer = await connection.peer();
      const written = peer.write(pattern(0, total)).then(() => {
        isWritten = true;
      });
      await world.advance(3000);
      check(!isWritten, 'more was acknowledged than InitialRcvWnd, while the host took nothing');
      const { rcvNxt, rcvWnd } = present((await connection.query()).delegated);
      const taken = (rcvNxt - connection.rcvNxt) | 0;
      check(taken > 0 && taken <= window, `RcvNxt is ${taken} bytes further, and the window was ${window}`);
      check(rcvWnd <= window - taken, `RcvWnd is ${rcvWnd}, with ${taken} bytes that the host has not taken, of ${window}`);
      world.host.appetite = HUNGRY;
      connection.post([1000]);
      await world.wait(written, 'the acknowledgment of everything that the peer has sent');
      await world.until(() => connection.received.length >= total, 'everything that the peer has sent');
      checkBytes(connection.received, pattern(0, total), 'what was received');
    },
  },
];
