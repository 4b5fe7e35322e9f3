// A host that does what it is told and writes down what comes up. It is a protocol driver with client handlers, nothing
// more: the tests drive it call by call.
import {
  NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED,
  NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisClientChimneyOffloadGenericCharacteristics,
  NdisClientChimneyOffloadTcpCharacteristics,
  netBufferListBytes,
  type BytesConsumed,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NdisBinding,
  type NdisLibrary,
  type NdisProtocolHandle,
  type NetBufferList,
  type OffloadHandle,
  type ProtocolDriver,
  type ProtocolOffloadBlockList,
} from '@ndis-chimney/types';

/** What came up, in order. Lists are taken apart. */
export type HostCall =
  | { readonly call: 'initiate' | 'terminate' | 'update' | 'invalidate' | 'query'; readonly root: ProtocolOffloadBlockList }
  | { readonly call: 'send' | 'receive' | 'forward' | 'disconnect' | 'ordinarySend'; readonly nbls: readonly NetBufferList[] }
  | { readonly call: 'event'; readonly handle: OffloadHandle; readonly type: number; readonly information: number }
  | { readonly call: 'indicate'; readonly handle: OffloadHandle; readonly bytes: Uint8Array; readonly mdls: number };

/** The kind of call that has this name. */
type CallNamed<Name> = HostCall extends infer Each ? (Each extends { readonly call: infer Names } ? (Name extends Names ? Each : never) : never) : never;

/** How the host answers an indication: how many bytes it takes. */
export type Appetite = (bytes: Uint8Array, handle: OffloadHandle) => number;

export class TestHost
  implements ProtocolDriver<TestHost>, ClientChimneyOffloadGenericHandlers<TestHost>, ClientChimneyOffloadTcpHandlers<TestHost, unknown>
{
  readonly name = 'test host';
  readonly ndis: NdisLibrary;
  readonly calls: HostCall[] = [];
  binding!: NdisBinding;
  bindParameters!: NdisBindParameters;
  /** Default: all of it. */
  appetite: Appetite = (bytes) => bytes.length;
  /** Called inside every call that comes up, when it has been written down. */
  during: (call: HostCall) => void = () => undefined;
  /** NBLs that were accepted and not returned. With `keepsIndicated` they are returned by the test. */
  readonly kept: NetBufferList[] = [];
  keepsIndicated = false;
  /** Deepest nesting of receive completions and indications. */
  deepestReceiveCall = 0;
  private depth = 0;
  private protocolHandle!: NdisProtocolHandle;
  /** Ends the unbind under way once everything the host accepted is back. */
  closePending = false;

  constructor(ndis: NdisLibrary) {
    this.ndis = ndis;
  }

  /** Calls of one kind. */
  of<Name extends HostCall['call']>(name: Name): CallNamed<Name>[] {
    return this.calls.filter((call) => call.call === name) as CallNamed<Name>[];
  }

  /** All NBLs that came back by one completion function, in order. */
  completed(name: 'send' | 'receive' | 'forward' | 'disconnect'): NetBufferList[] {
    return this.of(name).flatMap(({ nbls }) => nbls);
  }

  private record(call: HostCall): void {
    this.calls.push(call);
    this.during(call);
  }

  private recordList(call: 'send' | 'receive' | 'forward' | 'disconnect' | 'ordinarySend', list: NetBufferList | null): void {
    const nbls: NetBufferList[] = [];
    for (let nbl = list; nbl !== null;) {
      const next: NetBufferList | null = nbl.next;
      nbl.next = null;
      nbls.push(nbl);
      nbl = next;
    }
    this.record({ call, nbls });
  }

  private nested(run: () => void): void {
    this.depth++;
    this.deepestReceiveCall = Math.max(this.deepestReceiveCall, this.depth);
    try {
      run();
    } finally {
      this.depth--;
    }
  }

  protocolSetOptions(handle: NdisProtocolHandle): NDIS_STATUS {
    this.protocolHandle = handle;
    handle.setOptionalHandlers(new NdisClientChimneyOffloadGenericCharacteristics(this));
    return handle.setOptionalHandlers(new NdisClientChimneyOffloadTcpCharacteristics(this));
  }

  protocolBindAdapterEx(bindContext: NdisBindContext, bindParameters: NdisBindParameters): NDIS_STATUS {
    this.bindParameters = bindParameters;
    const { status, ndisBindingHandle } = this.ndis.openAdapterEx(this.protocolHandle, this, bindContext);
    if (ndisBindingHandle !== null) this.binding = ndisBindingHandle;
    return status;
  }

  protocolInitiateOffloadComplete(_host: TestHost, root: ProtocolOffloadBlockList): void {
    this.record({ call: 'initiate', root });
  }

  protocolTerminateOffloadComplete(_host: TestHost, root: ProtocolOffloadBlockList): void {
    this.record({ call: 'terminate', root });
  }

  protocolUpdateOffloadComplete(_host: TestHost, root: ProtocolOffloadBlockList): void {
    this.record({ call: 'update', root });
  }

  protocolInvalidateOffloadComplete(_host: TestHost, root: ProtocolOffloadBlockList): void {
    this.record({ call: 'invalidate', root });
  }

  protocolQueryOffloadComplete(_host: TestHost, root: ProtocolOffloadBlockList): void {
    this.record({ call: 'query', root });
  }

  protocolTcpOffloadSendComplete(_host: TestHost, list: NetBufferList): void {
    this.recordList('send', list);
  }

  protocolTcpOffloadReceiveComplete(_host: TestHost, list: NetBufferList): void {
    this.nested(() => {
      this.recordList('receive', list);
    });
  }

  protocolTcpOffloadDisconnectComplete(_host: TestHost, list: NetBufferList | null): void {
    this.recordList('disconnect', list);
  }

  protocolTcpOffloadForwardComplete(_host: TestHost, list: NetBufferList): void {
    this.recordList('forward', list);
  }

  protocolTcpOffloadEvent(handle: OffloadHandle, type: number, information: number): void {
    this.record({ call: 'event', handle, type, information });
  }

  protocolTcpOffloadReceiveIndicate(handle: OffloadHandle, nbl: NetBufferList, _status: NDIS_STATUS, bytesConsumed: BytesConsumed): NDIS_STATUS {
    const bytes = netBufferListBytes(nbl);
    let mdls = 0;
    for (let mdl = nbl.firstNetBuffer?.mdlChain ?? null; mdl !== null; mdl = mdl.next) mdls++;
    const taken = this.appetite(bytes, handle);
    this.nested(() => {
      this.record({ call: 'indicate', handle, bytes: bytes.subarray(0, taken), mdls });
    });
    bytesConsumed.value = taken;
    if (taken < bytes.length) return taken === 0 ? NDIS_STATUS_OFFLOAD_DATA_NOT_ACCEPTED : NDIS_STATUS_OFFLOAD_DATA_PARTIALLY_ACCEPTED;
    if (this.keepsIndicated) this.kept.push(nbl);
    else this.binding.offloadTcpReceiveReturn(nbl);
    return NDIS_STATUS_SUCCESS;
  }

  protocolOpenAdapterCompleteEx(): void {
    // Opens complete at once here.
  }

  protocolUnbindAdapterEx(): NDIS_STATUS {
    if (this.binding.closeAdapterEx() === NDIS_STATUS_SUCCESS) return NDIS_STATUS_SUCCESS;
    this.closePending = true;
    return NDIS_STATUS_PENDING;
  }

  protocolCloseAdapterCompleteEx(): void {
    if (this.closePending) this.binding.completeUnbindAdapterEx();
  }

  protocolNetPnPEvent(): NDIS_STATUS {
    return NDIS_STATUS_SUCCESS;
  }

  protocolStatusEx(): void {
    // The memory target indicates none.
  }

  protocolSendNetBufferListsComplete(_host: TestHost, list: NetBufferList): void {
    this.recordList('ordinarySend', list);
  }

  protocolReceiveNetBufferLists(): void {
    throw new Error('the memory target has no ordinary receive path');
  }

  protocolOidRequestComplete(): void {
    throw new Error('the memory target answers at once');
  }
}
