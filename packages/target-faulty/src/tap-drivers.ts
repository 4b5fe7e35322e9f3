import type {
  ClientChimneyOffloadGenericHandlers,
  ClientChimneyOffloadTcpHandlers,
  MiniportDriver,
  NdisBinding,
  NdisDriverOptionalHandlers,
  NdisLibrary,
  NdisMiniport,
  NdisSetOptionalHandlers,
  NdisTcpOffloadEventHandlers,
  ProtocolDriver,
  ProviderChimneyOffloadGenericHandlers,
  ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import { tap, type Taps } from './tap.ts';

/**
 * Taps on everything that crosses the upper edge of a miniport driver, by the names of the DDI: its own entries, which
 * NDIS calls, and the functions of NDIS it calls with an adapter.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what contexts are is the driver's own affair
export type MiniportTaps = Taps<MiniportDriver<any>> & Taps<ProviderChimneyOffloadGenericHandlers<any>> & Taps<ProviderChimneyOffloadTcpHandlers<any, any>> & Taps<NdisMiniport> & Taps<NdisTcpOffloadEventHandlers>;

/** As {@link MiniportTaps}, for the lower edge: entries of a protocol driver, and what it calls with a binding. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
export type ProtocolTaps = Taps<ProtocolDriver<any>> & Taps<ClientChimneyOffloadGenericHandlers<any>> & Taps<ClientChimneyOffloadTcpHandlers<any, any>> & Taps<NdisBinding>;

type AnyTaps = Parameters<typeof tap>[1];

/**
 * Interposes on a miniport driver: an offload target, or the upper edge of an intermediate driver. Nothing is added to
 * the stack; what a tap changes counts as the driver's own doing. To be called before the driver is registered.
 */
export function tapMiniportDriver(driver: MiniportDriver<never>, taps: MiniportTaps): void {
  const any = taps as AnyTaps;
  tap(driver, {
    miniportSetOptions: (next, handle: NdisSetOptionalHandlers) => next(tappedRegistration(driver, handle, any)) as unknown,
    miniportInitializeEx: (next, miniport: NdisMiniport, ...parameters: never[]) => {
      tap(miniport, any);
      tap(miniport, {
        getOffloadHandlers: (get, type: number) => {
          const result = get(type) as ReturnType<NdisMiniport['getOffloadHandlers']>;
          const { offloadHandlers } = result;
          if (offloadHandlers !== null && (offloadHandlers as object) !== miniport) tap(offloadHandlers, any);
          return result;
        },
      });
      return next(miniport, ...parameters) as unknown;
    },
  });
  tap(driver, any);
}

/**
 * Interposes on a protocol driver: a host, or the lower edge of an intermediate driver. As {@link tapMiniportDriver}.
 * @param ndis where the driver will be registered.
 */
export function tapProtocolDriver(ndis: NdisLibrary, driver: ProtocolDriver<never>, taps: ProtocolTaps): void {
  const any = taps as AnyTaps;
  tap(driver, {
    protocolSetOptions: (next, handle: NdisSetOptionalHandlers) => next(tappedRegistration(driver, handle, any)) as unknown,
    // `openAdapterEx` is for protocolBindAdapterEx alone, so the binding that comes of it meanwhile is the driver's.
    protocolBindAdapterEx: (next, ...args: never[]) => {
      // eslint-disable-next-line @typescript-eslint/unbound-method -- put back as it was
      const original = ndis.openAdapterEx;
      tap(ndis, {
        openAdapterEx: (open, ...parameters: never[]) => {
          const result = open(...parameters) as ReturnType<NdisLibrary['openAdapterEx']>;
          if (result.ndisBindingHandle !== null) tap(result.ndisBindingHandle, any);
          return result;
        },
      });
      try {
        return next(...args) as unknown;
      } finally {
        Object.defineProperty(ndis, 'openAdapterEx', { value: original, configurable: true, writable: true, enumerable: false });
      }
    },
  });
  tap(driver, any);
}

/** A registration through which handlers that are not the driver itself are tapped too. */
function tappedRegistration(driver: object, handle: NdisSetOptionalHandlers, taps: AnyTaps): NdisSetOptionalHandlers {
  tap(handle, {
    setOptionalHandlers: (next, optional: NdisDriverOptionalHandlers) => {
      if ((optional.handlers as object) !== driver) tap(optional.handlers, taps);
      return next(optional) as unknown;
    },
  });
  return handle;
}
