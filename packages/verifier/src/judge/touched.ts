import { netBufferListDataLength, type NetBufferList } from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import { dataStartsOf } from '../record/lent-memory.ts';
import { trackOf } from '../record/nbl-track.ts';
import type { CompletionCall } from '../record/request-record.ts';
import type { RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';

/** Most NBLs of one completion that are looked at: a driver that goes on with them goes on with the first. */
const MOST = 8;

/** What of an NBL the driver that completed it might still write. */
type Picture = readonly unknown[];

function pictureOf(nbl: NetBufferList): Picture {
  const { status, tcpOffloadBytesTransferred, scratch, miniportReserved0, miniportReserved1, context, next, firstNetBuffer } = nbl;
  return [status, tcpOffloadBytesTransferred, scratch, miniportReserved0, miniportReserved1, context, next, firstNetBuffer, dataStartsOf(nbl), netBufferListDataLength(nbl)];
}

function isSame(a: Picture, b: Picture): boolean {
  return a.every((value, at) => value === b[at]);
}

/** NBLs that a driver has completed, as they were when its completion call returned. */
interface Moment {
  readonly edge: EdgeRecord;
  readonly dpc: number;
  readonly pictures: ReadonlyMap<NetBufferList, Picture>;
}

/**
 * Completed NBLs are the upper driver's, who may do with them what it likes; so a change says nothing about who made it,
 * unless nobody else had a turn. From the return of a completion call to the next call that the same driver makes in the
 * same DPC, or to the return of the call that it is in, only that driver runs.
 */
export function touchedAfterCompletion({ broken, dpc }: Watch): RuleHooks {
  let last: Moment | null = null;
  const completed = new WeakMap<CompletionCall, readonly NetBufferList[]>();
  /** @param isAlone whether nobody but the driver that completed has run meanwhile. */
  const look = (isAlone: (moment: Moment) => boolean): void => {
    const moment = last;
    last = null;
    if (moment === null || !isAlone(moment)) return;
    const { lower } = moment.edge;
    for (const [nbl, picture] of moment.pictures) {
      if (isSame(picture, pictureOf(nbl))) continue;
      broken(lower, `has changed a NET_BUFFER_LIST after it had completed it to ${moment.edge.upper}`, nbl);
      return;
    }
  };
  /** The same driver calls up once more. */
  const onCall = (next: EdgeRecord): void => {
    look(({ edge, dpc: then }) => next.lower === edge.lower && then !== 0 && then === dpc());
  };
  /** The call in which it completed returns. */
  const onReturn = (call: EdgeRecord): void => {
    look(({ edge }) => call.lower === edge.lower);
  };
  const forget = (): void => {
    last = null;
  };
  return {
    callDown: forget,
    treeDown: forget,
    completionUp: (completion) => {
      const { edge, list } = completion;
      onCall(edge);
      const nbls: NetBufferList[] = [];
      for (let nbl: NetBufferList | null = list; nbl !== null && nbls.length < MOST; nbl = nbl.next) nbls.push(nbl);
      completed.set(completion, nbls);
    },
    completionUpReturned: (completion) => {
      const { edge } = completion;
      // An intermediate driver has passed on what was completed to it, and returns.
      look((moment) => edge.upper === moment.edge.lower);
      const nbls = completed.get(completion) ?? [];
      const pictures = new Map<NetBufferList, Picture>();
      for (const nbl of nbls) {
        const track = trackOf(nbl);
        if (track !== null && track.requests.length + track.indications.length === 0) pictures.set(nbl, pictureOf(nbl));
      }
      last = pictures.size === 0 ? null : { edge, dpc: dpc(), pictures };
    },
    callDownReturned: ({ edge }) => {
      onReturn(edge);
    },
    treeDownReturned: ({ edge }) => {
      onReturn(edge);
    },
    treeUp: ({ edge }) => {
      onCall(edge);
    },
    treeUpReturned: forget,
    indicate: ({ edge }) => {
      onCall(edge);
    },
    indicated: forget,
    returned: forget,
    event: ({ edge }) => {
      onCall(edge);
    },
    eventReturned: forget,
    question: forget,
    answer: forget,
    status: forget,
    oidDown: forget,
    oidDownReturned: forget,
    oidUp: forget,
    ordinary: forget,
    nonOffload: forget,
    tick: forget,
  };
}
