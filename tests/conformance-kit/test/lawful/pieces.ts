// A target that indicates what it has received in small pieces, each in an NBL and memory of its own.
import { link, membersOf, present } from '@ndis-chimney/conformance/probes';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';
import {
  BytesConsumed,
  Mdl,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  netBufferListBytes,
  type MiniportDriver,
  type NetBufferList,
  type OffloadTargetEnvironment,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

/** What came to be indicated as one, and how much of it is still with the host. */
interface Whole {
  readonly list: NetBufferList;
  piecesOut: number;
  isTaken: boolean;
}

/** Indicates at most so many bytes at a time. */
export function inPieces({ pools }: OffloadTargetEnvironment, target: MiniportDriver<never>, mostBytes: number): MiniportTaps {
  const pool = pools.allocateNetBufferListPool('pieces');
  const wholeOf = new Map<NetBufferList, Whole>();
  let takeBack: (list: NetBufferList) => void = () => undefined;
  // What the host posts from inside of a piece gets what follows.
  let posts = 0;
  const backIfDone = ({ list, piecesOut, isTaken }: Whole): void => {
    if (isTaken && piecesOut === 0) takeBack(list);
  };
  const free = (piece: NetBufferList): void => {
    const whole = present(wholeOf.get(piece));
    wholeOf.delete(piece);
    piece.next = null;
    pool.freeNetBufferList(piece);
    whole.piecesOut--;
    backIfDone(whole);
  };
  return {
    miniportTcpOffloadReceive: (next, adapter, connection, list) => {
      posts++;
      return next(adapter, connection, list);
    },
    tcpOffloadReceiveHandler: (next, handle, list, status, consumed) => {
      const bytes = netBufferListBytes(list);
      const before = posts;
      const whole: Whole = { list, piecesOut: 0, isTaken: false };
      let taken = 0;
      while (taken < bytes.length && posts === before) {
        const part = bytes.slice(taken, taken + mostBytes);
        const piece = present(pool.allocateNetBufferAndNetBufferList(new Mdl(part), 0, part.length));
        wholeOf.set(piece, whole);
        whole.piecesOut++;
        const answer = new BytesConsumed();
        const accepted = next(handle, piece, status, answer);
        taken += answer.value;
        if (accepted === NDIS_STATUS_SUCCESS) continue;
        free(piece);
        break;
      }
      consumed.value = taken;
      if (taken < bytes.length) return taken === 0 ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED : NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
      whole.isTaken = true;
      backIfDone(whole);
      return NDIS_STATUS_SUCCESS;
    },
    miniportInitiateOffload: (next, adapter, root) => {
      takeBack = (list) => {
        (target as unknown as ProviderChimneyOffloadTcpHandlers<unknown, unknown>).miniportTcpOffloadReceiveReturn(adapter, list);
      };
      next(adapter, root);
    },
    miniportTcpOffloadReceiveReturn: (next, adapter, list) => {
      const members = membersOf(list);
      const others = members.filter((nbl) => !wholeOf.has(nbl));
      for (const nbl of members) if (wholeOf.has(nbl)) free(nbl);
      return others.length === 0 ? NDIS_STATUS_SUCCESS : next(adapter, link(others));
    },
  };
}
