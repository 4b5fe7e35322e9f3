import type { Ndis } from '@ndis-chimney/core';
import {
  NdisStatusIndication,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NeighborOffloadState,
  type OffloadBlockState,
  type OffloadHandle,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { present } from '../probes/present.ts';
import { ProbeTarget } from '../probes/probe-target.ts';
import { blocksOf } from '../probes/trees.ts';

/**
 * The target of a case about an intermediate driver: a probe target that knows the objects it was offered by what their
 * state says, so that they are found whatever handles the driver has for them.
 */
export class CaseTarget extends ProbeTarget {
  /** The handle that each object was last offered with. */
  readonly offered: Map<string, OffloadHandle> = new Map<string, OffloadHandle>();

  constructor(ndis: Ndis, name: string) {
    super(ndis, { name });
  }

  /** A status indication of the adapter, not made yet. */
  statusOf(statusCode: NDIS_STATUS, statusBuffer: unknown = null): NdisStatusIndication {
    const indication = new NdisStatusIndication();
    indication.sourceHandle = this.miniport;
    indication.statusCode = statusCode;
    indication.statusBuffer = statusBuffer;
    return indication;
  }

  override miniportInitiateOffload(context: ProbeTarget, tree: MiniportOffloadBlockList): void {
    for (const block of blocksOf(tree)) {
      if (block.state !== null && block.ndisOffloadHandle !== null) this.offered.set(identityOf(block), block.ndisOffloadHandle);
    }
    super.miniportInitiateOffload(context, tree);
  }
}

/** What tells the object of a new block from all others: ports, addresses, MAC address. */
export function identityOf(block: ProtocolOffloadBlockList | MiniportOffloadBlockList): string {
  const state: OffloadBlockState | null = block.state;
  switch (offloadLayerOf(block.header.type)) {
    case 'neighbor':
      return `neighbor ${present((state as NeighborOffloadState).cached).dlDestinationAddress.join('.')}`;
    case 'path':
      return `path ${present((state as PathOffloadState).const).destinationAddress.join('.')}`;
    default:
      return `connection ${present((state as TcpOffloadState).const).localPort}`;
  }
}

/** Gives the object of a new block an identity of its own. @param number from 1 on. */
export function giveIdentity(block: ProtocolOffloadBlockList, number: number): void {
  const state: OffloadBlockState | null = block.state;
  switch (offloadLayerOf(block.header.type)) {
    case 'neighbor':
      present((state as NeighborOffloadState).cached).dlDestinationAddress.set([2, 0, 0, 1, number >> 8, number & 0xFF]);
      break;
    case 'path':
      present((state as PathOffloadState).const).destinationAddress.set([number >> 8, number & 0xFF], 2);
      break;
    default:
      present((state as TcpOffloadState).const).localPort = 49_152 + number;
  }
}
