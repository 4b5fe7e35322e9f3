import type { Mdl, NetBuffer, ScatterGatherElement, ScatterGatherList } from '@ndis-chimney/types';

import type { MiniportAdapter } from './miniport-adapter.ts';

/** The runs of memory a NET_BUFFER's data lies in. The list hangs off the NET_BUFFER until it is freed. */
export function allocateScatterGatherList(netBuffer: NetBuffer): ScatterGatherList {
  const elements: ScatterGatherElement[] = [];
  let remaining = netBuffer.dataLength;
  let skip = netBuffer.currentMdlOffset;
  for (let mdl: Mdl | null = netBuffer.currentMdl; mdl !== null && remaining > 0; mdl = mdl.next) {
    const length = Math.min(mdl.byteCount - skip, remaining);
    if (length > 0) elements.push({ buffer: mdl.buffer, byteOffset: mdl.byteOffset + skip, length });
    remaining -= length;
    skip = 0;
  }
  const list: ScatterGatherList = { elements };
  netBuffer.scatterGatherList = list;
  return list;
}

/** Gives a list back. @throws ChimneyViolation when it is not the NET_BUFFER's. */
export function freeScatterGatherList(adapter: MiniportAdapter, list: ScatterGatherList, netBuffer: NetBuffer): void {
  if (netBuffer.scatterGatherList !== list) {
    throw adapter.ndis.violation('CHIM-NBL-010', adapter.registration.name, 'NdisMFreeNetBufferSGList: the list is not the NET_BUFFER\'s, or was freed before', [list, netBuffer]);
  }
  netBuffer.scatterGatherList = null;
}
