import { NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS, NDIS_STATUS_SUCCESS, type ClientChimneyOffloadTcpHandlers, type NetBufferList } from '@ndis-chimney/types';

import { check, checkEqual, checkSame } from '../check.ts';
import { link, membersOf } from '../probes/lists.ts';
import { present } from '../probes/present.ts';
import type { JournalEntry } from '../world/journal.ts';
import { DATA_KINDS, type DataKind } from './data-kinds.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { pictureOfList } from './pictures.ts';

const entryOfHost = ({ name }: DataKind): string => `protocolTcpOffload${name.charAt(0).toUpperCase()}${name.slice(1)}Complete`;

function upCase(kind: DataKind): IntermediateCase {
  const { name, contents, statuses, start, pending, complete } = kind;
  return {
    id: `intermediate-${name}-up`,
    title: `The completion of a ${name} goes up once, as one of its kind, with the same NET_BUFFER_LISTs, statuses, byte counts and data starts`,
    rules: ['CHIM-IM-009', 'CHIM-IM-010', 'CHIM-IM-013', 'CHIM-NBL-001', ...(name === 'disconnect' ? ['CHIM-DSC-015'] : [])],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { host, ndis } = world;
      const { connections } = await world.offload({ connectionsPerPath: 2 });
      const connection = present(connections[1]);
      const { target } = world.below(connection);
      // A disconnect is completed alone, so that each of its statuses takes one of its own.
      const rounds = name === 'disconnect' ? statuses.map((status) => [status]) : [statuses];
      for (const round of rounds) {
        host.calls.clear();
        host.journal.length = 0;
        const list = host.list(...contents);
        const members = membersOf(list);
        start(connection, list);
        await world.settle();
        const completed = pending(target).splice(0);
        completed.forEach((nbl, at) => {
          nbl.status = present(round[at % round.length]);
          const nb = present(nbl.firstNetBuffer);
          const bytes = Math.min(nb.dataLength, at + 2);
          nbl.tcpOffloadBytesTransferred = bytes;
          ndis.advanceNetBufferDataStart(nb, bytes, false);
        });
        const before = pictureOfList(link(completed));
        await world.atDispatch(() => {
          complete(target, link(completed));
        });
        const entries = host.entries('dataComplete');
        checkSame(entries.flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl)), members, `NET_BUFFER_LISTs of a completed ${name}`);
        check(entries.every(({ operation }) => operation === name), `a ${name} was completed as something else`);
        checkEqual(pictureOfList(list), before, `a completed ${name}`);
        check(host.calls.of(entryOfHost(kind)).every(([context]) => context === host.context), `a ${name} was completed on another binding`);
        if (world.isTransparent) checkEqual(entries.length, 1, `completions of one ${name}`);
      }
    },
  };
}

export const dataUpCases: readonly IntermediateCase[] = [
  ...DATA_KINDS.map(upCase),
  {
    id: 'intermediate-completion-lists',
    title: 'Requests come back in the lists in which the target completes them, whichever calls and connections they are from',
    rules: ['CHIM-IM-009', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { host } = world;
      const [a, b] = (await world.offload({ connectionsPerPath: 2 })).connections;
      for (const kind of DATA_KINDS.slice(0, 3)) {
        const lists = [[present(a), 2], [present(b), 1], [present(a), 3]] as const;
        const members = lists.flatMap(([connection, count]) => {
          const list = host.list(...Array.from({ length: count }, () => 'data'));
          const nbls = membersOf(list);
          kind.start(connection, list);
          return nbls;
        });
        await world.settle();
        for (const target of world.targets) {
          const below = kind.pending(target).splice(0);
          for (const part of [below.splice(0, 1), below.splice(0, 3), below]) {
            for (const nbl of part) nbl.status = NDIS_STATUS_SUCCESS;
            if (part.length > 0) await world.atDispatch(() => {
              kind.complete(target, link(part));
            });
          }
        }
        const entries = host.entries('dataComplete').filter(({ operation }) => operation === kind.name);
        const back = entries.flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl));
        checkEqual(back.length, members.length, `${kind.name} requests that came back`);
        if (!world.isTransparent) continue;
        checkSame(back, members, `${kind.name} requests in the order of their completion`);
        checkEqual(entries.map(({ nbls }) => nbls.length).join(), '1,3,2', `NET_BUFFER_LISTs per completion of a ${kind.name}`);
      }
    },
  },
  {
    id: 'intermediate-contexts-off',
    title: 'When a request comes back no context of the driver is on it, one of the driver above still is, and SourceHandle is what it was',
    rules: ['CHIM-DSC-016', 'CHIM-IM-009'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { host, ndis } = world;
      const { connections } = await world.offload();
      const contexts = ndis.allocateNetBufferListContextPool(host);
      const wrong: string[] = [];
      let mine = new Map<NetBufferList, unknown>();
      host.whenCalled = (entry: JournalEntry) => {
        if (entry.kind !== 'dataComplete' && entry.kind !== 'ordinarySendComplete') return;
        for (const { nbl } of entry.nbls) {
          if (nbl.context !== mine.get(nbl)) wrong.push('the context stack');
          if (nbl.sourceHandle !== null) wrong.push('SourceHandle');
        }
      };
      const ways = [...DATA_KINDS.map(({ name, contents, start }) => ({ name, contents, go: (list: NetBufferList) => start(present(connections[0]), list) })), {
        name: 'ordinary send',
        contents: ['packet', 'packet'],
        go: (list: NetBufferList) => {
          world.binding.sendNetBufferLists(list, 0, 0);
        },
      }];
      for (const { name, contents, go } of ways) {
        const list = host.list(...contents);
        contexts.pushOnList(list, null);
        mine = new Map(membersOf(list).map((nbl) => [nbl, nbl.context]));
        const members = membersOf(list);
        go(list);
        await world.completeAll();
        checkEqual(wrong.join(), '', `what was not as it was when a ${name} came back`);
        for (const nbl of members) {
          check(contexts.topOf(nbl) !== null, `the context of the driver above went from a ${name}`);
          contexts.freeNetBufferListContext(nbl);
        }
      }
    },
  },
  {
    id: 'intermediate-done-with-requests',
    title: 'After it has passed a completion up the driver touches nothing of the list',
    rules: ['CHIM-NBL-005'],
    requirement: 'C-NDIS-NBL',
    requires: ['virtual-time'],
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload();
      const after = new Map<NetBufferList, string>();
      const mark = ({ status, scratch, next, context, sourceHandle, tcpOffloadBytesTransferred }: NetBufferList): string => `${status} ${scratch === 'the host'} ${next === null} ${context === null} ${sourceHandle === null} ${tcpOffloadBytesTransferred}`;
      host.whenCalled = (entry) => {
        if (entry.kind !== 'dataComplete') return;
        for (const { nbl } of entry.nbls) {
          nbl.next = null;
          nbl.status = 0x123;
          nbl.scratch = 'the host';
          nbl.tcpOffloadBytesTransferred = 77;
          after.set(nbl, mark(nbl));
        }
      };
      for (const { contents, start } of DATA_KINDS) start(present(connections[0]), host.list(...contents));
      await world.completeAll();
      await world.runtime.advance(5000);
      for (const [nbl, marked] of after) checkEqual(mark(nbl), marked, 'a NET_BUFFER_LIST that the host has had back for 5 s');
      checkEqual(after.size, DATA_KINDS.reduce((sum, { contents }) => sum + contents.length, 0), 'NET_BUFFER_LISTs that came back');
    },
  },
  {
    id: 'intermediate-requests-from-completions',
    title: 'From inside a completion the host may pass the same NET_BUFFER_LISTs down again, as another list of another kind',
    rules: ['CHIM-IM-008', 'CHIM-IM-009', 'CHIM-NBL-005'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload({ connectionsPerPath: 2 });
      const rounds = DATA_KINDS.slice(0, 3);
      const expected: NetBufferList[][] = [];
      let at = 0;
      const go = (nbls: NetBufferList[]): void => {
        const kind = rounds[at];
        if (kind === undefined) return;
        expected.push(nbls);
        kind.start(present(connections[at % 2]), link(nbls));
        at++;
      };
      host.whenCalled = (entry) => {
        if (entry.kind === 'dataComplete') go(entry.nbls.map(({ nbl }) => nbl).reverse());
      };
      go(membersOf(host.list('a', 'b', 'c')));
      for (const [round, kind] of rounds.entries()) {
        await world.settle();
        const nbls = present(expected[round]);
        const target = present(world.targets.find((one) => kind.pending(one).length > 0));
        checkSame(membersOf(nbls[0] ?? null), nbls, `links of the list of request ${round} when it was below`);
        checkSame(kind.pending(target), nbls, `NET_BUFFER_LISTs of request ${round} at the target`);
        await world.atDispatch(() => {
          kind.complete(target, present(kind.pending(target).splice(0)[0]));
        });
      }
      const back = host.entries('dataComplete');
      checkEqual(back.map(({ operation }) => operation).join(), rounds.map(({ name }) => name).join(), 'requests that came back');
      for (const [round, nbls] of expected.entries()) checkSame(back[round]?.nbls.map(({ nbl }) => nbl) ?? [], nbls, `NET_BUFFER_LISTs of request ${round} when it came back`);
    },
  },
  {
    id: 'intermediate-completed-in-the-call',
    title: 'A target may complete a request before its entry returns: the host gets it back once',
    rules: ['CHIM-IM-009', 'CHIM-NBL-001'],
    requirement: 'C-NDIS-IM',
    run: async (world) => {
      const { host } = world;
      const { connections } = await world.offload();
      const connection = present(connections[0]);
      const { target } = world.below(connection);
      for (const { name, entry, contents, start, pending, complete } of DATA_KINDS) {
        target.calls.once(entry, (_adapter: unknown, _context: unknown, list: NetBufferList) => {
          complete(target, list);
        });
        const list = host.list(...contents);
        const members = membersOf(list);
        start(connection, list);
        await world.settle();
        // The probe has put them with what it holds, as it does with all it is given.
        pending(target).length = 0;
        const back = host.entries('dataComplete').filter(({ operation }) => operation === name);
        checkSame(back.flatMap(({ nbls }) => nbls.map(({ nbl }) => nbl)), members, `NET_BUFFER_LISTs of a ${name} that was completed in the call`);
      }
    },
  },
  {
    id: 'intermediate-null-disconnect',
    title: 'A disconnect completion without a NET_BUFFER_LIST is tolerated, and passes for no other completion',
    rules: ['CHIM-DSC-016', 'CHIM-DSC-015'],
    requirement: 'C-NDIS-DSC',
    run: async (world) => {
      const { host, registrations } = world;
      const { connections } = await world.offload();
      const [driver] = world.drivers;
      const nbl = host.disconnect(present(connections[0]));
      await world.settle();
      const registered = registrations.handlers.find(({ edge, optionalHandlers }) => edge === 'lower' && optionalHandlers.header.type === NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS);
      const opened = registrations.bindings.find(({ protocol }) => protocol === driver?.ndisProtocolHandle);
      check(registered !== undefined && opened !== undefined, 'the driver registered no completion handlers, or opened no binding');
      const handlers = registered.optionalHandlers.handlers as ClientChimneyOffloadTcpHandlers<unknown, unknown>;
      const thrown = await world.atDispatch(() => {
        try {
          handlers.protocolTcpOffloadDisconnectComplete(opened.protocolBindingContext, null);
          return '';
        } catch (error) {
          return String(error);
        }
      });
      checkEqual(thrown, '', 'what ProtocolTcpOffloadDisconnectComplete threw for NULL');
      checkEqual(host.entries('dataComplete').length, 0, 'completions that the host got for NULL');
      await world.completeAll();
      checkSame(host.entries('dataComplete').flatMap(({ nbls }) => nbls.map((picture) => picture.nbl)), [nbl], 'the disconnect that was pending');
    },
  },
];
