import { netBufferListDataLength } from '@ndis-chimney/types';

import { dataStartsOf } from '../record/lent-memory.ts';
import type { RequestRecord } from '../record/request-record.ts';

/**
 * What does not fit in how a completed request accounts for its bytes: the count it reports, and how far its data starts
 * have moved since it went down.
 * @returns what is wrong, as the end of a sentence; null when nothing is.
 */
export function misaccounted({ nbl, byteCount, dataStarts, firstMdl }: RequestRecord): string | null {
  const bytes = nbl.tcpOffloadBytesTransferred;
  if (!Number.isInteger(bytes) || bytes < 0 || bytes > byteCount) return `reports ${String(bytes)} bytes transferred of ${byteCount}`;
  if ((nbl.firstNetBuffer?.mdlChain ?? null) !== firstMdl) return 'has another MDL at the head of its chain than it went down with';
  const moved = dataStartsOf(nbl) - dataStarts;
  if (moved !== bytes) return `reports ${bytes} bytes transferred, and its data starts have moved by ${moved}`;
  const left = netBufferListDataLength(nbl);
  if (left !== byteCount - bytes) return `reports ${bytes} bytes transferred of ${byteCount}, and still holds ${left}`;
  return null;
}
