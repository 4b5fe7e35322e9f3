import type { NetBufferList } from '@ndis-chimney/types';

import type { RequestRecord } from '../record/request-record.ts';

/** What of an NBL and its first NET_BUFFER is reserved for others than the miniport. */
const AREAS = [
  ['NET_BUFFER_LIST', 'protocolReserved0'],
  ['NET_BUFFER_LIST', 'protocolReserved1'],
  ['NET_BUFFER_LIST', 'protocolReserved2'],
  ['NET_BUFFER_LIST', 'protocolReserved3'],
  ['NET_BUFFER_LIST', 'ndisReserved0'],
  ['NET_BUFFER_LIST', 'ndisPoolHandle'],
  ['NET_BUFFER', 'protocolReserved0'],
  ['NET_BUFFER', 'protocolReserved1'],
  ['NET_BUFFER', 'protocolReserved2'],
  ['NET_BUFFER', 'protocolReserved3'],
  ['NET_BUFFER', 'protocolReserved4'],
  ['NET_BUFFER', 'protocolReserved5'],
  ['NET_BUFFER', 'ndisPoolHandle'],
] as const;

/** What is in them, in the order of {@link AREAS}. */
export function reservedOf(nbl: NetBufferList): readonly unknown[] {
  const nb = nbl.firstNetBuffer;
  return [
    nbl.protocolReserved0,
    nbl.protocolReserved1,
    nbl.protocolReserved2,
    nbl.protocolReserved3,
    nbl.ndisReserved0,
    nbl.ndisPoolHandle,
    nb?.protocolReserved0,
    nb?.protocolReserved1,
    nb?.protocolReserved2,
    nb?.protocolReserved3,
    nb?.protocolReserved4,
    nb?.protocolReserved5,
    nb?.ndisPoolHandle,
  ];
}

/** Which area of a request is not what it was; null when all are. */
export function writtenArea({ nbl, edge }: RequestRecord, before: readonly unknown[]): string | null {
  if (nbl.sourceHandle !== edge.binding) return 'SourceHandle of the NET_BUFFER_LIST';
  const now = reservedOf(nbl);
  const at = now.findIndex((value, index) => value !== before[index]);
  const area = AREAS[at];
  return area === undefined ? null : `${area[1].charAt(0).toUpperCase()}${area[1].slice(1)} of the ${area[0]}`;
}
