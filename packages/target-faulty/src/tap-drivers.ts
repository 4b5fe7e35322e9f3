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
 * @param tapsOf more taps, for what the driver calls with one adapter: called when the adapter comes up.
 */
export function tapMiniportDriver(driver: MiniportDriver<never>, taps: MiniportTaps, tapsOf?: (miniport: NdisMiniport) => MiniportTaps): void {
  const any = taps as AnyTaps;
  tap(driver, {
    miniportSetOptions: (next, handle: NdisSetOptionalHandlers) => next(tappedRegistration(driver, handle, any)) as unknown,
    miniportInitializeEx: (next, miniport: NdisMiniport, ...parameters: never[]) => {
      const ofAdapter = tapsOf?.(miniport) as AnyTaps | undefined;
      const tapBoth = (object: object): void => {
        tap(object, any);
        if (ofAdapter !== undefined) tap(object, ofAdapter);
      };
      tapBoth(miniport);
      tap(miniport, {
        getOffloadHandlers: (get, type: number) => {
          const result = get(type) as ReturnType<NdisMiniport['getOffloadHandlers']>;
          const { offloadHandlers } = result;
          if (offloadHandlers !== null && (offloadHandlers as object) !== miniport) tapBoth(offloadHandlers);
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
 * @param tapsOf more taps, for what the driver calls with one binding: called when the binding is opened.
 */
export function tapProtocolDriver(ndis: NdisLibrary, driver: ProtocolDriver<never>, taps: ProtocolTaps, tapsOf?: (binding: NdisBinding) => ProtocolTaps): void {
  const any = taps as AnyTaps;
  tap(driver, {
    protocolSetOptions: (next, handle: NdisSetOptionalHandlers) => next(tappedRegistration(driver, handle, any)) as unknown,
    // `openAdapterEx` is for protocolBindAdapterEx alone, so the binding that comes of it meanwhile is the driver's.
    protocolBindAdapterEx: (next, ...args: never[]) => {
      const untap = tapForNow(ndis, {
        openAdapterEx: (open, ...parameters: never[]) => {
          const result = open(...parameters) as ReturnType<NdisLibrary['openAdapterEx']>;
          const binding = result.ndisBindingHandle;
          if (binding !== null) {
            tap(binding, any);
            if (tapsOf !== undefined) tap(binding, tapsOf(binding) as AnyTaps);
          }
          return result;
        },
      });
      try {
        return next(...args) as unknown;
      } finally {
        untap();
      }
    },
  });
  tap(driver, any);
}

/** Taps an object until the function that it returns is called. Taps made meanwhile go with it. */
export function tapForNow<Tapped extends object>(object: Tapped, taps: AnyTaps): () => void {
  const before = Object.keys(taps).map((name) => [name, Object.getOwnPropertyDescriptor(object, name)] as const);
  tap(object, taps);
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, descriptor);
    }
  };
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
