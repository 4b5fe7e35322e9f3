/**
 * The rules NDIS checks always, because each costs a comparison. Everything deeper is a verifier's.
 *
 * Ids are stable. `LIF` is about the life of drivers, adapters and bindings; `NBL-008` and up and `ST-009` are about
 * misuse that cannot happen in C without corrupting memory.
 */
export const RULES = {
  'CHIM-BLK-001': 'offload-block-lists.md',
  'CHIM-BLK-003': 'ns-ndischimney-_ndis_miniport_offload_block_list.md',
  'CHIM-BLK-008': 'terminate-offload-sequence.md',
  'CHIM-BLK-011': 'ns-ndischimney-_ndis_protocol_offload_block_list.md',
  'CHIM-BLK-012': 'ns-ndischimney-_ndis_protocol_offload_block_list.md',
  'CHIM-CAP-001': 'registering-chimney-offload-functions.md',
  'CHIM-CAP-002': 'registering-an-intermediate-driver-s-protocolxxx-chimney-functions.md',
  'CHIM-DSC-001': 'nf-ndischimney-ndisoffloadtcpdisconnect.md',
  'CHIM-DSC-002': 'nf-ndischimney-ndisoffloadtcpdisconnect.md',
  'CHIM-DSC-011': 'nc-ndischimney-ndis_tcp_offload_disconnect_complete.md',
  'CHIM-EVT-016': 'nf-ndischimney-ndismoffloadeventindicate.md',
  'CHIM-EVT-019': 'storing-and-referencing-offloaded-state.md',
  'CHIM-FWD-001': 'nf-ndischimney-ndisoffloadtcpforward.md',
  'CHIM-IM-004': 'reusing-an-ndis-protocol-offload-block-list-structure.md',
  'CHIM-INI-002': 'processing-events-that-occur-during-an-offload.md',
  'CHIM-INI-003': 'placeholders--linkers--and-new-offloads.md',
  'CHIM-INI-013': 'nc-ndischimney-w_initiate_offload_handler.md',
  'CHIM-INI-016': 'processing-events-that-occur-during-an-offload.md',
  'CHIM-LIF-001': 'nf-ndis-ndisopenadapterex.md',
  'CHIM-LIF-002': 'nf-ndis-ndiscloseadapterex.md',
  'CHIM-LIF-003': 'nf-ndis-ndiscloseadapterex.md',
  'CHIM-LIF-004': 'nc-ndis-miniport_pause.md',
  'CHIM-LIF-005': 'nc-ndis-miniport_dpc.md',
  'CHIM-LIF-006': 'nc-ndis-miniport_initialize.md',
  'CHIM-LIF-007': 'nf-ndis-ndisfreenetbufferlistpool.md',
  'CHIM-NBL-001': 'propagating-the-completion-of-an-i-o-operation.md',
  'CHIM-NBL-004': 'nc-ndischimney-w_tcp_offload_send_handler.md',
  'CHIM-NBL-008': 'ns-nbl-net_buffer_list.md',
  'CHIM-NBL-009': 'nf-nblapi-ndisfreenetbufferlistcontext.md',
  'CHIM-NBL-010': 'nf-nblapi-ndisfreenetbufferlist.md',
  'CHIM-PWR-002': 'ndis-doublecomplete.md',
  'CHIM-RCV-001': 'nf-ndischimney-ndisoffloadtcpreceive.md',
  'CHIM-RET-001': 'nc-ndischimney-w_tcp_offload_receive_return_handler.md',
  'CHIM-RET-002': 'nc-ndischimney-ndis_tcp_offload_receive_indicate.md',
  'CHIM-RET-003': 'nf-ndischimney-ndisoffloadtcpreceivereturn.md',
  'CHIM-RXI-002': 'nc-ndischimney-ndis_tcp_offload_receive_indicate.md',
  'CHIM-RXI-005': 'nc-ndischimney-ndis_tcp_offload_receive_indicate.md',
  'CHIM-SND-001': 'nf-ndischimney-ndisoffloadtcpsend.md',
  'CHIM-ST-001': 'processing-events-that-occur-during-an-offload.md',
  'CHIM-ST-002': 'processing-events-that-occur-during-an-offload.md',
  'CHIM-ST-003': 'storing-and-referencing-offloaded-state.md',
  'CHIM-ST-009': 'ns-ndischimney-_ndis_offload_handle.md',
  'CHIM-TRM-001': 'nc-ndischimney-w_terminate_offload_handler.md',
  'CHIM-TRM-003': 'handling-send-requests-during-a-terminate-offload-operation.md',
  'CHIM-TRM-006': 'nf-ndischimney-ndismterminateoffloadcomplete.md',
  'CHIM-UPD-001': 'synchronizing-update-operations.md',
} as const;

/** Id of a rule that NDIS itself checks. */
export type CoreRule = keyof typeof RULES;
