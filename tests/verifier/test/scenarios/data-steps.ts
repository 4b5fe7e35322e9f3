import { newTree, present, blocksOf, type ProbeStack } from '@ndis-chimney/kit';
import type {
  BytesConsumed} from '@ndis-chimney/types';
import {
  DDI_CROSSING,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_SUCCESS,
  netBufferListDataLength,
  type DdiCrossing,
  type NDIS_STATUS,
  type NetBufferList,
  type OffloadHandle,
  type TcpOffloadState,
} from '@ndis-chimney/types';

/** Longer than any limit of a verifier. */
export const TOO_LONG_MS = 61_000;

type Indicated = [context: unknown, list: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed];

/** Makes the host accept everything that is indicated, and keep it. */
export function acceptAll({ host }: ProbeStack): void {
  host.calls.on('protocolTcpOffloadReceiveIndicate', (...[, list, , bytesConsumed]: Indicated) => {
    bytesConsumed.value = netBufferListDataLength(list);
    return NDIS_STATUS_SUCCESS;
  });
}

/** Makes the host accept so many bytes of the next indication. */
export function acceptSome({ host }: ProbeStack, byteCount: number): void {
  host.calls.once('protocolTcpOffloadReceiveIndicate', (...[, , , bytesConsumed]: Indicated) => {
    bytesConsumed.value = byteCount;
    return NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
  });
}

/** Indicates data of the connection, which the host accepts and returns at once. */
export function deliver(stack: ProbeStack, text: string): void {
  acceptAll(stack);
  const { netBufferList } = stack.target.indicate(stack.lowest(stack.connection), text);
  stack.host.calls.off('protocolTcpOffloadReceiveIndicate');
  stack.host.binding.offloadTcpReceiveReturn(netBufferList);
}

/** Offloads a connection with data that was received and not delivered. */
export function offloadWithBufferedData(stack: ProbeStack, text: string): OffloadHandle {
  const { host, target } = stack;
  const tree = newTree(host.binding);
  const { delegated } = blocksOf(tree.root).map(({ state }) => state as TcpOffloadState).at(-1) ?? {};
  present(delegated).bufferedData = host.list(text);
  host.initiate(tree.root);
  target.completeTree('initiate');
  present(delegated).bufferedData = null;
  const connection = present(tree.connections[0]);
  // RcvNxt is past it already; the target counts it when it delivers it.
  stack.contextOf(connection).rcvNxt -= text.length;
  return connection;
}

/** A segment for the connection of a stack: a TCP header without options, and data. */
export function segment(data = '', ports: { readonly source?: number; readonly destination?: number } = {}): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(data);
  const bytes = new Uint8Array(20 + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ports.source ?? 80);
  view.setUint16(2, ports.destination ?? 49_152);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, 0x10);
  bytes.set(text, 20);
  return bytes;
}

/** An NDIS that completes on its own: what it shows to its observers, and what it does not do. */
export function ndisCompletes({ ndis, host }: ProbeStack, crossing: DdiCrossing, list: NetBufferList, count = 1): void {
  ndis.observer?.enter?.(crossing, host.binding, list, count, 0, null);
  ndis.observer?.leave?.(crossing, host.binding, list, NDIS_STATUS_SUCCESS, 0, null);
}

export const { tcpOffloadSendComplete, tcpOffloadDisconnectComplete } = DDI_CROSSING;
