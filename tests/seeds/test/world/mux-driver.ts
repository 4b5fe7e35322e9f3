import { PassThroughAdapter, PassThroughDriver } from '@ndis-chimney/intermediate';
import {
  NDIS_STATUS_SUCCESS,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NdisStatusIndication,
  type NetBufferList,
  type NetPnPEventNotification,
} from '@ndis-chimney/types';

/**
 * An intermediate driver with two virtual miniports above every adapter. Requests of both go down over one binding;
 * completions find their way by the context that the driver left on the NBL. Its binding context is the first of the two
 * interfaces. For an NDIS whose life-cycle calls are done on return.
 */
export class MuxDriver extends PassThroughDriver {
  private readonly interfaces = new Map<PassThroughAdapter, readonly PassThroughAdapter[]>();

  /** Names of the virtual miniports above an adapter. */
  virtualNamesOf(adapterName: string): string[] {
    return ['u', 'v'].map((letter) => `${this.virtualNameOf(adapterName)}:${letter}`);
  }

  override protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS {
    const { adapterName, mtuSize, currentMacAddress, tcpConnectionOffloadCapabilities } = bindParameters;
    const interfaces = this.virtualNamesOf(adapterName).map(
      (name) => new PassThroughAdapter(name, bindContext, mtuSize, currentMacAddress, tcpConnectionOffloadCapabilities),
    );
    const [first] = interfaces;
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.ndisProtocolHandle, first, bindContext);
    if (status !== NDIS_STATUS_SUCCESS || ndisBindingHandle === null || first === undefined) return status;
    this.interfaces.set(first, interfaces);
    for (const one of interfaces) {
      one.lower = ndisBindingHandle;
      this.ndis.imInitializeDeviceInstanceEx(this.ndisDriverHandle, one.name, one);
    }
    return NDIS_STATUS_SUCCESS;
  }

  override protocolUnbindAdapterEx(first: PassThroughAdapter): NDIS_STATUS {
    for (const one of this.interfacesOf(first).slice(1)) this.ndis.imDeInitializeDeviceInstance(one.miniport);
    return super.protocolUnbindAdapterEx(first);
  }

  override protocolNetPnPEvent(first: PassThroughAdapter, netPnPEvent: NetPnPEventNotification): NDIS_STATUS {
    for (const one of this.interfacesOf(first)) super.protocolNetPnPEvent(one, netPnPEvent);
    return NDIS_STATUS_SUCCESS;
  }

  override protocolStatusEx(first: PassThroughAdapter, statusIndication: NdisStatusIndication): void {
    for (const one of this.interfacesOf(first)) super.protocolStatusEx(one, statusIndication);
  }

  override protocolTcpOffloadSendComplete(_first: PassThroughAdapter, netBufferList: NetBufferList): void {
    this.sends.popByUpperEdge(netBufferList, (upperEdge, run) => {
      upperEdge.handlers.tcpOffloadSendComplete(run);
    });
  }

  override protocolTcpOffloadReceiveComplete(_first: PassThroughAdapter, netBufferList: NetBufferList): void {
    this.sends.popByUpperEdge(netBufferList, (upperEdge, run) => {
      upperEdge.handlers.tcpOffloadReceiveComplete(run);
    });
  }

  override protocolTcpOffloadForwardComplete(_first: PassThroughAdapter, netBufferList: NetBufferList): void {
    this.sends.popByUpperEdge(netBufferList, (upperEdge, run) => {
      upperEdge.handlers.tcpOffloadForwardComplete(run);
    });
  }

  override protocolTcpOffloadDisconnectComplete(_first: PassThroughAdapter, netBufferList: NetBufferList | null): void {
    if (netBufferList === null) return;
    this.sends.popByUpperEdge(netBufferList, (upperEdge, run) => {
      upperEdge.handlers.tcpOffloadDisconnectComplete(run);
    });
  }

  private interfacesOf(first: PassThroughAdapter): readonly PassThroughAdapter[] {
    return this.interfaces.get(first) ?? [];
  }
}
