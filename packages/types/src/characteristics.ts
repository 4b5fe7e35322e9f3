import { NDIS_CHIMNEY_OFFLOAD_TYPE } from './chimney-enums.ts';
import type { ClientChimneyOffloadGenericHandlers, ClientChimneyOffloadTcpHandlers } from './client-handlers.ts';
import * as header from './object-header.ts';
import type { ProviderChimneyOffloadGenericHandlers, ProviderChimneyOffloadTcpHandlers } from './provider-handlers.ts';

/**
 * The four structures a driver registers its chimney entry points with. In C each is a table of function pointers; here
 * `handlers` is the object whose prototype has the methods, normally the driver itself.
 */

/**
 * NDIS_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS: registered from `miniportSetOptions`.
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_generic_characteristics.md`.
 */
export class NdisProviderChimneyOffloadGenericCharacteristics<AdapterContext = unknown> {
  readonly header: header.NdisObjectHeader = new header.NdisObjectHeader(
    header.NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
    header.PRIVATE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1,
    header.NDIS_SIZEOF_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
  );
  readonly flags = 0;
  readonly handlers: ProviderChimneyOffloadGenericHandlers<AdapterContext>;

  constructor(handlers: ProviderChimneyOffloadGenericHandlers<AdapterContext>) {
    this.handlers = handlers;
  }
}

/**
 * NDIS_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS: registered from `miniportSetOptions`.
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_tcp_characteristics.md`.
 */
export class NdisProviderChimneyOffloadTcpCharacteristics<AdapterContext = unknown, OffloadContext = unknown> {
  readonly header: header.NdisObjectHeader = new header.NdisObjectHeader(
    header.NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS,
    header.PRIVATE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS_REVISION_1,
    header.NDIS_SIZEOF_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS,
  );
  readonly flags = 0;
  readonly offloadType: NDIS_CHIMNEY_OFFLOAD_TYPE = NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload;
  readonly handlers: ProviderChimneyOffloadTcpHandlers<AdapterContext, OffloadContext>;

  constructor(handlers: ProviderChimneyOffloadTcpHandlers<AdapterContext, OffloadContext>) {
    this.handlers = handlers;
  }
}

/**
 * NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS: registered from `protocolSetOptions`.
 * Source: `ns-ndischimney-_ndis_client_chimney_offload_generic_characteristics.md`.
 */
export class NdisClientChimneyOffloadGenericCharacteristics<BindingContext = unknown> {
  readonly header: header.NdisObjectHeader = new header.NdisObjectHeader(
    header.NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
    header.NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1,
    header.NDIS_SIZEOF_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1,
  );
  readonly flags = 0;
  readonly handlers: ClientChimneyOffloadGenericHandlers<BindingContext>;

  constructor(handlers: ClientChimneyOffloadGenericHandlers<BindingContext>) {
    this.handlers = handlers;
  }
}

/**
 * NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS: registered from `protocolSetOptions`.
 * Source: `ns-ndischimney-_ndis_client_chimney_offload_tcp_characteristics.md`.
 */
export class NdisClientChimneyOffloadTcpCharacteristics<BindingContext = unknown, HandleOwner = unknown> {
  readonly header: header.NdisObjectHeader = new header.NdisObjectHeader(
    header.NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS,
    header.NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1,
    header.NDIS_SIZEOF_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1,
  );
  readonly flags = 0;
  readonly offloadType: NDIS_CHIMNEY_OFFLOAD_TYPE = NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload;
  readonly handlers: ClientChimneyOffloadTcpHandlers<BindingContext, HandleOwner>;

  constructor(handlers: ClientChimneyOffloadTcpHandlers<BindingContext, HandleOwner>) {
    this.handlers = handlers;
  }
}

/** NDIS_DRIVER_OPTIONAL_HANDLERS, what `setOptionalHandlers` accepts: one of the four characteristics structures. */
export type NdisDriverOptionalHandlers =
  | NdisProviderChimneyOffloadGenericCharacteristics<never>
  | NdisProviderChimneyOffloadTcpCharacteristics<never, never>
  | NdisClientChimneyOffloadGenericCharacteristics<never>
  | NdisClientChimneyOffloadTcpCharacteristics<never, never>;
