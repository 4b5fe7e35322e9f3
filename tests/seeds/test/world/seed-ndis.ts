import { Ndis, type NdisOptions } from '@ndis-chimney/core';
import {
  NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
  NDIS_STATUS_SUCCESS,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  type MiniportDriver,
  type NdisBindContext,
  type NdisBinding,
  type NdisDriverOptionalHandlers,
  type NdisMiniport,
  type NdisProtocolHandle,
  type NdisSetOptionalHandlers,
  type OpenAdapterResult,
  type ProtocolDriver,
  type RegisterMiniportDriverResult,
  type RegisterProtocolDriverResult,
} from '@ndis-chimney/types';

import type { ClientGeneric, ClientTcp, Faults, Place, ProviderGeneric, ProviderTcp } from './faults.ts';
import { overlay, wrapHandlers, wrapMethod } from './interpose.ts';
import { Journal } from './journal.ts';

/** One `NdisOpenAdapterEx`: which context which driver gave, and the binding it got. */
export interface Opening {
  readonly driver: string;
  readonly context: unknown;
  readonly binding: NdisBinding;
}

/** The calls on a binding that are written down, by the method that makes them. */
const DOWNCALLS: ReadonlyMap<string, string> = new Map([
  ['initiateOffload', 'NdisInitiateOffload'],
  ['terminateOffload', 'NdisTerminateOffload'],
  ['updateOffload', 'NdisUpdateOffload'],
  ['invalidateOffload', 'NdisInvalidateOffload'],
  ['queryOffloadState', 'NdisQueryOffloadState'],
  ['offloadTcpSend', 'NdisOffloadTcpSend'],
  ['relayTcpSend', 'NdisOffloadTcpSend'],
  ['offloadTcpDisconnect', 'NdisOffloadTcpDisconnect'],
]);

/** The completions on a miniport handle that are written down. */
const COMPLETIONS: ReadonlyMap<string, string> = new Map([
  ['initiateOffloadComplete', 'NdisMInitiateOffloadComplete'],
  ['terminateOffloadComplete', 'NdisMTerminateOffloadComplete'],
  ['updateOffloadComplete', 'NdisMUpdateOffloadComplete'],
  ['invalidateOffloadComplete', 'NdisMInvalidateOffloadComplete'],
  ['queryOffloadStateComplete', 'NdisMQueryOffloadStateComplete'],
  ['tcpOffloadSendComplete', 'NdisTcpOffloadSendComplete'],
  ['relayTcpSendComplete', 'NdisTcpOffloadSendComplete'],
  ['tcpOffloadDisconnectComplete', 'NdisTcpOffloadDisconnectComplete'],
]);

/**
 * NDIS, with every call of the chimney written down next to the driver that makes or receives it, and with faults
 * between those calls and NDIS proper.
 */
export class SeedNdis extends Ndis {
  readonly journal: Journal = new Journal();
  /** Every binding that was opened, in order. */
  readonly openings: Opening[] = [];
  private readonly faults: Faults;

  constructor(options: NdisOptions, faults: Faults) {
    super(options);
    this.faults = faults;
  }

  override registerMiniportDriver(driver: MiniportDriver<never>, isIntermediate = false): RegisterMiniportDriverResult {
    const place: Place = { ndis: this, driver: driver.name };
    const setOptions = driver.miniportSetOptions?.bind(driver);
    driver.miniportSetOptions = (handle) => setOptions?.({ driver, getOffloadHandlers: (type) => handle.getOffloadHandlers(type), ...this.interposed(handle, place) }) ?? NDIS_STATUS_SUCCESS;
    const initialize = driver.miniportInitializeEx.bind(driver);
    driver.miniportInitializeEx = (miniport, parameters) => {
      this.writeDownCompletions(miniport, driver.name);
      return initialize(miniport, parameters);
    };
    return super.registerMiniportDriver(driver, isIntermediate);
  }

  override registerProtocolDriver(driver: ProtocolDriver<never>): RegisterProtocolDriverResult {
    const place: Place = { ndis: this, driver: driver.name };
    const setOptions = driver.protocolSetOptions?.bind(driver);
    driver.protocolSetOptions = (handle) => setOptions?.({ driver, ...this.interposed(handle, place) }) ?? NDIS_STATUS_SUCCESS;
    return super.registerProtocolDriver(driver);
  }

  override openAdapterEx(ndisProtocolHandle: NdisProtocolHandle, protocolBindingContext: unknown, bindContext: NdisBindContext): OpenAdapterResult {
    const result = super.openAdapterEx(ndisProtocolHandle, protocolBindingContext, bindContext);
    const binding = result.ndisBindingHandle;
    if (binding === null) return result;
    const driver = ndisProtocolHandle.driver.name;
    this.openings.push({ driver, context: protocolBindingContext, binding });
    this.faults.binding?.(binding, { ndis: this, driver });
    for (const [method, name] of DOWNCALLS) {
      wrapMethod(binding, method, (args, proceed) => this.journal.toNdis(driver, name, binding, ddiArguments(method, args), () => proceed(...args)));
    }
    return result;
  }

  private writeDownCompletions(miniport: NdisMiniport, driver: string): void {
    let relayed: unknown = null;
    for (const [method, name] of COMPLETIONS) {
      wrapMethod(miniport, method, (args, proceed) => {
        // A relay that takes the long way calls the completion of the same list itself: one call of the driver.
        if (args[0] === relayed) return proceed(...args);
        if (method.startsWith('relay')) [relayed] = args;
        try {
          return this.journal.toNdis(driver, name, miniport, ddiArguments(method, args), () => proceed(...args));
        } finally {
          relayed = null;
        }
      });
    }
  }

  private interposed(handle: NdisSetOptionalHandlers, place: Place): NdisSetOptionalHandlers {
    return { setOptionalHandlers: (optionalHandlers) => handle.setOptionalHandlers(this.replace(optionalHandlers, place)) };
  }

  private replace(optionalHandlers: NdisDriverOptionalHandlers, place: Place): NdisDriverOptionalHandlers {
    const { faults } = this;
    const handlers: object = wrapHandlers<object>(optionalHandlers.handlers, (name, args, proceed) =>
      this.journal.fromNdis(place.driver, ddiName(name), args, () => proceed(...args)),
    );
    switch (optionalHandlers.header.type) {
      case NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS: {
        const next = handlers as ClientGeneric;
        return new NdisClientChimneyOffloadGenericCharacteristics(overlay(next, faults.clientGeneric?.(next, place) ?? {}));
      }
      case NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS: {
        const next = handlers as ClientTcp;
        return new NdisClientChimneyOffloadTcpCharacteristics(overlay(next, faults.clientTcp?.(next, place) ?? {}));
      }
      case NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS: {
        const next = handlers as ProviderGeneric;
        return new NdisProviderChimneyOffloadGenericCharacteristics(overlay(next, faults.providerGeneric?.(next, place) ?? {}));
      }
      default: {
        const next = handlers as ProviderTcp;
        return new NdisProviderChimneyOffloadTcpCharacteristics(overlay(next, faults.providerTcp?.(next, place) ?? {}));
      }
    }
  }
}

/** `protocolTcpOffloadSendComplete` is `ProtocolTcpOffloadSendComplete` in the DDI. */
function ddiName(method: string): string {
  return method.charAt(0).toUpperCase() + method.slice(1);
}

/** A relay call is the DDI function and its context bookkeeping in one; the latter is no argument of the function. */
function ddiArguments(method: string, args: readonly unknown[]): readonly unknown[] {
  if (!method.startsWith('relay')) return args;
  return args.slice(0, method.endsWith('Complete') ? 1 : 2);
}
