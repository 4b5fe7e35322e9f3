import type {
  NdisBindContext,
  NdisBinding,
  NdisMiniport,
  NdisTcpConnectionOffload,
  NdisTcpOffloadEventHandlers,
} from '@ndis-chimney/types';

/**
 * One instance of a pass-through driver: the binding below, the virtual miniport above. It is the driver's binding
 * context and its adapter context in one.
 */
export class PassThroughAdapter {
  /** Name of the virtual miniport. */
  readonly name: string;
  readonly bindContext: NdisBindContext;
  /** What the adapter below can offload, passed on upward as it is. */
  readonly capabilities: NdisTcpConnectionOffload | null;
  readonly mtuSize: number;
  readonly macAddress: Uint8Array<ArrayBufferLike>;
  /** The lower binding. Set while it is open. */
  lower!: NdisBinding;
  /** The virtual miniport and its six entry points. Set once it is initialized, see {@link isUp}. */
  miniport!: NdisMiniport;
  handlers!: NdisTcpOffloadEventHandlers;
  /** True once the virtual miniport is initialized. It may come up some time after the bind, or never. */
  isUp = false;
  /** True between the lower binding's restart and its pause. */
  isLowerRunning = false;
  /** True when the virtual miniport was asked to restart before the lower binding was. */
  isRestartPending = false;
  /** True while the virtual miniport waits for what is in flight before it is paused. */
  isPausePending = false;
  /** True when an unbind was answered with NDIS_STATUS_PENDING. */
  isUnbindPending = false;

  constructor(name: string, bindContext: NdisBindContext, mtuSize: number, macAddress: Uint8Array<ArrayBufferLike>, capabilities: NdisTcpConnectionOffload | null) {
    this.name = name;
    this.bindContext = bindContext;
    this.mtuSize = mtuSize;
    this.macAddress = macAddress;
    this.capabilities = capabilities;
  }
}
