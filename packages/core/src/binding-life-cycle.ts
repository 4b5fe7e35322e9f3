import {
  NDIS_STATUS_CLOSING,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NetPnPEventNotification,
  type OpenAdapterResult,
} from '@ndis-chimney/types';

import { Binding, GATE } from './binding.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import type { ProtocolRegistration } from './registration.ts';

/** Told how a bind ended; the binding when it succeeded. */
export type BoundCallback = (status: NDIS_STATUS, binding: Binding | null) => void;

/** One bind under way. */
export class BindContext implements NdisBindContext {
  readonly protocol: ProtocolRegistration;
  readonly adapter: MiniportAdapter;
  readonly onBound: BoundCallback | null;
  binding: Binding | null = null;
  isOver = false;

  constructor(protocol: ProtocolRegistration, adapter: MiniportAdapter, onBound: BoundCallback | null) {
    this.protocol = protocol;
    this.adapter = adapter;
    this.onBound = onBound;
  }

  completeBindAdapterEx(status: NDIS_STATUS): void {
    finishBind(this, status);
  }
}

/** What the operating system does when a protocol is configured to use an adapter. */
export function bind(protocol: ProtocolRegistration, adapter: MiniportAdapter, onBound: BoundCallback | null): NDIS_STATUS {
  const { ndis } = protocol;
  ndis.requirePassive('bindAdapter', protocol.name);
  if (adapter.state === 'halted' || adapter.state === 'initializing') {
    onBound?.(NDIS_STATUS_CLOSING, null);
    return NDIS_STATUS_CLOSING;
  }
  const context = new BindContext(protocol, adapter, onBound);
  let status: NDIS_STATUS;
  try {
    status = protocol.driver.protocolBindAdapterEx(context, bindParametersOf(adapter));
  } catch (error) {
    ndis.reportEscaped(protocol.name, 'ProtocolBindAdapterEx', error, [adapter]);
    status = NDIS_STATUS_FAILURE;
  }
  if (status !== NDIS_STATUS_PENDING && !context.isOver) finishBind(context, status);
  return status;
}

function bindParametersOf(adapter: MiniportAdapter): NdisBindParameters {
  return {
    adapterName: adapter.name,
    tcpConnectionOffloadCapabilities: adapter.currentConnectionOffload,
    mtuSize: adapter.generalAttributes?.mtuSize ?? 0,
    currentMacAddress: adapter.generalAttributes?.macAddress ?? new Uint8Array(0),
  };
}

function finishBind(context: BindContext, status: NDIS_STATUS): void {
  const { protocol, adapter, binding } = context;
  const { ndis } = protocol;
  if (context.isOver) throw ndis.violation('CHIM-LIF-006', protocol.name, 'NdisCompleteBindAdapterEx: this bind is over already', [context]);
  context.isOver = true;
  const isOpen = binding !== null && (binding.gate & (GATE.closed | GATE.opening)) === 0;
  if (status === NDIS_STATUS_SUCCESS && !isOpen) {
    ndis.violation('CHIM-LIF-006', protocol.name, `ProtocolBindAdapterEx reported success without an open binding to ${adapter.name}`, [context]);
    context.onBound?.(NDIS_STATUS_FAILURE, null);
    return;
  }
  if (status !== NDIS_STATUS_SUCCESS && isOpen) {
    ndis.violation('CHIM-LIF-006', protocol.name, `ProtocolBindAdapterEx failed and left its binding to ${adapter.name} open`, [context]);
  }
  if (status !== NDIS_STATUS_SUCCESS || binding === null) {
    context.onBound?.(status, null);
    return;
  }
  if (adapter.state === 'running') restartBinding(binding, () => context.onBound?.(status, binding));
  else context.onBound?.(status, binding);
}

/** `NdisOpenAdapterEx`. */
export function openAdapter(protocol: ProtocolRegistration, protocolBindingContext: unknown, bindContext: NdisBindContext): OpenAdapterResult {
  const { ndis } = protocol;
  ndis.requirePassive('NdisOpenAdapterEx', protocol.name);
  const context = bindContext as BindContext;
  if (context.protocol !== protocol || context.isOver || context.binding !== null) {
    throw ndis.violation('CHIM-LIF-006', protocol.name, 'NdisOpenAdapterEx is called once, from ProtocolBindAdapterEx, with its BindContext', [bindContext]);
  }
  const { adapter } = context;
  const binding = new Binding(ndis, protocol, adapter, protocolBindingContext);
  context.binding = binding;
  adapter.bindings.push(binding);
  protocol.bindings.push(binding);
  if (!ndis.pendLifeCycle) {
    binding.unshut(GATE.opening);
    return { status: NDIS_STATUS_SUCCESS, ndisBindingHandle: binding };
  }
  ndis.passive.add(() => {
    binding.unshut(GATE.opening);
    try {
      protocol.driver.protocolOpenAdapterCompleteEx(protocolBindingContext as never, NDIS_STATUS_SUCCESS);
    } catch (error) {
      ndis.reportEscaped(protocol.name, 'ProtocolOpenAdapterCompleteEx', error, [binding]);
    }
  });
  return { status: NDIS_STATUS_PENDING, ndisBindingHandle: binding };
}

/** `NdisCloseAdapterEx`. */
export function closeBinding(binding: Binding): NDIS_STATUS {
  const { ndis, upper, lower } = binding;
  const call = 'NdisCloseAdapterEx';
  ndis.requirePassive(call, upper.name);
  if ((binding.gate & (GATE.closed | GATE.opening)) !== 0) throw binding.refuseGate(call);
  const own = ownWorkOf(binding);
  if (own !== '') {
    throw ndis.violation('CHIM-LIF-003', upper.name, `${call}: the binding to ${lower.name} still has ${own}; the driver waits for them, and terminates its offloads, before it closes`, [binding]);
  }
  binding.shut(GATE.closed);
  if (binding.indicatedNbls === 0 && !ndis.pendLifeCycle) {
    removeBinding(binding);
    return NDIS_STATUS_SUCCESS;
  }
  binding.whenClosed = () => {
    removeBinding(binding);
    try {
      upper.driver.protocolCloseAdapterCompleteEx(binding.protocolBindingContext as never);
    } catch (error) {
      ndis.reportEscaped(upper.name, 'ProtocolCloseAdapterCompleteEx', error, [binding]);
    }
  };
  continueClose(binding);
  return NDIS_STATUS_PENDING;
}

function ownWorkOf(binding: Binding): string {
  const parts: string[] = [];
  const add = (count: number, what: string): void => {
    if (count > 0) parts.push(`${count} ${what}`);
  };
  add(binding.outstandingNbls, 'NET_BUFFER_LISTs below');
  add(binding.outstandingOperations, 'state operations below');
  add(binding.outstandingOidRequests, 'OID requests below');
  add(binding.offloadedObjects, 'objects offloaded');
  return parts.join(', ');
}

/** Ends a close that waits, if it waits for nothing any more. */
export function continueClose(binding: Binding): void {
  const { whenClosed } = binding;
  if (whenClosed === null || binding.indicatedNbls !== 0) return;
  binding.whenClosed = null;
  binding.ndis.passive.add(whenClosed);
}

function removeBinding(binding: Binding): void {
  remove(binding.lower.bindings, binding);
  remove(binding.upper.bindings, binding);
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

/** What the operating system does when a protocol shall use an adapter no more. */
export function unbind(binding: Binding, onUnbound: (() => void) | null): void {
  const { ndis, upper } = binding;
  ndis.requirePassive('unbindAdapter', upper.name);
  if (binding.whenUnbound !== null) {
    const before = binding.whenUnbound;
    binding.whenUnbound = () => {
      before();
      onUnbound?.();
    };
    return;
  }
  if ((binding.gate & GATE.closed) !== 0) {
    onUnbound?.();
    return;
  }
  binding.whenUnbound = () => {
    binding.whenUnbound = null;
    onUnbound?.();
  };
  let status: NDIS_STATUS;
  try {
    status = upper.driver.protocolUnbindAdapterEx(binding.protocolBindingContext as never);
  } catch (error) {
    ndis.reportEscaped(upper.name, 'ProtocolUnbindAdapterEx', error, [binding]);
    status = NDIS_STATUS_SUCCESS;
  }
  if (status !== NDIS_STATUS_PENDING && binding.whenUnbound !== null) completeUnbind(binding);
}

/** `NdisCompleteUnbindAdapterEx`. */
export function completeUnbind(binding: Binding): void {
  const { ndis, upper, whenUnbound } = binding;
  if (whenUnbound === null) {
    throw ndis.violation('CHIM-LIF-006', upper.name, `NdisCompleteUnbindAdapterEx: no unbind from ${binding.lower.name} is under way`, [binding]);
  }
  if ((binding.gate & GATE.closed) === 0) {
    ndis.violation('CHIM-LIF-006', upper.name, `ProtocolUnbindAdapterEx ended without closing the binding to ${binding.lower.name}`, [binding]);
  }
  whenUnbound();
}

/** Sends a pause or restart event to the driver above, and goes on when it has dealt with it. */
function sendNetPnPEvent(binding: Binding, netEvent: NetPnPEventNotification['netEvent'], onComplete: () => void): void {
  const { ndis, upper } = binding;
  const event: NetPnPEventNotification = { netEvent };
  binding.whenEventComplete = () => {
    binding.whenEventComplete = null;
    onComplete();
  };
  let status: NDIS_STATUS;
  try {
    status = upper.driver.protocolNetPnPEvent(binding.protocolBindingContext as never, event);
  } catch (error) {
    ndis.reportEscaped(upper.name, 'ProtocolNetPnPEvent', error, [binding]);
    status = NDIS_STATUS_SUCCESS;
  }
  if (status !== NDIS_STATUS_PENDING) binding.whenEventComplete?.(status);
}

/** `NdisCompleteNetPnPEvent`. */
export function completeNetPnPEvent(binding: Binding, event: NetPnPEventNotification, status: NDIS_STATUS): void {
  if (binding.whenEventComplete === null) {
    throw binding.ndis.violation('CHIM-LIF-006', binding.upper.name, 'NdisCompleteNetPnPEvent: no event of the binding is under way', [binding, event]);
  }
  binding.whenEventComplete(status);
}

/** Pauses one binding: the driver above has stopped when `onPaused` is called. */
export function pauseBinding(binding: Binding, onPaused: () => void): void {
  if ((binding.gate & (GATE.paused | GATE.closed)) !== 0) {
    onPaused();
    return;
  }
  sendNetPnPEvent(binding, NET_PNP_EVENT_CODE.NetEventPause, () => {
    binding.shut(GATE.paused);
    onPaused();
  });
}

/** Restarts one binding. The gate opens before the driver is told, so that it may send at once. */
export function restartBinding(binding: Binding, onRestarted: () => void): void {
  if ((binding.gate & GATE.closed) !== 0) {
    onRestarted();
    return;
  }
  binding.unshut(GATE.paused);
  sendNetPnPEvent(binding, NET_PNP_EVENT_CODE.NetEventRestart, onRestarted);
}
