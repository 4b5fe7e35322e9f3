/**
 * NDIS_OBJECT_HEADER: first member of a structure that exists in several revisions. Whoever makes the structure writes
 * it; whoever receives one checks type, revision and size before it reads further. Sizes are those of the x64 layout.
 * Source: ndis.h.
 */
export class NdisObjectHeader {
  /** What the structure is: an `NDIS_OBJECT_TYPE_` value, in a block list an `OFFLOAD_STATE_TYPE`. 8 bits. */
  type: number;
  /** Which revision of the structure. 8 bits. */
  revision: number;
  /** Bytes that the C structure of that revision has on x64, header included. 16 bits. */
  size: number;

  constructor(type = 0, revision = 0, size = 0) {
    this.type = type;
    this.revision = revision;
    this.size = size;
  }

  /** Copies every member. */
  copyFrom(from: NdisObjectHeader): this {
    this.type = from.type;
    this.revision = from.revision;
    this.size = from.size;
    return this;
  }
}

// Header.Type

/** Type of every structure that has no type of its own. Source: ndis.h. */
export const NDIS_OBJECT_TYPE_DEFAULT = 0x80;

/**
 * Type of the generic chimney handlers of a protocol edge.
 * Source: `ns-ndischimney-_ndis_client_chimney_offload_generic_characteristics.md`.
 */
export const NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS = 0x8E;

/**
 * Type of the generic chimney handlers of a miniport edge.
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_generic_characteristics.md`.
 */
export const NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS = 0x8F;

/**
 * Type of the TCP chimney handlers of a protocol edge.
 * Source: `ns-ndischimney-_ndis_client_chimney_offload_tcp_characteristics.md`.
 */
export const NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS = 0x93;

/**
 * Type of the TCP chimney handlers of a miniport edge.
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_tcp_characteristics.md`.
 */
export const NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS = 0x94;

/** Type of an `NdisOidRequest`. Source: ndis.h. */
export const NDIS_OBJECT_TYPE_OID_REQUEST = 0x96;

/** Type of an `NdisStatusIndication`. Source: ndis.h. */
export const NDIS_OBJECT_TYPE_STATUS_INDICATION = 0x98;

/** Type of an `NdisMiniportAdapterRegistrationAttributes`. Source: ndis.h. */
export const NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES = 0x9E;

/** Type of an `NdisMiniportAdapterGeneralAttributes`. Source: ndis.h. */
export const NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES = 0x9F;

/**
 * Type of an `NdisMiniportAdapterOffloadAttributes`.
 * Source: `ns-ndis-_ndis_miniport_adapter_offload_attributes.md`.
 */
export const NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES = 0xA0;

/** Type of an `NdisOffloadEncapsulation`. Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`. */
export const NDIS_OBJECT_TYPE_OFFLOAD_ENCAPSULATION = 0xA8;

/**
 * Type of the handler table that `NdisMGetOffloadHandlers` returns. No header establishes it. PRIVATE value, chosen
 * because the page says that the type equals the chimney type asked for (`NdisTcpChimneyOffload`); do not test it,
 * test revision and size. Source: `nf-ndischimney-ndismgetoffloadhandlers.md`.
 */
export const PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS = 0x01;

// Header.Revision and Header.Size

/**
 * Revision of the generic chimney handlers of a protocol edge.
 * Source: `ns-ndischimney-_ndis_client_chimney_offload_generic_characteristics.md`.
 */
export const NDIS_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1 = 1;
/** Bytes on x64. Source: `ns-ndischimney-_ndis_client_chimney_offload_generic_characteristics.md`. */
export const NDIS_SIZEOF_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1 = 0x38;

/**
 * Revision of the TCP chimney handlers of a protocol edge.
 * Source: `ns-ndischimney-_ndis_client_chimney_offload_tcp_characteristics.md`.
 */
export const NDIS_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1 = 1;
/** Bytes on x64. Source: `ns-ndischimney-_ndis_client_chimney_offload_tcp_characteristics.md`. */
export const NDIS_SIZEOF_CLIENT_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS_REVISION_1 = 0x40;

/**
 * Revision of the generic chimney handlers of a miniport edge. No source establishes it: the header has no macro.
 * PRIVATE value 0, which Microsoft's intermediate-driver sample writes; every revision that does have a macro starts at
 * 1. Do not reject others. Source: `ns-ndischimney-_ndis_provider_chimney_offload_generic_characteristics.md`.
 */
export const PRIVATE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1 = 0;
/**
 * Bytes on x64; the header has no macro of this name.
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_generic_characteristics.md`.
 */
export const NDIS_SIZEOF_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS = 0x30;

/**
 * Revision of the TCP chimney handlers of a miniport edge. No source establishes it; PRIVATE value 0 for the reasons of
 * {@link PRIVATE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS_REVISION_1}.
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_tcp_characteristics.md`.
 */
export const PRIVATE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS_REVISION_1 = 0;
/**
 * Bytes on x64; the header has no macro of this name.
 * Source: `ns-ndischimney-_ndis_provider_chimney_offload_tcp_characteristics.md`.
 */
export const NDIS_SIZEOF_PROVIDER_CHIMNEY_OFFLOAD_TCP_CHARACTERISTICS = 0x38;

/**
 * Revision of the handler table that `NdisMGetOffloadHandlers` returns.
 * Source: `ns-ndischimney-_ndis_tcp_offload_event_handlers.md`.
 */
export const NDIS_OBJECT_TCP_OFFLOAD_REVISION_1 = 1;
/** Bytes on x64. Source: `ns-ndischimney-_ndis_tcp_offload_event_handlers.md`. */
export const NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1 = 0x38;

/**
 * Revision of a miniport or protocol offload block list. No source establishes it: the header has no macro, and pages
 * call it the block's revision or that of the state structure behind it. PRIVATE value, chosen because no revision of
 * NDIS comes near it, so that it is recognised in a dump; ignore it on input.
 * Source: `ns-ndischimney-_ndis_miniport_offload_block_list.md`.
 */
export const PRIVATE_OFFLOAD_BLOCK_LIST_REVISION_1 = 0xF1;
/**
 * Bytes of a miniport or protocol offload block list on x64, without the state structures behind it; the header has no
 * macro of this name. Source: `ns-ndischimney-_ndis_miniport_offload_block_list.md`.
 */
export const NDIS_SIZEOF_OFFLOAD_BLOCK_LIST = 0x98;

/** First revision of `NdisTcpConnectionOffload`. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_TCP_CONNECTION_OFFLOAD_REVISION_1 = 1;
/** Adds `congestionAlgorithm`, NDIS 6.1. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_TCP_CONNECTION_OFFLOAD_REVISION_2 = 2;
/** Bytes on x64. Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`. */
export const NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_REVISION_1 = 0x14;
/**
 * Bytes on x64: as many as revision 1, since the new member fills spare bits.
 * Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`.
 */
export const NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_REVISION_2 = 0x14;

/**
 * First revision of `NdisTcpConnectionOffloadParameters`; the header spells it without REVISION.
 * Source: `ns-ndischimney-_ndis_tcp_connection_offload_parameters.md`.
 */
export const NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_1 = 1;
/** Adds `congestionAlgorithm`, NDIS 6.1. Source: `ns-ndischimney-_ndis_tcp_connection_offload_parameters.md`. */
export const NDIS_TCP_CONNECTION_OFFLOAD_PARAMETERS_2 = 2;
/** Bytes on x64. Source: `ns-ndischimney-_ndis_tcp_connection_offload_parameters.md`. */
export const NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_PARAMETERS_REVISION_1 = 0x38;
/** Bytes on x64. Source: `ns-ndischimney-_ndis_tcp_connection_offload_parameters.md`. */
export const NDIS_SIZEOF_TCP_CONNECTION_OFFLOAD_PARAMETERS_REVISION_2 = 0x3C;

/** Revision of `NdisLinkState`. Source: `ns-ntddndis-_ndis_link_state.md`. */
export const NDIS_LINK_STATE_REVISION_1 = 1;
/** Bytes on x64. Source: ntddndis.h. */
export const NDIS_SIZEOF_LINK_STATE_REVISION_1 = 0x28;

/** Revision of `NdisOffloadParameters`. Source: `ns-ntddndis-_ndis_offload_parameters.md`. */
export const NDIS_OFFLOAD_PARAMETERS_REVISION_1 = 1;
/** Bytes on x64, through `flags`. Source: ntddndis.h. */
export const NDIS_SIZEOF_OFFLOAD_PARAMETERS_REVISION_1 = 0x14;

/** Revision of `NdisOffloadEncapsulation`. Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`. */
export const NDIS_OFFLOAD_ENCAPSULATION_REVISION_1 = 1;
/** Bytes on x64. Source: `ns-encapsulationconfig-ndis_offload_encapsulation.md`. */
export const NDIS_SIZEOF_OFFLOAD_ENCAPSULATION_REVISION_1 = 0x1C;

/** Revision of `NdisMiniportAdapterRegistrationAttributes`. Source: ndis.h. */
export const NDIS_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1 = 1;
/** Bytes on x64. Source: ndis.h. */
export const NDIS_SIZEOF_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES_REVISION_1 = 0x1C;

/** Revision of `NdisMiniportAdapterGeneralAttributes`, NDIS 6.20. Source: ndis.h. */
export const NDIS_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2 = 2;
/** Bytes on x64, of all members of the C structure. Source: ndis.h. */
export const NDIS_SIZEOF_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES_REVISION_2 = 0xE0;

/**
 * Revision of `NdisMiniportAdapterOffloadAttributes`.
 * Source: `ns-ndis-_ndis_miniport_adapter_offload_attributes.md`.
 */
export const NDIS_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1 = 1;
/** Bytes on x64. Source: `ns-ndis-_ndis_miniport_adapter_offload_attributes.md`. */
export const NDIS_SIZEOF_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES_REVISION_1 = 0x28;

/** Revision of `NdisStatusIndication`. Source: ndis.h. */
export const NDIS_STATUS_INDICATION_REVISION_1 = 1;
/** Bytes on x64, through the four reserved pointers at the end. Source: ndis.h and published symbol layouts. */
export const NDIS_SIZEOF_STATUS_INDICATION_REVISION_1 = 0x70;

/** Revision of `NdisOidRequest`. Source: ndis.h. */
export const NDIS_OID_REQUEST_REVISION_1 = 1;
/** Bytes on x64, of all members of the C structure. Source: ndis.h. */
export const NDIS_SIZEOF_OID_REQUEST_REVISION_1 = 0xEC;
