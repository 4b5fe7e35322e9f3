import { NDIS_NET_BUFFER_LIST_INFO, type NetBuffer, type NetBufferList } from '@ndis-chimney/types';

import { membersOf } from '../probes/lists.ts';

/**
 * Everything in a list that an intermediate driver leaves as it is: order, status, info, flags, NET_BUFFERs, MDLs, bytes,
 * and what the driver above keeps in it. Two pictures are equal when nothing of that has changed.
 */
export function pictureOfList(list: NetBufferList | null): string {
  return membersOf(list).map(pictureOfNbl).join(' | ');
}

function pictureOfNbl(nbl: NetBufferList): string {
  const info = Array.from({ length: NDIS_NET_BUFFER_LIST_INFO.MaxNetBufferListInfo }, (_, id) => String(nbl.getInfo(id)));
  const buffers: string[] = [];
  for (let nb: NetBuffer | null = nbl.firstNetBuffer; nb !== null; nb = nb.next) buffers.push(pictureOfNetBuffer(nb));
  const { protocolReserved0, protocolReserved1, protocolReserved2, protocolReserved3 } = nbl;
  const kept = [protocolReserved0, protocolReserved1, protocolReserved2, protocolReserved3].map(String);
  return `status ${nbl.status}, kept ${kept.join(',')}, flags ${nbl.nblFlags}/${nbl.flags}, info ${info.join(',')}, ${buffers.join(' + ')}`;
}

function pictureOfNetBuffer({ dataOffset, dataLength, currentMdlOffset, mdlChain }: NetBuffer): string {
  const mdls: string[] = [];
  for (let mdl = mdlChain; mdl !== null; mdl = mdl.next) mdls.push([...mdl.buffer.subarray(mdl.byteOffset, mdl.byteOffset + mdl.byteCount)].join(' '));
  return `${dataLength} at ${dataOffset} (${currentMdlOffset}) of [${mdls.join('; ')}]`;
}
