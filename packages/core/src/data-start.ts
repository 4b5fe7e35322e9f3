import { NDIS_STATUS_SUCCESS, type Mdl, type NDIS_STATUS, type NetBuffer } from '@ndis-chimney/types';

import type { Ndis } from './ndis.ts';

/** `NdisAdvanceNetBufferDataStart`. */
export function advanceDataStart(ndis: Ndis, netBuffer: NetBuffer, byteCount: number, freeMdl: boolean): void {
  netBuffer.advanceDataStart(byteCount);
  if (freeMdl) dropConsumedMdls(netBuffer);
  if (ndis.observers !== null) ndis.observers.dataStart(netBuffer, byteCount);
}

/** Takes the MDLs in front of the current one off the chain. */
function dropConsumedMdls(netBuffer: NetBuffer): void {
  while (netBuffer.mdlChain !== null && netBuffer.mdlChain !== netBuffer.currentMdl) {
    const consumed: Mdl = netBuffer.mdlChain;
    netBuffer.dataOffset -= consumed.byteCount;
    netBuffer.mdlChain = consumed.next;
  }
}

/** `NdisRetreatNetBufferDataStart`. */
export function retreatDataStart(ndis: Ndis, netBuffer: NetBuffer, byteCount: number, dataBackFill: number): NDIS_STATUS {
  netBuffer.retreatDataStart(byteCount, dataBackFill);
  if (ndis.observers !== null) ndis.observers.dataStart(netBuffer, -byteCount);
  return NDIS_STATUS_SUCCESS;
}
