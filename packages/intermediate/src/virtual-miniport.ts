import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NdisMiniportAdapterGeneralAttributes,
  NdisMiniportAdapterOffloadAttributes,
  NdisMiniportAdapterRegistrationAttributes,
  type NdisMiniport,
  type NdisTcpConnectionOffload,
  type NdisTcpOffloadEventHandlers,
} from '@ndis-chimney/types';

import type { HandlersOfEdge } from './request-failures.ts';

/** What a virtual miniport tells NDIS about itself in `MiniportInitializeEx`. */
export interface VirtualMiniportAttributes {
  readonly mtuSize: number;
  readonly macAddress: Uint8Array<ArrayBufferLike>;
  /** What can be offloaded through it; null for nothing. */
  readonly capabilities: NdisTcpConnectionOffload | null;
}

/** One upper interface of an intermediate driver: the adapter that drivers above bind to. */
export class VirtualMiniport implements HandlersOfEdge {
  /** Its name, as an adapter. */
  readonly name: string;
  /** Its adapter and the six entry points. Set once it is initialized, see {@link isUp}. */
  miniport!: NdisMiniport;
  handlers!: NdisTcpOffloadEventHandlers;
  /** True once it is initialized. It may come up some time after the bind that starts it, or never. */
  isUp = false;
  /** True when it was asked to restart before there was an adapter below that runs. */
  isRestartPending = false;
  /** True while it waits for what is in flight before it is paused. */
  isPausePending = false;

  constructor(name: string) {
    this.name = name;
  }

  /** `MiniportInitializeEx`: sets the attributes and takes the entry points. */
  initialize(ndisMiniportHandle: NdisMiniport, { mtuSize, macAddress, capabilities }: VirtualMiniportAttributes): void {
    const registration = new NdisMiniportAdapterRegistrationAttributes<VirtualMiniport>();
    registration.miniportAdapterContext = this;
    ndisMiniportHandle.setMiniportAttributes(registration);
    const general = new NdisMiniportAdapterGeneralAttributes();
    general.mtuSize = mtuSize;
    general.macAddress = macAddress;
    ndisMiniportHandle.setMiniportAttributes(general);
    const offload = new NdisMiniportAdapterOffloadAttributes();
    offload.defaultTcpConnectionOffloadConfiguration = capabilities;
    offload.tcpConnectionOffloadHardwareCapabilities = capabilities;
    ndisMiniportHandle.setMiniportAttributes(offload);
    // A driver that registered no chimney handlers gets none, and is never called by what would need them.
    const { offloadHandlers } = ndisMiniportHandle.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
    if (offloadHandlers !== null) this.handlers = offloadHandlers;
    this.miniport = ndisMiniportHandle;
    this.isUp = true;
  }
}
