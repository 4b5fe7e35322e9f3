// Targets that do otherwise than ours what a target may do otherwise. A case that fails one of them asks for too much.
import { blocksOf, link, membersOf, present } from '@ndis-chimney/conformance/probes';
import type { OffloadTargetConformanceOptions, TargetWishes } from '@ndis-chimney/conformance';
import { tapMiniportDriver, type MiniportTaps } from '@ndis-chimney/target-faulty';
import {
  NDIS_STATUS_UPLOAD_IN_PROGRESS,
  TCP_OFFLOAD_EVENT_TYPE,
  netBufferListDataLength,
  type MiniportDriver,
  type NetBufferList,
  type OffloadTargetEnvironment,
  type Timer,
} from '@ndis-chimney/types';

import { eachDelegated } from '../broken/send-taps.ts';
import { Upward } from '../broken/upward.ts';
import { memorySubject } from '../subjects.ts';
import { inPieces } from './pieces.ts';

/** A way to be right. */
export interface Lawful {
  /** What the target does, as the end of "a target that …". */
  readonly does: string;
  /** Makes the taps of one target; what they remember is theirs. */
  readonly taps: (environment: OffloadTargetEnvironment, target: MiniportDriver<never>) => MiniportTaps;
}

/** The memory target, done in this way. */
export function lawfulSubject({ taps }: Lawful): OffloadTargetConformanceOptions {
  return {
    ...memorySubject,
    create: async (environment: OffloadTargetEnvironment, wishes: TargetWishes) => {
      const made = await memorySubject.create(environment, wishes);
      tapMiniportDriver(made.target, taps(environment, made.target));
      return made;
    },
  };
}

function oneByOne(next: (list: NetBufferList) => void, list: NetBufferList): void {
  for (const nbl of membersOf(list)) {
    nbl.next = null;
    next(nbl);
  }
}

/** How long forwarded segments are kept. */
const KEPT_MS = 7;
const BACKLOG_BYTES = 48_000;

/** Keeps forwarded segments for a while, as a target does that has its data in them; the last comes back first. */
function keepsForwards({ clock }: OffloadTargetEnvironment): MiniportTaps {
  let kept: { readonly nbl: NetBufferList; readonly complete: (list: NetBufferList) => void }[] = [];
  let timer: Timer | null = null;
  const giveBack = (): void => {
    const due = kept.reverse();
    kept = [];
    for (const { nbl, complete } of due) complete(nbl);
  };
  return {
    tcpOffloadForwardComplete: (next, list) => {
      for (const nbl of membersOf(list)) {
        nbl.next = null;
        kept.push({ nbl, complete: next });
      }
      timer ??= clock.createTimer({ timerExpired: giveBack });
      timer.start(KEPT_MS);
    },
    terminateOffloadComplete: (next, root) => {
      giveBack();
      next(root);
    },
  };
}

/** Tells of another send backlog whenever a connection was offloaded, and with every fifth completion of sends. */
function tellsBacklog(environment: OffloadTargetEnvironment): MiniportTaps {
  const up = new Upward(environment);
  let completions = 0;
  // What is told is a change (CHIM-EVT-014).
  let backlogBytes = BACKLOG_BYTES;
  const tell = (): void => {
    backlogBytes++;
    for (const handle of up.connections) if (handle.state === 'offloaded') up.event(TCP_OFFLOAD_EVENT_TYPE.TcpIndicateSendBacklogChange, backlogBytes, handle);
  };
  return up.taps({
    initiateOffloadComplete: (next, root) => {
      next(root);
      tell();
    },
    tcpOffloadSendComplete: (next, list) => {
      next(list);
      if (++completions % 5 === 0) tell();
    },
    queryOffloadStateComplete: (next, root) => {
      eachDelegated(root, (delegated) => {
        delegated.sendBacklogSize = backlogBytes;
      });
      next(root);
    },
  });
}

/** Gives no send back in the chain of a terminate: all of them by completion, with what was acknowledged of each. */
function completesInsteadOfChain(environment: OffloadTargetEnvironment): MiniportTaps {
  const up = new Upward(environment);
  const lengthOf = new WeakMap<NetBufferList, number>();
  const note = (list: NetBufferList | null): void => {
    for (const nbl of membersOf(list)) lengthOf.set(nbl, netBufferListDataLength(nbl));
  };
  return up.taps({
    miniportInitiateOffload: (next, adapter, root) => {
      for (const { netBufferListChain } of blocksOf(root)) note(netBufferListChain);
      next(adapter, root);
    },
    miniportTcpOffloadSend: (next, adapter, connection, list) => {
      note(list);
      return next(adapter, connection, list);
    },
    terminateOffloadComplete: (next, root) => {
      eachDelegated(root, (delegated, block) => {
        const chain = membersOf(block.netBufferListChain);
        if (chain.length === 0) return;
        block.netBufferListChain = null;
        delegated.sendDataHead = null;
        delegated.sendDataTail = null;
        delegated.sndNxt = delegated.sndUna;
        for (const nbl of chain) {
          nbl.status = NDIS_STATUS_UPLOAD_IN_PROGRESS;
          nbl.tcpOffloadBytesTransferred = present(lengthOf.get(nbl)) - netBufferListDataLength(nbl);
        }
        up.handlers.tcpOffloadSendComplete(link(chain));
      });
      next(root);
    },
  });
}

/** Each of them. */
export const lawfulTargets: readonly Lawful[] = [
  {
    does: 'completes NET_BUFFER_LISTs one by one',
    taps: () => ({ tcpOffloadSendComplete: oneByOne, tcpOffloadReceiveComplete: oneByOne, tcpOffloadForwardComplete: oneByOne }),
  },
  { does: 'keeps forwarded segments, and gives the last of them back first', taps: keepsForwards },
  { does: 'tells of its send backlog again and again', taps: tellsBacklog },
  { does: 'gives no sends back in the chain of a terminate', taps: completesInsteadOfChain },
  { does: 'indicates received data in pieces of 100 bytes', taps: (environment, target) => inPieces(environment, target, 100) },
];
