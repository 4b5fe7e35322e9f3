import { netBufferListDataLength } from '@ndis-chimney/types';

import { MOST_REMEMBERED, type Undelivered, type UndeliveredBecause } from '../record/undelivered.ts';
import { copyOfData } from '../record/lent-memory.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { RuleHooks } from '../rule.ts';
import type { Watch } from '../watch.ts';
import { isTargets } from './reasons.ts';

/** Data of a connection is about to come up, while other data is known to wait below. */
export interface Delivery {
  readonly object: ObjectRecord;
  readonly waiting: Undelivered;
  /** `indicates 300 bytes`, `completes receive 3 with 300 bytes`. */
  readonly what: string;
  /** True for an indication that nothing has made room for: no receive was posted since the data had to wait. */
  readonly isTooEarly: boolean;
  /** True when it begins with what waits, as far as that is remembered. */
  readonly isNext: boolean;
}

/** Tells of data that comes up while other data waits. @param judge reports what is wrong with it. */
export function deliveries({ followsRequests }: Watch, judge: (delivery: Delivery) => void): RuleHooks {
  if (!followsRequests) return {};
  return {
    indicate: ({ object, edge, nbl }) => {
      const waiting = object?.undelivered ?? null;
      const netBuffer = nbl.firstNetBuffer;
      if (object === null || waiting === null || edge.lowerRole !== 'target' || netBuffer === null) return;
      const byteCount = netBufferListDataLength(nbl);
      const isNext = waiting.beginsLike(copyOfData(netBuffer, 0, byteCount, MOST_REMEMBERED));
      // A target that has nothing to hand data up in may offer it once more before it goes back.
      const isTooEarly = waiting.isBlocked && object.state !== 'terminating';
      judge({ object, waiting, what: `indicates ${byteCount} bytes`, isTooEarly, isNext });
    },
    requestUp: (request) => {
      const { object, nbl, kind, ordinal } = request;
      const waiting = object.undelivered;
      const netBuffer = nbl.firstNetBuffer;
      const byteCount = nbl.tcpOffloadBytesTransferred;
      if (kind !== 'receive' || waiting === null || netBuffer === null || !(byteCount > 0) || netBuffer.dataOffset < byteCount || !isTargets(request)) return;
      const isNext = waiting.beginsLike(copyOfData(netBuffer, byteCount, byteCount, MOST_REMEMBERED));
      judge({ object, waiting, what: `completes receive ${ordinal} with ${byteCount} bytes`, isTooEarly: false, isNext });
    },
  };
}

/** `100 bytes that were refused`. */
export function describeWaiting({ because, byteCount }: Undelivered): string {
  const text: Record<UndeliveredBecause, string> = {
    'handed over': 'were handed over in BufferedData',
    refused: 'were refused',
    'accepted in part': 'were left when the ones before were accepted',
  };
  return `${byteCount} bytes that ${text[because]}`;
}
