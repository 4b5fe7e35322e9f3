import type { Ndis } from '@ndis-chimney/core';
import type { MiniportDriver, NdisDriverOptionalHandlers, NdisMiniportDriverHandle, NdisProtocolHandle, NdisSetOptionalHandlers, NDIS_STATUS, ProtocolDriver } from '@ndis-chimney/types';

import { around, during } from './around.ts';

/** One structure that a driver registered. */
export interface RegisteredHandlers {
  readonly edge: 'upper' | 'lower';
  readonly optionalHandlers: NdisDriverOptionalHandlers;
  readonly status: NDIS_STATUS;
}

/** One binding that a protocol opened. */
export interface OpenedBinding {
  readonly protocol: NdisProtocolHandle;
  readonly adapterName: string;
  /** What the protocol passed to NdisOpenAdapterEx. */
  readonly protocolBindingContext: unknown;
}

/** What drivers registered with NDIS, and which bindings they opened: the part of a contract that no edge shows later. */
export class RegistrationLog {
  readonly handlers: RegisteredHandlers[] = [];
  readonly bindings: OpenedBinding[] = [];
  /** Drivers that were registered as intermediate drivers. */
  readonly intermediates: MiniportDriver<never>[] = [];
  /** Both edges, as NdisIMAssociateMiniport was told. */
  readonly associated: (readonly [NdisMiniportDriverHandle, NdisProtocolHandle])[] = [];

  /** Listens at the functions that this NDIS exports, from now on. */
  constructor(ndis: Ndis) {
    around(ndis, 'registerMiniportDriver', (next, driver: MiniportDriver<never>, isIntermediate?: boolean) => {
      if (isIntermediate === true) this.intermediates.push(driver);
      return during(driver, 'miniportSetOptions', (setOptions, handle: NdisSetOptionalHandlers) => setOptions(this.listening('upper', handle)), () => next(driver, isIntermediate));
    });
    around(ndis, 'registerProtocolDriver', (next, driver: ProtocolDriver<never>) =>
      during(driver, 'protocolSetOptions', (setOptions, handle: NdisSetOptionalHandlers) => setOptions(this.listening('lower', handle)), () => next(driver)));
    around(ndis, 'imAssociateMiniport', (next, miniport: NdisMiniportDriverHandle, protocol: NdisProtocolHandle) => {
      next(miniport, protocol);
      this.associated.push([miniport, protocol]);
    });
    around(ndis, 'openAdapterEx', (next, protocol: NdisProtocolHandle, protocolBindingContext: unknown, bindContext: unknown) => {
      const result = next(protocol, protocolBindingContext, bindContext) as ReturnType<Ndis['openAdapterEx']>;
      const { ndisBindingHandle } = result;
      if (ndisBindingHandle !== null) this.bindings.push({ protocol, adapterName: ndisBindingHandle.adapterName, protocolBindingContext });
      return result;
    });
  }

  private listening(edge: RegisteredHandlers['edge'], handle: NdisSetOptionalHandlers): NdisSetOptionalHandlers {
    around(handle, 'setOptionalHandlers', (next, optionalHandlers: NdisDriverOptionalHandlers) => {
      const status = next(optionalHandlers) as NDIS_STATUS;
      this.handlers.push({ edge, optionalHandlers, status });
      return status;
    });
    return handle;
  }
}
