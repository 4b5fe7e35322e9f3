import type { ChimneyHost } from '@ndis-chimney/host';
import { NDIS_STATUS_SUCCESS, netBufferListDataLength, type BytesConsumed, type NDIS_STATUS, type NetBufferList, type OffloadHandle, type ProtocolOffloadBlockList } from '@ndis-chimney/types';

/** The functions of the host's driver that are replaced here. */
interface HostFunctions {
  protocolUpdateOffloadComplete(adapter: unknown, tree: ProtocolOffloadBlockList): void;
  protocolTcpOffloadReceiveComplete(adapter: unknown, list: NetBufferList): void;
  protocolTcpOffloadReceiveIndicate(handle: OffloadHandle<{ readonly adapter: unknown }>, nbl: NetBufferList, status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS;
  returnLater(adapter: unknown, list: NetBufferList): void;
  wantLater(object: unknown, reason: unknown): void;
}

/** Replaces functions of a host's driver. */
function replace(host: ChimneyHost, change: (before: HostFunctions) => Partial<HostFunctions>): void {
  const { driver } = host as unknown as { readonly driver: HostFunctions };
  const before = new Proxy(driver, {
    get: (_, name) => (Reflect.get(Object.getPrototypeOf(driver) as object, name) as (...args: unknown[]) => unknown).bind(driver),
  });
  Object.assign(driver, change(before));
}

/** Keeps what was indicated. */
export function keepsIndications(host: ChimneyHost): void {
  replace(host, () => ({ returnLater: () => undefined }));
}

/** Takes an update that failed for one that succeeded. */
export function believesUpdates(host: ChimneyHost): void {
  replace(host, (before) => ({
    protocolUpdateOffloadComplete(adapter, tree) {
      tree.status = NDIS_STATUS_SUCCESS;
      before.protocolUpdateOffloadComplete(adapter, tree);
    },
  }));
}

/** Forgets every third completion of receives. */
export function losesReceives(host: ChimneyHost): void {
  let lists = 0;
  replace(host, (before) => ({
    protocolTcpOffloadReceiveComplete(adapter, list) {
      if (++lists % 3 !== 0) before.protocolTcpOffloadReceiveComplete(adapter, list);
    },
  }));
}

/** Takes data that nobody wants, and drops it. */
export function dropsData(host: ChimneyHost): void {
  replace(host, (before) => ({
    protocolTcpOffloadReceiveIndicate(handle, nbl, status, bytesConsumed) {
      const answer = before.protocolTcpOffloadReceiveIndicate(handle, nbl, status, bytesConsumed);
      if (answer === NDIS_STATUS_SUCCESS) return answer;
      bytesConsumed.value = netBufferListDataLength(nbl);
      before.returnLater(handle.owner.adapter, nbl);
      return NDIS_STATUS_SUCCESS;
    },
  }));
}

/** Does not terminate once more what the target has lost, nor what it asks for. */
export function neverRecovers(host: ChimneyHost): void {
  replace(host, () => ({ wantLater: () => undefined }));
}
