import { NDIS_DEVICE_POWER_STATE, type NdisTcpConnectionOffload } from '@ndis-chimney/types';

import type { MuxLower } from './mux-lower.ts';
import { VirtualMiniport } from './virtual-miniport.ts';

/** One upper interface of a mux, as options name it. */
export interface MuxUpperOptions {
  /** Name of the virtual miniport, as an adapter. */
  readonly name: string;
  /** VLAN of everything that goes out through the interface, 1 to 4094; 0, the default, for none of its own. */
  readonly vlanId?: number;
  /** 802.1p priority of what the driver above gives none, 0 to 7. Default 0. */
  readonly priority?: number;
}

/** One upper interface of a mux: a virtual miniport with a VLAN and a priority of its own. */
export class MuxUpper extends VirtualMiniport {
  readonly vlanId: number;
  readonly priority: number;
  /** Capabilities that the drivers above were told last. */
  told: NdisTcpConnectionOffload | null = null;
  /** True between NDIS_STATUS_OFFLOAD_PAUSE and NDIS_STATUS_OFFLOAD_RESUME, as told to the drivers above. */
  isOffloadPaused = false;
  /** Whether the drivers above believe that the medium is connected. */
  isConnected = true;
  /** Lower adapters whose objects NDIS_STATUS_UPLOAD_ALL has asked for, until they are back. */
  readonly uploading: Set<MuxLower> = new Set<MuxLower>();
  /** The power state that it was last asked to enter. */
  powerState: NDIS_DEVICE_POWER_STATE = NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0;

  /** @throws TypeError when the VLAN id or the priority is out of range. */
  constructor({ name, vlanId = 0, priority = 0 }: MuxUpperOptions) {
    super(name);
    if (!Number.isInteger(vlanId) || vlanId < 0 || vlanId > 4094) throw new TypeError(`MuxDriver: vlanId of ${name} is ${vlanId}, not a whole number from 0 to 4094`);
    if (!Number.isInteger(priority) || priority < 0 || priority > 7) throw new TypeError(`MuxDriver: priority of ${name} is ${priority}, not a whole number from 0 to 7`);
    this.vlanId = vlanId;
    this.priority = priority;
  }

  /** True when what goes down gets a VLAN id or a priority. */
  get isTagging(): boolean {
    return this.vlanId !== 0 || this.priority !== 0;
  }
}
