import type { NdisBindContext, NdisBinding, NdisTcpConnectionOffload } from '@ndis-chimney/types';

import { VirtualMiniport, type VirtualMiniportAttributes } from './virtual-miniport.ts';

/**
 * One instance of a pass-through driver: the binding below, the virtual miniport above. It is the driver's binding
 * context and its adapter context in one.
 */
export class PassThroughAdapter extends VirtualMiniport implements VirtualMiniportAttributes {
  readonly bindContext: NdisBindContext;
  /** What the adapter below can offload, passed on upward as it is. */
  readonly capabilities: NdisTcpConnectionOffload | null;
  readonly mtuSize: number;
  readonly macAddress: Uint8Array<ArrayBufferLike>;
  /** The lower binding. Set while it is open. */
  lower!: NdisBinding;
  /** True between the lower binding's restart and its pause. */
  isLowerRunning = false;
  /** True when an unbind was answered with NDIS_STATUS_PENDING. */
  isUnbindPending = false;

  constructor(name: string, bindContext: NdisBindContext, mtuSize: number, macAddress: Uint8Array<ArrayBufferLike>, capabilities: NdisTcpConnectionOffload | null) {
    super(name);
    this.bindContext = bindContext;
    this.mtuSize = mtuSize;
    this.macAddress = macAddress;
    this.capabilities = capabilities;
  }
}
