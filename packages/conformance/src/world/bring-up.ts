import type {
  MiniportDriver,
  NdisDriverOptionalHandlers,
  NdisMiniport,
  NdisMiniportAdapterAttributes,
  NdisMiniportDriverHandle,
  NdisMiniportInitParameters,
  NdisTcpOffloadEventHandlers,
} from '@ndis-chimney/types';

import { around } from './around.ts';

/** What a miniport driver does while it registers and while its adapters come up. */
export interface BringUp {
  /** What it passed to `NdisSetOptionalHandlers`, from `MiniportSetOptions`. */
  readonly registered: NdisDriverOptionalHandlers[];
  /** Chimney types it asked `NdisMGetOffloadHandlers` for, by adapter. */
  readonly tablesAskedFor: Map<string, number[]>;
  /** Attributes it set, by adapter. */
  readonly attributes: Map<string, NdisMiniportAdapterAttributes[]>;
  /** Puts another table in the place of the one that NDIS gives, for the adapters that come up from now on. */
  replaceTable: ((table: NdisTcpOffloadEventHandlers) => NdisTcpOffloadEventHandlers) | null;
}

/** Watches a driver that is not registered yet. Nothing it does is changed, as long as no table is replaced. */
export function watchBringUp(driver: MiniportDriver<never>): BringUp {
  const seen: BringUp = { registered: [], tablesAskedFor: new Map(), attributes: new Map(), replaceTable: null };
  around(driver, 'miniportSetOptions', (setOptions, handle: NdisMiniportDriverHandle) => {
    around(handle, 'setOptionalHandlers', (next, optional: NdisDriverOptionalHandlers) => {
      seen.registered.push(optional);
      return next(optional);
    });
    return setOptions(handle);
  });
  around(driver, 'miniportInitializeEx', (initialize, miniport: NdisMiniport, parameters: NdisMiniportInitParameters) => {
    const types: number[] = [];
    const attributes: NdisMiniportAdapterAttributes[] = [];
    seen.tablesAskedFor.set(parameters.adapterName, types);
    seen.attributes.set(parameters.adapterName, attributes);
    around(miniport, 'getOffloadHandlers', (next, type: number) => {
      types.push(type);
      const result = next(type) as ReturnType<NdisMiniport['getOffloadHandlers']>;
      const { offloadHandlers, status } = result;
      return seen.replaceTable === null || offloadHandlers === null ? result : { status, offloadHandlers: seen.replaceTable(offloadHandlers) };
    });
    around(miniport, 'setMiniportAttributes', (next, each: NdisMiniportAdapterAttributes) => {
      attributes.push(each);
      return next(each);
    });
    return initialize(miniport, parameters);
  });
  return seen;
}
