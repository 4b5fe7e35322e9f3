import { Ndis } from '@ndis-chimney/core';
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisMiniportAdapterRegistrationAttributes,
  type ChimneyViolation,
  type MiniportDriver,
  type NdisBindContext,
  type NdisBinding,
  type NdisMiniport,
  type NdisOidRequest,
  type NDIS_STATUS,
  type ProtocolDriver,
} from '@ndis-chimney/types';

/** One edge of an NDIS that stands still: what the helpers of an intermediate driver work on. */
export interface Edge {
  readonly ndis: Ndis;
  readonly runtime: DeterministicRuntime;
  readonly binding: NdisBinding;
  readonly miniport: NdisMiniport;
  readonly violations: ChimneyViolation[];
  /** OID requests that reached the driver below, and what it answers. */
  readonly requests: NdisOidRequest[];
  oidAnswer: (request: NdisOidRequest) => NDIS_STATUS;
}

/** A protocol driver bound to a miniport driver, both doing nothing. */
export function createEdge(): Edge {
  const runtime = new DeterministicRuntime();
  const ndis = new Ndis({ clock: runtime.clock, random: runtime.random, dpcQueue: runtime.dpcQueue });
  const violations: ChimneyViolation[] = [];
  ndis.onViolationReported((violation) => {
    violations.push(violation);
  });
  const parts: { binding?: NdisBinding; miniport?: NdisMiniport } = {};
  const nothing = (): void => undefined;
  const success = (): NDIS_STATUS => NDIS_STATUS_SUCCESS;
  const requests: NdisOidRequest[] = [];
  const lower: MiniportDriver<object> = {
    name: 'lower',
    miniportInitializeEx(miniport) {
      const attributes = new NdisMiniportAdapterRegistrationAttributes();
      attributes.miniportAdapterContext = lower;
      parts.miniport = miniport;
      return miniport.setMiniportAttributes(attributes);
    },
    miniportRestart: success,
    miniportPause: success,
    miniportHaltEx: nothing,
    miniportOidRequest(_context, request) {
      requests.push(request);
      return edge.oidAnswer(request);
    },
    miniportSendNetBufferLists: nothing,
    miniportReturnNetBufferLists: nothing,
  };
  const { ndisDriverHandle } = ndis.registerMiniportDriver(lower);
  const upper: ProtocolDriver<object> = {
    name: 'upper',
    protocolBindAdapterEx(bindContext: NdisBindContext) {
      const { status, ndisBindingHandle } = ndis.openAdapterEx(protocol, upper, bindContext);
      if (ndisBindingHandle !== null) parts.binding = ndisBindingHandle;
      return status;
    },
    protocolOpenAdapterCompleteEx: nothing,
    protocolUnbindAdapterEx: success,
    protocolCloseAdapterCompleteEx: nothing,
    protocolNetPnPEvent: success,
    protocolStatusEx: nothing,
    protocolSendNetBufferListsComplete: nothing,
    protocolReceiveNetBufferLists: nothing,
    protocolOidRequestComplete: nothing,
  };
  const protocol = given(ndis.registerProtocolDriver(upper).ndisProtocolHandle);
  ndis.addAdapter(given(ndisDriverHandle), 'nic');
  ndis.bindAdapter(protocol, given(parts.miniport));
  const edge: Edge = { ndis, runtime, binding: given(parts.binding), miniport: given(parts.miniport), violations, requests, oidAnswer: () => NDIS_STATUS_PENDING };
  return edge;
}

/** A value that is there. @throws Error when it is not. */
export function given<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new Error('there is no such thing');
  return value;
}
