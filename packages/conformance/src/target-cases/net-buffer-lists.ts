import { NDIS_STATUS_SUCCESS, type NetBufferList } from '@ndis-chimney/types';

import { checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import type { DataOperationName } from '../world/journal.ts';
import type { TargetCase } from './target-case.ts';

/** Longest time a send may take while its peer answers (`ndis-ndistimeddatasend.md`). */
const SEND_MS = 30_000;
/** Reserved members of an NBL that are not the miniport's. `scratch` is its owner's to use. */
const OTHERS = ['protocolReserved0', 'protocolReserved1', 'protocolReserved2', 'protocolReserved3', 'parentNetBufferList', 'childRefCount'] as const;
/** The same of a NET_BUFFER. */
const NET_BUFFER_OTHERS = ['protocolReserved0', 'protocolReserved1', 'protocolReserved2', 'protocolReserved3', 'protocolReserved4', 'protocolReserved5'] as const;
/** Info slots that no chimney operation is about: `NetBufferListCancelId` and `NetBufferListHashValue`. */
const OTHER_INFO = [5, 8];

/** Writes the host's own into whatever an NBL has that is not the target's. */
function mark(nbl: NetBufferList): void {
  for (const [at, name] of OTHERS.slice(0, 4).entries()) (nbl as unknown as Record<string, unknown>)[name] = `NBL ${at}`;
  for (const slot of OTHER_INFO) nbl.setInfo(slot, slot);
  for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) for (const [at, name] of NET_BUFFER_OTHERS.entries()) nb[name] = `NET_BUFFER ${at}`;
}

function marksOf(nbl: NetBufferList): unknown[] {
  const marks: unknown[] = [...OTHERS.map((name) => nbl[name]), ...OTHER_INFO.map((slot) => nbl.getInfo(slot))];
  for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) for (const name of NET_BUFFER_OTHERS) marks.push(nb[name]);
  return marks;
}

/** Everything of an NBL that its owner may write, as text; its successor by whether there is one. */
function wholeOf(nbl: NetBufferList): string {
  const { next, status, flags, nblFlags, tcpOffloadBytesTransferred, miniportReserved0, miniportReserved1, context } = nbl;
  const netBuffers = [];
  for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) netBuffers.push(`${nb.dataOffset}+${nb.dataLength} at ${nb.currentMdlOffset} of ${nb.currentMdl?.buffer.join(' ')}`);
  return [next === null, status, flags, nblFlags, tcpOffloadBytesTransferred, miniportReserved0, miniportReserved1, context === null, ...netBuffers].map(String).join(', ');
}

export const netBufferListsCases: readonly TargetCase[] = [
  {
    id: 'target-nbl-once',
    title: 'Requests of all kinds on two connections are completed once each, by the function of their kind',
    rules: ['CHIM-NBL-001'],
    requirement: 'C-NDIS-NBL',
    requires: ['forward'],
    run: async (world) => {
      const expected: Record<DataOperationName, NetBufferList[]> = { send: [], receive: [], forward: [], disconnect: [] };
      const completed = (kind: string): NetBufferList[] => world.host.entries('dataComplete').flatMap(({ operation, nbls }) => (operation === kind ? nbls.map(({ nbl }) => nbl) : []));
      for (const connection of await world.connectAll(2)) {
        expected.receive.push(...connection.post([50, 60]), ...connection.post([10]));
        expected.send.push(...connection.send(pattern(0, 1000), 0), ...connection.send(pattern(1000, 10)));
        expected.forward.push(...connection.forward({ length: 50 }, { at: 50, length: 60 }));
        expected.disconnect.push(connection.disconnect(pattern(1010, 10)));
      }
      await world.until(() => ['send', 'forward', 'disconnect'].every((kind) => completed(kind).length >= expected[kind as DataOperationName].length), 'the completion of sends, forwarded segments and disconnects');
      await world.terminateAll();
      for (const kind of Object.keys(expected) as DataOperationName[]) {
        const places = completed(kind).map((nbl) => expected[kind].indexOf(nbl));
        checkEqual(places.sort((a, b) => a - b), expected[kind].map((_, at) => at), `NBLs completed by the function for ${kind}`);
      }
    },
  },
  {
    id: 'target-nbl-released',
    title: 'An NBL is the host\'s when its completion comes: the host may use it, its links and its memory for something else, and nothing more of it is touched',
    rules: ['CHIM-NBL-005'],
    requirement: 'C-NDIS-NBL',
    requires: ['peer'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const wholes = new Map<NetBufferList, string>();
      world.host.whenCalled = (entry) => {
        if (entry.kind !== 'dataComplete') return;
        for (const { nbl } of entry.nbls) {
          // At once, while the completion is still on the stack.
          nbl.next = null;
          nbl.status = 0x1234;
          nbl.tcpOffloadBytesTransferred = 0x5678;
          nbl.miniportReserved0 = 'host';
          nbl.miniportReserved1 = 'host';
          nbl.firstNetBuffer?.currentMdl?.buffer.fill(0xAA);
          wholes.set(nbl, wholeOf(nbl));
        }
      };
      const checkUntouched = (when: string): void => {
        for (const [nbl, whole] of wholes) checkEqual(wholeOf(nbl), whole, `an NBL that was completed before, ${when}`);
      };
      connection.post([700, 700, 100], { isNoPush: true });
      connection.send(pattern(0, 500), pattern(500, 500), pattern(1000, 10));
      checkBytes(await world.read(peer, 1010), pattern(0, 1010), 'what the far end got');
      await world.wait(peer.write(pattern(0, 1400)), 'the acknowledgment of what the far end sends');
      await world.until(() => wholes.size >= 5, 'the completion of three sends and two receive requests');
      checkUntouched('when five requests are completed');
      connection.send(pattern(1010, 2000));
      await world.wait(peer.write(pattern(1400, 3000)), 'the acknowledgment of what the far end sends');
      await world.read(peer, 2000);
      await world.until(() => wholes.size >= 7, 'the completion of a send and a receive request more');
      checkUntouched('after more traffic');
      connection.disconnect(pattern(3010, 5));
      await world.readToEnd(peer);
      await world.until(() => wholes.size >= 8, 'the completion of a disconnect');
      await connection.terminate();
      checkUntouched('after the terminate');
    },
  },
  {
    id: 'target-nbl-reserved',
    title: 'What an NBL and its NET_BUFFERs hold that is not the target\'s comes back as it was',
    rules: ['CHIM-NBL-006'],
    requirement: 'C-NDIS-NBL',
    requires: ['peer', 'forward'],
    run: async (world) => {
      const connection = await world.connect();
      const peer = await connection.peer();
      const { host } = world;
      const send = host.inPieces([pattern(0, 100)], [pattern(100, 5000)]);
      const forward = host.list(connection.segment({ length: 10 }));
      const nbls = [send, host.list(10), forward];
      nbls.forEach(mark);
      const marks = nbls.map(marksOf);
      connection.postList(present(nbls[1]));
      connection.sendNbls(send);
      connection.forwardList(forward);
      await world.read(peer, 5100);
      await world.until(() => host.entries('dataComplete').length >= 3, 'the completion of a send, a receive request and a forwarded segment');
      checkEqual(nbls.map(marksOf), marks, 'what NBLs hold that is not the target\'s, after they were completed');
      const left = host.inPieces([pattern(5100, 20_000)]);
      mark(left);
      const before = marksOf(left);
      connection.sendNbls(left);
      await world.advance(100);
      await connection.terminate();
      checkEqual(marksOf(left), before, 'what an NBL holds that is not the target\'s, after a terminate gave it back');
    },
  },
  {
    id: 'target-nbl-in-time',
    title: 'With a peer that answers, a send is completed within thirty seconds',
    rules: ['CHIM-NBL-007'],
    requirement: 'C-NDIS-NBL',
    run: async (world) => {
      const connection = await world.connect();
      const nbls = connection.send(pattern(0, 700), pattern(700, 1), pattern(701, 1500));
      await world.until(() => connection.sendCompletions.length >= nbls.length, 'the completion of three sends whose peer answers', SEND_MS);
      checkEqual(connection.sendCompletions.map(({ status }) => status), nbls.map(() => NDIS_STATUS_SUCCESS), 'what sends were completed with');
    },
  },
];
