import type { NdisBindContext, NdisBinding, NdisOidRequest, NdisTcpConnectionOffload } from '@ndis-chimney/types';

import type { ChimneyConnection } from './connection.ts';

/** What a host keeps per binding: its protocol binding context. */
export class HostBinding {
  readonly adapterName: string;
  readonly bindContext: NdisBindContext;
  /** What the adapter can offload; null when it cannot, or when a driver in between blocks the chimney. */
  capabilities: NdisTcpConnectionOffload | null;
  /** The binding. Set once it is open. */
  binding!: NdisBinding;
  /** True once the chimney was enabled by OID_TCP_CONNECTION_OFFLOAD_PARAMETERS. */
  isEnabled = false;
  /** True between restart and pause. */
  isRunning = false;
  /** True between NDIS_STATUS_OFFLOAD_PAUSE or UPLOAD_ALL and NDIS_STATUS_OFFLOAD_RESUME. */
  isOffloadPaused = false;
  /** True once the binding is to be closed. */
  isClosing = false;
  /** True when the bind waits for the parameters to be set. */
  isBindPending = false;
  /** Connections that are with the target, or on their way. */
  readonly connections: Set<ChimneyConnection> = new Set<ChimneyConnection>();
  /** OID requests on their way, and what to do when they are back. */
  readonly oidRequests: Map<NdisOidRequest, (status: number) => void> = new Map<NdisOidRequest, (status: number) => void>();
  /** Called when the last connection is the host's again. */
  whenEmpty: (() => void) | null = null;
  /** Called when a close that had to wait is over. */
  whenClosed: (() => void) | null = null;

  constructor(adapterName: string, bindContext: NdisBindContext, capabilities: NdisTcpConnectionOffload | null) {
    this.adapterName = adapterName;
    this.bindContext = bindContext;
    this.capabilities = capabilities;
  }

  /** A connection left. */
  remove(connection: ChimneyConnection): void {
    this.connections.delete(connection);
    if (this.connections.size > 0 || this.whenEmpty === null) return;
    const { whenEmpty } = this;
    this.whenEmpty = null;
    whenEmpty();
  }
}
