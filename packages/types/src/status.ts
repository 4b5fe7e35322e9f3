/**
 * Status of a call, a completion or a status indication. The header types it `int`, so every value here is a signed
 * int32 (`0xC0000001 | 0` is negative); that also keeps it a small integer for the engine. Compare with `===`, test
 * success with {@link isNdisStatusSuccess}, show with `formatNdisStatus`. Layout: bits 30-31 severity (0 success,
 * 1 informational, 2 warning, 3 error), bit 29 customer, bits 16-28 facility, bits 0-15 code. Source: ndis.h.
 */
export type NDIS_STATUS = number;

/**
 * `NT_SUCCESS`: true for severity success or informational, so also for `NDIS_STATUS_PENDING` and
 * `NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS`. Test for those first where they matter. Source: ntdef.h.
 */
export function isNdisStatusSuccess(status: NDIS_STATUS): boolean {
  return status >= 0;
}

// Results of calls and completions.

/** The operation succeeded. Legal in every block list, NET_BUFFER_LIST and return. Source: ndis.h. */
export const NDIS_STATUS_SUCCESS: NDIS_STATUS = 0x00000000;

/**
 * The completion follows by callback. The only return of the send, receive, disconnect and forward downcalls and
 * miniport entries; never a completion status. Source: `nf-ndischimney-ndisoffloadtcpsend.md`.
 */
export const NDIS_STATUS_PENDING: NDIS_STATUS = 0x00000103;

/**
 * Not a chimney status: base NDIS says so when it refuses a request. One bullet prints it where a refused receive
 * indication returns {@link NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED}.
 * Source: `nc-ndischimney-ndis_tcp_offload_receive_indicate.md`.
 */
export const NDIS_STATUS_NOT_ACCEPTED: NDIS_STATUS = 0x00010003;

/**
 * Failed for a reason without a code of its own. Legal in a block list of all five state operations; what an
 * intermediate driver without memory fails an initiate with.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_FAILURE: NDIS_STATUS = 0xC0000001 | 0;

/** A parameter of the call is invalid. Base NDIS only. Source: ndis.h. */
export const NDIS_STATUS_INVALID_PARAMETER: NDIS_STATUS = 0xC000000D | 0;

/**
 * No memory or other resource. In a block list legal for initiate only; also returned by registration and allocation.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_RESOURCES: NDIS_STATUS = 0xC000009A | 0;

/**
 * Not supported: returned by `NdisMGetOffloadHandlers` and for an OID that the adapter does not know or NDIS blocks.
 * Source: `nf-ndischimney-ndismgetoffloadhandlers.md`.
 */
export const NDIS_STATUS_NOT_SUPPORTED: NDIS_STATUS = 0xC00000BB | 0;

/**
 * Receive completion only: the request was posted after the target indicated a disconnect.
 * Source: `nc-ndischimney-ndis_tcp_offload_receive_complete.md`.
 */
export const NDIS_STATUS_INVALID_STATE: NDIS_STATUS = 0xC0000184 | 0;

/** The binding or adapter is closing. Base NDIS only. Source: ndis.h. */
export const NDIS_STATUS_CLOSING: NDIS_STATUS = 0xC0010002 | 0;

/** The driver asks for an NDIS version that is not supported. Returned by registration. Source: ndis.h. */
export const NDIS_STATUS_BAD_VERSION: NDIS_STATUS = 0xC0010004 | 0;

/** A characteristics structure is incomplete or wrong. Returned by registration. Source: ndis.h. */
export const NDIS_STATUS_BAD_CHARACTERISTICS: NDIS_STATUS = 0xC0010005 | 0;

/** No adapter of that name. Returned by the open. Source: ndis.h. */
export const NDIS_STATUS_ADAPTER_NOT_FOUND: NDIS_STATUS = 0xC0010006 | 0;

/** The binding could not be opened. Source: ndis.h. */
export const NDIS_STATUS_OPEN_FAILED: NDIS_STATUS = 0xC0010007 | 0;

/**
 * Send and forward completion: RST received or abortive disconnect, drop the data. Receive completion: error, some
 * bytes may be valid. Disconnect completion: FIN or data not delivered. Also printed as `NDIS_STATUS_REQUEST_ABORT` and
 * `NDIS_STATUS_ABORTED`, names no header defines; not {@link NDIS_STATUS_SEND_ABORTED}.
 * Source: `nc-ndischimney-ndis_tcp_offload_send_complete.md`.
 */
export const NDIS_STATUS_REQUEST_ABORTED: NDIS_STATUS = 0xC001000C | 0;

/** The adapter is being reset. Base NDIS only. Source: ndis.h. */
export const NDIS_STATUS_RESET_IN_PROGRESS: NDIS_STATUS = 0xC001000D | 0;

/** The length given for an OID's buffer is wrong. OID requests only. Source: ndis.h. */
export const NDIS_STATUS_INVALID_LENGTH: NDIS_STATUS = 0xC0010014 | 0;

/** The contents of an OID's buffer are invalid. OID requests only. Source: ndis.h. */
export const NDIS_STATUS_INVALID_DATA: NDIS_STATUS = 0xC0010015 | 0;

/** An OID's buffer is too small; `bytesNeeded` says how much is needed. OID requests only. Source: ndis.h. */
export const NDIS_STATUS_BUFFER_TOO_SHORT: NDIS_STATUS = 0xC0010016 | 0;

/** The OID is invalid or not recognised. OID requests only. Source: ndis.h. */
export const NDIS_STATUS_INVALID_OID: NDIS_STATUS = 0xC0010017 | 0;

/** The adapter is gone. Base NDIS only. Source: ndis.h. */
export const NDIS_STATUS_ADAPTER_REMOVED: NDIS_STATUS = 0xC0010018 | 0;

/**
 * Base NDIS sends only; a different number from {@link NDIS_STATUS_REQUEST_ABORTED}.
 * Source: `ns-nbl-net_buffer_list.md`.
 */
export const NDIS_STATUS_SEND_ABORTED: NDIS_STATUS = 0xC023000C | 0;

/**
 * Base NDIS sends on a paused adapter. Chimney sends should not complete with it while offload is paused.
 * Source: `ndis-status-offload-pause.md`.
 */
export const NDIS_STATUS_PAUSED: NDIS_STATUS = 0xC023002A | 0;

/**
 * Send, receive, disconnect and forward completion: the connection is being uploaded; the host requeues sends and
 * processes forwarded segments itself. Source: `nc-ndischimney-ndis_tcp_offload_send_complete.md`.
 */
export const NDIS_STATUS_UPLOAD_IN_PROGRESS: NDIS_STATUS = 0xC0231001 | 0;

/**
 * I/O completion by an intermediate driver that has no memory to pass the call on: on the first NET_BUFFER_LIST,
 * {@link NDIS_STATUS_UPLOAD_REQUESTED} on the rest. The host then uploads.
 * Source: `nc-ndischimney-ndis_tcp_offload_send_complete.md`.
 */
export const NDIS_STATUS_REQUEST_UPLOAD: NDIS_STATUS = 0xC0231002 | 0;

/**
 * I/O completion by an intermediate driver without memory: every NET_BUFFER_LIST after the one that carries
 * {@link NDIS_STATUS_REQUEST_UPLOAD}. Source: `nc-ndischimney-ndis_tcp_offload_send_complete.md`.
 */
export const NDIS_STATUS_UPLOAD_REQUESTED: NDIS_STATUS = 0xC0231003 | 0;

// Initiate only, in a block list.

/**
 * Initiate: no TCP connection object left.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_TCP_ENTRIES: NDIS_STATUS = 0xC0231004 | 0;

/**
 * Initiate: no path object left.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_PATH_ENTRIES: NDIS_STATUS = 0xC0231005 | 0;

/**
 * Initiate: no neighbor object left.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES: NDIS_STATUS = 0xC0231006 | 0;

/**
 * Initiate: no room for the source IP address.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_IP_ADDRESS_ENTRIES: NDIS_STATUS = 0xC0231007 | 0;

/**
 * Initiate: `dlSourceAddress` is nonzero, but the target has no configurable source MAC or no room for one.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_HW_ADDRESS_ENTRIES: NDIS_STATUS = 0xC0231008 | 0;

/**
 * Initiate: no room for the VLAN id. One page calls it `NDIS_STATUS_OFFLOAD_VLAN_TAG_ENTRIES`, which no header defines.
 * Source: `determining-whether-to-fail-an-offload-request-because-of-802-1q-infor.md`.
 */
export const NDIS_STATUS_OFFLOAD_VLAN_ENTRIES: NDIS_STATUS = 0xC0231009 | 0;

/**
 * Initiate: no transmit buffers.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_TCP_XMIT_BUFFER: NDIS_STATUS = 0xC023100A | 0;

/**
 * Initiate: no receive buffers.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_TCP_RCV_BUFFER: NDIS_STATUS = 0xC023100B | 0;

/**
 * Initiate: `initialRcvWnd` is too large.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_TCP_RCV_WINDOW: NDIS_STATUS = 0xC023100C | 0;

/**
 * Initiate: the neighbor's nonzero `vlanId` matches no VLAN of the interface. One page calls it
 * `NDIS_STATUS_VLAN_MISMATCH`, which no header defines.
 * Source: `determining-whether-to-fail-an-offload-request-because-of-802-1q-infor.md`.
 */
export const NDIS_STATUS_OFFLOAD_VLAN_MISMATCH: NDIS_STATUS = 0xC023100D | 0;

/**
 * Return of a receive indication: everything refused, `BytesConsumed` is 0, the target owns the NET_BUFFER_LIST again.
 * Source: `nc-ndischimney-ndis_tcp_offload_receive_indicate.md`.
 */
export const NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED: NDIS_STATUS = 0xC023100E | 0;

/** Local policy forbids the offload. In the header; no page says where it is legal. Source: ndis.h. */
export const NDIS_STATUS_OFFLOAD_POLICY: NDIS_STATUS = 0xC023100F | 0;

/**
 * Return of a receive indication: some bytes consumed (`BytesConsumed` > 0), the target owns the NET_BUFFER_LIST again
 * and buffers the rest. Source: `nc-ndischimney-ndis_tcp_offload_receive_indicate.md`.
 */
export const NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED: NDIS_STATUS = 0xC0231010 | 0;

/** In the header; no page says where it is legal. Source: ndis.h. */
export const NDIS_STATUS_OFFLOAD_REQUEST_RESET: NDIS_STATUS = 0xC0231011 | 0;

/** Initiate, NDIS 6.20 and later: the target judges the connection a poor candidate. Source: ndis.h. */
export const NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED: NDIS_STATUS = 0xC0231012 | 0;

/** The path is not in an offloadable state. An NTSTATUS without an `NDIS_STATUS_` alias. Source: ntstatus.h. */
export const STATUS_NDIS_OFFLOAD_PATH_REJECTED: NDIS_STATUS = 0xC0231013 | 0;

/**
 * Initiate: the path MTU is larger than the target supports. Pages name it, but no source establishes its value.
 * PRIVATE value: the first code of the chimney facility with the customer bit (bit 29) set, a number that Microsoft
 * never assigns. Source: `ns-ndischimney-_ndis_miniport_offload_block_list.md` (name only).
 */
export const NDIS_STATUS_OFFLOAD_PATH_MTU: NDIS_STATUS = 0xE0231001 | 0;

/**
 * Initiate only, in a block list: this node is offloaded, at least one immediately dependent node is not. Also printed
 * as `NDIS_STATUS_PARTIAL_SUCCESS`, which no header defines.
 * Source: `returning-completion-status-of-an-initiate-offload-operation.md`.
 */
export const NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS: NDIS_STATUS = 0x40020004;

// Status indications: `statusCode` of an NdisStatusIndication.

/** The medium is connected. Source: ndis.h. */
export const NDIS_STATUS_MEDIA_CONNECT: NDIS_STATUS = 0x4001000B;

/** The medium is disconnected. Source: ndis.h. */
export const NDIS_STATUS_MEDIA_DISCONNECT: NDIS_STATUS = 0x4001000C;

/**
 * From a target or intermediate driver: offload nothing new; what is offloaded goes on.
 * Source: `ndis-status-offload-pause.md`.
 */
export const NDIS_STATUS_OFFLOAD_PAUSE: NDIS_STATUS = 0x40020001;

/**
 * From a target or intermediate driver: stop offloading and terminate everything.
 * Source: `ndis-status-upload-all.md`.
 */
export const NDIS_STATUS_UPLOAD_ALL: NDIS_STATUS = 0x40020002;

/**
 * From a target or intermediate driver: offloading may start again. `statusBuffer` is an `NdisTcpConnectionOffload`
 * with the capabilities that hold from now on. Source: `ndis-status-offload-resume.md`.
 */
export const NDIS_STATUS_OFFLOAD_RESUME: NDIS_STATUS = 0x40020003;

/** In the header; no page uses it. Source: ndis.h. */
export const NDIS_STATUS_OFFLOAD_STATE_INVALID: NDIS_STATUS = 0x40020005;

/** Task offload, not chimney: the current configuration changed. Source: ndis.h. */
export const NDIS_STATUS_TASK_OFFLOAD_CURRENT_CONFIG: NDIS_STATUS = 0x40020006;

/** Task offload, not chimney: the hardware capabilities changed. Source: ndis.h. */
export const NDIS_STATUS_TASK_OFFLOAD_HARDWARE_CAPABILITIES: NDIS_STATUS = 0x40020007;

/** Task offload, not chimney. The misspelling of ENCAPSULATION is the header's. Source: ndis.h. */
export const NDIS_STATUS_OFFLOAD_ENCASPULATION_CHANGE: NDIS_STATUS = 0x40020008;

/**
 * From a MUX intermediate driver: changed hardware capabilities, an `NdisTcpConnectionOffload` in `statusBuffer`.
 * Source: `ns-ntddndis-_ndis_tcp_connection_offload.md`.
 */
export const NDIS_STATUS_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES: NDIS_STATUS = 0x4002000B;

/** Reserved for intermediate drivers. Source: ndis.h. */
export const NDIS_STATUS_OFFLOAD_IM_RESERVED1: NDIS_STATUS = 0x40020100;

/** Reserved for intermediate drivers. Source: ndis.h. */
export const NDIS_STATUS_OFFLOAD_IM_RESERVED2: NDIS_STATUS = 0x40020101;

/** Reserved for intermediate drivers. Source: ndis.h. */
export const NDIS_STATUS_OFFLOAD_IM_RESERVED3: NDIS_STATUS = 0x40020102;
