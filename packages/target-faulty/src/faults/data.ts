import {
  Mdl,
  NDIS_RECEIVE_FLAGS_RESOURCES,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  netBufferListBytes,
  netBufferListDataLength,
  type NetBuffer,
  type NetBufferList,
} from '@ndis-chimney/types';

import { dataCompletionTaps, dataEntryTaps } from '../completion-taps.ts';
import type { FaultyConnection } from '../connection-book.ts';
import type { Held } from '../deferrals.ts';
import type { Fault } from '../fault.ts';
import { linkList, membersOf } from '../net-buffer-lists.ts';
import { BOTH, dropOrdinary, strikeNbl } from './common.ts';

/** C1: a connection that looks alive and delivers nothing. */
const halfDead: Fault = {
  id: 'C1',
  title: 'lets a connection go half dead',
  symptom: 'ESTABLISHED, and nothing is delivered either way; no error. Only taking the connection back helps.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadSend', 'TcpOffloadReceive'],
  parameters: {},
  inject: (scope) => {
    /** Half-dead connections, each with the completions it owes. */
    const dead = new Map<FaultyConnection, Held[]>();
    return {
      miniport: {
        ...dataEntryTaps((operation, next, list, context, offloadContext) => {
          const connection = scope.book.ofContext(offloadContext);
          const isMeant = connection !== null && !dead.has(connection) && (operation === 'TcpOffloadSend' || operation === 'TcpOffloadReceive');
          if (isMeant && scope.strike({ operation, connection, adapter: scope.adapter(context).name, subject: list }, 'connection is half dead from now on') !== null) dead.set(connection, []);
          return next(list);
        }),
        miniportTerminateOffload: (next, context, tree) => {
          for (const { connection } of scope.book.connectionsOf(tree)) {
            const owed = dead.get(connection) ?? [];
            dead.delete(connection);
            for (const held of owed) held.releaseNow();
          }
          next(context, tree);
        },
      },
      adapter: () => ({
        ...dataCompletionTaps((_operation, next, list) => {
          const rest: NetBufferList[] = [];
          for (const nbl of membersOf(list)) {
            const connection = scope.book.ofNbl(nbl);
            const owed = connection === null || scope.ground.isHealed ? undefined : dead.get(connection);
            if (owed === undefined) {
              rest.push(nbl);
            } else {
              nbl.next = null;
              owed.push(scope.deferrals.hold(() => { next(nbl); }));
            }
          }
          const passed = linkList(rest);
          if (passed !== null) next(passed);
        }),
        tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
          const connection = scope.book.ofHandle(handle);
          if (connection === null || !dead.has(connection) || scope.ground.isHealed) return next(handle, nbl, status, bytesConsumed);
          bytesConsumed.value = 0;
          return NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
        },
        tcpOffloadEventHandler: (next, handle, eventType, information) => {
          const connection = scope.book.ofHandle(handle);
          if (connection === null || !dead.has(connection) || scope.ground.isHealed) next(handle, eventType, information);
        },
      }),
    };
  },
};

/** C3: packets that reached the adapter do not reach the host. */
const losesPackets: Fault = {
  id: 'C3',
  title: 'loses packets of the ordinary path that it has received',
  symptom: 'Packets are seen on the switch and not at the host: connections that are not offloaded are cut off now and then.',
  caughtBy: '',
  edges: BOTH,
  operations: ['ReceiveNetBufferLists'],
  parameters: {},
  inject: (scope) => ({
    adapter: (adapter) => ({
      indicateReceiveNetBufferLists: (next, list, portNumber, count, receiveFlags) => {
        if (scope.strike({ operation: 'ReceiveNetBufferLists', connection: null, adapter: adapter.name, subject: list }, `${count} packets lost`) === null) next(list, portNumber, count, receiveFlags);
        else dropOrdinary(scope, adapter, list, receiveFlags);
      },
    }),
  }),
};

/** C5: what comes back is never used again. */
const leaksBuffers: Fault = {
  id: 'C5',
  title: 'leaks the buffers of received data',
  symptom: 'The pool of the target runs dry and the server stops answering. At a target: it forgets what was returned. At a host: it does not return it.',
  caughtBy: '',
  edges: ['target', 'intermediate', 'host'],
  operations: ['TcpOffloadReceiveReturn'],
  parameters: {},
  inject: (scope) => {
    const operation = 'TcpOffloadReceiveReturn';
    const effect = 'returned NBLs leaked';
    return {
      ...(scope.ground.edge !== 'host' && {
        miniport: {
          miniportTcpOffloadReceiveReturn: (next, context, list) => {
            if (scope.strike({ operation, connection: null, adapter: scope.adapter(context).name, subject: list }, effect) === null) return next(context, list);
            scope.deferrals.hold(() => { next(context, list); });
            return NDIS_STATUS_SUCCESS;
          },
        },
      }),
      ...(scope.ground.edge === 'host' && {
        binding: ({ adapterName }) => ({
          offloadTcpReceiveReturn: (next, list) => {
            if (scope.strike({ operation, connection: null, adapter: adapterName, subject: list }, effect) === null) next(list);
            else scope.deferrals.hold(() => { next(list); });
          },
        }),
      }),
    };
  },
};

interface Window {
  readonly mdlChain: Mdl | null;
  readonly dataOffset: number;
  readonly dataLength: number;
}

/** C6: one bit of the payload is wrong. */
const flipsBit: Fault = {
  id: 'C6',
  title: 'flips a bit of received data',
  symptom: 'The application\'s own checksum fails: the bytes on the wire were right.',
  caughtBy: '',
  edges: BOTH,
  operations: ['TcpOffloadReceive', 'TcpOffloadReceiveIndicate'],
  parameters: {},
  inject: (scope) => {
    /** What the NBLs with copied data describe in truth. */
    const originals = new Map<NetBufferList, Window>();
    const restore = (nbl: NetBufferList): void => {
      const original = originals.get(nbl);
      if (original === undefined || nbl.firstNetBuffer === null) return;
      originals.delete(nbl);
      nbl.firstNetBuffer.describe(original.mdlChain, original.dataOffset, original.dataLength);
    };
    const corrupt = (bytes: Uint8Array<ArrayBufferLike>, from: number, length: number): void => {
      const bit = scope.random.nextInt(length * 8);
      const at = from + (bit >>> 3);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
    };
    return {
      adapter: (adapter) => ({
        tcpOffloadReceiveComplete: (next, list) => {
          for (const nbl of membersOf(list)) {
            const placed = placedIn(nbl);
            if (placed !== null && strikeNbl(scope, 'TcpOffloadReceive', nbl, adapter.name, 'one bit flipped') !== null) corrupt(placed.bytes, placed.from, placed.length);
          }
          next(list);
        },
        tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
          const netBuffer = nbl.firstNetBuffer;
          const hasData = netBuffer !== null && netBuffer.dataLength > 0;
          if (!hasData || scope.strike({ operation: 'TcpOffloadReceiveIndicate', connection: scope.book.ofHandle(handle), adapter: adapter.name, subject: nbl }, 'one bit flipped') === null) return next(handle, nbl, status, bytesConsumed);
          // The memory may be the peer's own, so the bit is flipped in a copy.
          const bytes = netBufferListBytes(nbl);
          corrupt(bytes, 0, bytes.length);
          swapData(netBuffer, nbl, bytes, originals);
          const answer = next(handle, nbl, status, bytesConsumed);
          if (answer !== NDIS_STATUS_SUCCESS) restore(nbl);
          return answer;
        },
      }),
      miniport: {
        miniportTcpOffloadReceiveReturn: (next, context, list) => {
          for (const nbl of membersOf(list)) restore(nbl);
          return next(context, list);
        },
      },
    };
  },
};

function swapData(netBuffer: NetBuffer, nbl: NetBufferList, bytes: Uint8Array, originals: Map<NetBufferList, Window>): void {
  const { mdlChain, dataOffset, dataLength } = netBuffer;
  originals.set(nbl, { mdlChain, dataOffset, dataLength });
  netBuffer.describe(new Mdl(bytes), 0, bytes.length);
}

/** Where in a receive request's memory the bytes lie that the target has placed there: before its data start. */
function placedIn(nbl: NetBufferList): { readonly bytes: Uint8Array<ArrayBufferLike>; readonly from: number; readonly length: number } | null {
  const netBuffer = nbl.firstNetBuffer;
  const mdl = netBuffer?.mdlChain ?? null;
  if (netBuffer === null || mdl === null) return null;
  const length = Math.min(nbl.tcpOffloadBytesTransferred, netBuffer.dataOffset, mdl.byteCount);
  return length <= 0 ? null : { bytes: mdl.buffer, from: mdl.byteOffset + Math.min(netBuffer.dataOffset, mdl.byteCount) - length, length };
}

/** C10: data that the host refused is forgotten. */
const forgetsRefusedData: Fault = {
  id: 'C10',
  title: 'forgets received data that the host did not accept',
  symptom: 'A gap in the stream: refused bytes are never offered again, and of partly accepted ones the rest is gone.',
  caughtBy: '',
  edges: ['target'],
  operations: ['TcpOffloadReceiveIndicate'],
  parameters: {},
  inject: (scope) => ({
    adapter: (adapter) => ({
      tcpOffloadReceiveHandler: (next, handle, nbl, status, bytesConsumed) => {
        const length = netBufferListDataLength(nbl);
        const answer = next(handle, nbl, status, bytesConsumed);
        if (answer === NDIS_STATUS_SUCCESS) return answer;
        const strike = scope.strike({ operation: 'TcpOffloadReceiveIndicate', connection: scope.book.ofHandle(handle), adapter: adapter.name, subject: nbl }, `${length - bytesConsumed.value} refused bytes forgotten`);
        if (strike === null) return answer;
        bytesConsumed.value = length;
        scope.deferrals.later(0, () => { adapter.returnToDriver(nbl); });
        return NDIS_STATUS_SUCCESS;
      },
    }),
  }),
};

/** C11: packets that may be used during the call only. */
const lendsPackets: Fault = {
  id: 'C11',
  title: 'indicates ordinary packets with NDIS_RECEIVE_FLAGS_RESOURCES',
  symptom: 'Allowed, and rare: a driver above that keeps such packets uses memory that is not its own any more.',
  caughtBy: '',
  edges: BOTH,
  operations: ['ReceiveNetBufferLists'],
  parameters: {},
  inject: (scope) => ({
    adapter: (adapter) => ({
      indicateReceiveNetBufferLists: (next, list, portNumber, count, receiveFlags) => {
        const isLent = (receiveFlags & NDIS_RECEIVE_FLAGS_RESOURCES) !== 0;
        if (isLent || scope.strike({ operation: 'ReceiveNetBufferLists', connection: null, adapter: adapter.name, subject: list }, `${count} packets lent, not given`) === null) {
          next(list, portNumber, count, receiveFlags);
          return;
        }
        next(list, portNumber, count, receiveFlags | NDIS_RECEIVE_FLAGS_RESOURCES);
        dropOrdinary(scope, adapter, list, receiveFlags);
      },
    }),
  }),
};

export const dataFaults: readonly Fault[] = [halfDead, losesPackets, leaksBuffers, flipsBit, forgetsRefusedData, lendsPackets];
