import {
  NdisStatusIndication,
  type MiniportDriver,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisMiniport,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import type { StateOperation } from './completion-taps.ts';
import { blocksOf, type FaultyConnection } from './connection-book.ts';
import { linkList } from './net-buffer-lists.ts';

/** The faulty miniport driver, as far as faults have to call it. */
export interface FaultyMiniport {
  readonly driver: MiniportDriver<unknown>;
  /** Its data entries, as it registered them. */
  dataHandlers: ProviderChimneyOffloadTcpHandlers<unknown, unknown> | null;
  /** The table of completions and indications for all of its adapters, if it has asked for that. */
  events: NdisTcpOffloadEventHandlers | null;
}

/** An adapter of the faulty miniport driver, and what a fault may do in the driver's name. */
export class FaultyAdapter {
  readonly miniport: NdisMiniport;
  /** The driver's own record; known once it has set its registration attributes. */
  context: unknown = null;
  /** The table of the data completions and indications, once the driver has asked for that of this adapter. */
  ownEvents: NdisTcpOffloadEventHandlers | null = null;
  private readonly faulty: FaultyMiniport;

  constructor(miniport: NdisMiniport, faulty: FaultyMiniport) {
    this.miniport = miniport;
    this.faulty = faulty;
  }

  get name(): string {
    return this.miniport.name;
  }

  /** The table that the driver calls for this adapter. */
  get events(): NdisTcpOffloadEventHandlers | null {
    return this.ownEvents ?? this.faulty.events;
  }

  /** Gives indicated NBLs back to the driver, in the host's place. */
  returnToDriver(list: NetBufferList): void {
    this.faulty.dataHandlers?.miniportTcpOffloadReceiveReturn(this.context, list);
  }

  /** Gives NBLs of the ordinary receive path back to the driver. */
  returnOrdinary(list: NetBufferList): void {
    this.faulty.driver.miniportReturnNetBufferLists(this.context, list, 0);
  }

  /** Completes sends that the driver does not know of. */
  completeSends(nbls: readonly NetBufferList[]): void {
    const list = linkList(nbls);
    if (list !== null) this.events?.tcpOffloadSendComplete(list);
  }

  /** Completes a tree that the driver does not know of, with one status in every block. */
  completeTree(operation: StateOperation, tree: MiniportOffloadBlockList, status: NDIS_STATUS): void {
    for (const block of blocksOf(tree)) block.status = status;
    const { miniport } = this;
    if (operation === 'InitiateOffload') miniport.initiateOffloadComplete(tree);
    else if (operation === 'TerminateOffload') miniport.terminateOffloadComplete(tree);
    else if (operation === 'UpdateOffload') miniport.updateOffloadComplete(tree);
    else if (operation === 'InvalidateOffload') miniport.invalidateOffloadComplete(tree);
    else miniport.queryOffloadStateComplete(tree);
  }

  /** Indicates an event of a connection, unless it is gone. */
  indicateEvent({ handle }: FaultyConnection, eventType: number, information = 0): void {
    if (handle.state === 'offloaded') this.events?.tcpOffloadEventHandler(handle, eventType, information);
  }

  /** Indicates a status without a buffer. */
  indicateStatus(statusCode: NDIS_STATUS): void {
    const indication = new NdisStatusIndication();
    indication.sourceHandle = this.miniport;
    indication.statusCode = statusCode;
    this.miniport.indicateStatusEx(indication);
  }
}
