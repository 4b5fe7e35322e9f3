import type { NdisMiniport, NetBufferList, ProviderChimneyOffloadTcpHandlers } from '@ndis-chimney/types';

/** An adapter of the faulty miniport driver. */
export class FaultyAdapter {
  readonly miniport: NdisMiniport;
  /** The driver's own record; known once it has set its registration attributes. */
  context: unknown = null;
  private readonly handlers: () => ProviderChimneyOffloadTcpHandlers<unknown, unknown> | null;

  /** @param handlers the data entries of the driver, as it registered them. */
  constructor(miniport: NdisMiniport, handlers: () => ProviderChimneyOffloadTcpHandlers<unknown, unknown> | null) {
    this.miniport = miniport;
    this.handlers = handlers;
  }

  get name(): string {
    return this.miniport.name;
  }

  /** Gives indicated NBLs back to the driver, in the host's place. */
  returnToDriver(list: NetBufferList): void {
    this.handlers()?.miniportTcpOffloadReceiveReturn(this.context, list);
  }
}
