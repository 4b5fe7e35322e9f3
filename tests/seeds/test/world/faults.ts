import type { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import type { PassThroughDriver, PassThroughOptions } from '@ndis-chimney/intermediate';
import type {
  ClientChimneyOffloadGenericHandlers,
  ClientChimneyOffloadTcpHandlers,
  NdisBinding,
  ProviderChimneyOffloadGenericHandlers,
  ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import type { MuxDriver } from './mux-driver.ts';
import type { SeedHost } from './seed-host.ts';
import type { SeedNdis } from './seed-ndis.ts';

export type ClientGeneric = ClientChimneyOffloadGenericHandlers<unknown>;
export type ClientTcp = ClientChimneyOffloadTcpHandlers<unknown, unknown>;
export type ProviderGeneric = ProviderChimneyOffloadGenericHandlers<unknown>;
export type ProviderTcp = ProviderChimneyOffloadTcpHandlers<unknown, unknown>;

/** Where NDIS does something else than it should: at the edges of one driver. */
export interface Place {
  readonly ndis: SeedNdis;
  readonly driver: string;
}

/**
 * What is wrong with a world. NDIS goes wrong between a driver's handlers and those who call them (`clientTcp` and the
 * other three: the handlers given back replace those of the same name) or in a call a driver makes on its binding;
 * drivers go wrong by being of another class.
 */
export interface Faults {
  readonly clientGeneric?: (next: ClientGeneric, place: Place) => Partial<ClientGeneric>;
  readonly clientTcp?: (next: ClientTcp, place: Place) => Partial<ClientTcp>;
  readonly providerGeneric?: (next: ProviderGeneric, place: Place) => Partial<ProviderGeneric>;
  readonly providerTcp?: (next: ProviderTcp, place: Place) => Partial<ProviderTcp>;
  readonly binding?: (binding: NdisBinding, place: Place) => void;
  readonly createRuntime?: () => DeterministicRuntime;
  readonly createIntermediate?: (ndis: SeedNdis, options: PassThroughOptions) => PassThroughDriver;
  readonly createMux?: (ndis: SeedNdis, options: PassThroughOptions) => MuxDriver;
  readonly createHost?: (ndis: SeedNdis) => SeedHost;
}
