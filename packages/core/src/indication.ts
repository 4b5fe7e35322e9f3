import {
  DDI_CROSSING,
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_HANDLE_STATE,
  formatNdisStatus,
  isNetBufferList,
  isOffloadBlockList,
  isOffloadHandle,
  type BytesConsumed,
  type DdiCrossing,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NetBufferList,
  type NetBufferListSource,
  type OffloadBlockList,
  type OffloadHandle,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

import { continueClose } from './binding-life-cycle.ts';
import type { Binding } from './binding.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import { stripContexts } from './pools/context-pool.ts';
import { describeValue, mayGoUp, notAList } from './source-tags.ts';

/**
 * Checks an indication that `adapter` makes about the object of a handle; with an NBL, a receive indication.
 * @returns the binding it goes up on. @throws to the indicating driver, with nothing changed.
 */
export function beginIndication(
  adapter: MiniportAdapter,
  handle: OffloadHandle,
  list: NetBufferList | null,
  status: NDIS_STATUS,
  crossing: DdiCrossing,
): Binding {
  const { ndis, registration } = adapter;
  const { call } = crossing;
  if (!isOffloadHandle(handle)) {
    throw new TypeError(`${call} (called by ${registration.name}): ndisOffloadHandle is ${describeValue(handle)}, not an OffloadHandle`);
  }
  const binding = handle.binding as Binding;
  if (binding.lower !== adapter) {
    throw ndis.violation('CHIM-EVT-019', registration.name, `${call}: the handle belongs to a binding to ${binding.adapterName}, not to adapter ${adapter.name}`, [handle]);
  }
  const state = handle.ndisState;
  if (state === OFFLOAD_HANDLE_STATE.new || state === OFFLOAD_HANDLE_STATE.dead) {
    throw ndis.violation('CHIM-EVT-019', registration.name, `${call}: the object is ${handle.state}, it is not with the driver`, [handle]);
  }
  if (crossing === DDI_CROSSING.tcpOffloadReceiveHandler) {
    if (state === OFFLOAD_HANDLE_STATE.offloading) {
      throw ndis.violation('CHIM-INI-016', registration.name, `${call}: data of a connection is indicated before its initiate has completed`, [handle, list]);
    }
    requireIndicationShape(adapter, list as NetBufferList, status, call);
  }
  return binding;
}

function requireIndicationShape(adapter: MiniportAdapter, list: NetBufferList, status: NDIS_STATUS, call: string): void {
  const { ndis, registration } = adapter;
  if (!isNetBufferList(list)) throw notAList(registration.name, call, list);
  const first = list.firstNetBuffer;
  if (list.next != null || first === null || first.next != null || status !== NDIS_STATUS_SUCCESS) {
    throw ndis.violation('CHIM-RXI-002', registration.name, `${call}: an indication is one stand-alone NET_BUFFER_LIST with one NET_BUFFER and NDIS_STATUS_SUCCESS`, [list]);
  }
  if (!mayGoUp(adapter, list.sourceHandle)) {
    throw ndis.violation('CHIM-NBL-004', registration.name, `${call}: the NET_BUFFER_LIST is out already`, [list]);
  }
}

/**
 * What the upper driver answered, made consistent: on a contradiction the driver is told, and the answer becomes one
 * that keeps every byte with somebody.
 */
export function answerOf(
  binding: Binding,
  list: NetBufferList,
  length: number,
  result: NDIS_STATUS,
  bytesConsumed: BytesConsumed,
): NDIS_STATUS {
  const consumed = bytesConsumed.value;
  if (list.sourceHandle !== binding.lower) {
    // It came back through NdisOffloadTcpReceiveReturn meanwhile: whatever was answered, it was accepted.
    bytesConsumed.value = length;
    if (result !== NDIS_STATUS_SUCCESS) {
      binding.ndis.accuse('CHIM-RET-002', binding.upper.name, `ProtocolTcpOffloadReceiveIndicate answered ${formatNdisStatus(result)} for a NET_BUFFER_LIST that it had returned or passed on`, [list]);
    }
    return NDIS_STATUS_SUCCESS;
  }
  switch (result) {
    case NDIS_STATUS_SUCCESS:
      if (consumed === length) return result;
      break;
    case NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED:
      if (consumed === 0) return result;
      break;
    case NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED:
      if (consumed > 0 && consumed < length) return result;
      break;
    default:
  }
  binding.ndis.accuse(
    'CHIM-RXI-005',
    binding.upper.name,
    `ProtocolTcpOffloadReceiveIndicate answered ${formatNdisStatus(result)} with BytesConsumed ${consumed} of ${length}`,
    [list],
  );
  if (result === NDIS_STATUS_SUCCESS) {
    bytesConsumed.value = length;
    return result;
  }
  const isPart = result === NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED && consumed >= 1;
  if (isPart && consumed >= length) {
    // Every byte was accepted, by a driver that thinks the NBL is below again: it has to get there.
    stripContexts(list, binding.upper.driver);
    binding.ndis.returnLater(binding, list);
    bytesConsumed.value = length;
    return NDIS_STATUS_SUCCESS;
  }
  bytesConsumed.value = isPart ? Math.trunc(consumed) : 0;
  return isPart ? result : NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED;
}

/** The indicated NBL was not accepted in full: it is the indicating driver's again. */
export function endIndication(binding: Binding, list: NetBufferList, before: NetBufferListSource | null): void {
  const { ndis, upper } = binding;
  if (stripContexts(list, upper.driver)) {
    ndis.accuse('CHIM-NBL-009', upper.name, 'ProtocolTcpOffloadReceiveIndicate did not accept a NET_BUFFER_LIST and left its context on it', [list]);
  }
  list.sourceHandle = before;
  binding.indicatedNbls--;
  if (binding.whenClosed !== null) continueClose(binding);
}

/** `NdisMOffloadEventIndicate`: one block, answered in place before the call returns. */
export function indicateBlock(adapter: MiniportAdapter, tree: MiniportOffloadBlockList, indicationCode: number): void {
  const crossing = DDI_CROSSING.offloadEventIndicate;
  const { ndis, registration } = adapter;
  const block = tree as unknown as OffloadBlockList;
  if (!isOffloadBlockList(block)) {
    throw new TypeError(`${crossing.call} (called by ${registration.name}): offloadBlockList is ${describeValue(tree)}, not an offload block list`);
  }
  if (block.nextBlock !== null || block.dependentBlockList !== null) {
    throw ndis.violation('CHIM-EVT-016', registration.name, `${crossing.call}: an event is about one stand-alone block`, [block]);
  }
  const handle = block.offloadHandle as OffloadHandle;
  const binding = beginIndication(adapter, handle, null, NDIS_STATUS_SUCCESS, crossing);
  if (binding.observer !== null) binding.observer.enter(crossing, binding, block, 1, indicationCode, handle);
  handle.ndisIndicationDepth++;
  try {
    binding.clientGeneric.protocolIndicateOffloadEvent?.(binding.protocolBindingContext, block as unknown as ProtocolOffloadBlockList, indicationCode);
  } catch (error) {
    ndis.reportEscaped(binding.upper.name, crossing.entry, error, [block]);
  }
  handle.ndisIndicationDepth--;
  if (binding.observer !== null) binding.observer.leave(crossing, binding, block, block.status, indicationCode, handle);
}
