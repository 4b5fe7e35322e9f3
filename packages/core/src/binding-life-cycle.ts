import {
  NDIS_STATUS_CLOSING,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NET_PNP_EVENT_CODE,
  formatNdisStatus,
  type NDIS_STATUS,
  type NdisBindContext,
  type NdisBindParameters,
  type NetPnPEventNotification,
  type OpenAdapterResult,
} from '@ndis-chimney/types';

import { transition } from './adapter-life-cycle.ts';
import { Binding } from './binding.ts';
import { GATE } from './gate.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import type { ProtocolRegistration } from './registration.ts';
import { describeValue } from './source-tags.ts';

/** Told how a bind ended; the binding when it succeeded. */
export type BoundCallback = (status: NDIS_STATUS, binding: Binding | null) => void;

/** One bind under way. */
export class BindContext implements NdisBindContext {
  readonly protocol: ProtocolRegistration;
  readonly adapter: MiniportAdapter;
  readonly onBound: BoundCallback | null;
  binding: Binding | null = null;
  isOver = false;
  /** What waits for the bind to be over: an unbind that came too early. */
  readonly afterwards: (() => void)[] = [];

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
  if (adapter.isGoing || adapter.state === 'halted' || adapter.state === 'initializing') {
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
  if (status === NDIS_STATUS_PENDING) return status;
  if (context.isOver) {
    ndis.accuse('CHIM-LIF-006', protocol.name, `ProtocolBindAdapterEx answered ${formatNdisStatus(status)} for a bind to ${adapter.name} that it had completed`, [context]);
  } else {
    finishBind(context, status);
  }
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
  ndis.atPassive(() => {
    bindIsOver(context, boundStatus(context, status));
  });
  function bindIsOver({ onBound, afterwards }: BindContext, result: NDIS_STATUS): void {
    const end = (): void => {
      ndis.callBack(() => onBound?.(result, result === NDIS_STATUS_SUCCESS ? binding : null));
      for (const next of afterwards.splice(0)) next();
    };
    if (result === NDIS_STATUS_SUCCESS && binding !== null && mayRestart(adapter)) restartInTurn(binding, end);
    else end();
  }
}

function mayRestart(adapter: MiniportAdapter): boolean {
  return adapter.state === 'running' && !adapter.isGoing;
}

/** Restarts a new binding when no pause or restart of the adapter is under way, unless the adapter has stopped by then. */
function restartInTurn(binding: Binding, onOver: () => void): void {
  transition(binding.lower, (done) => {
    const over = (): void => {
      onOver();
      done();
    };
    if (mayRestart(binding.lower)) restartBinding(binding, over);
    else over();
  });
}

/** How a bind that is reported with this status really ended; what contradicts it is put right. */
function boundStatus({ protocol, adapter, binding }: BindContext, status: NDIS_STATUS): NDIS_STATUS {
  const { ndis, name } = protocol;
  const isClosed = binding === null || (binding.gate & GATE.closed) !== 0;
  if (status !== NDIS_STATUS_SUCCESS) {
    if (isClosed) return status;
    ndis.accuse('CHIM-LIF-006', name, `ProtocolBindAdapterEx failed and left its binding to ${adapter.name} open`, [binding]);
    forceClosed(binding);
    return status;
  }
  if (!isClosed && (binding.gate & GATE.opening) === 0) return status;
  ndis.accuse('CHIM-LIF-006', name, `ProtocolBindAdapterEx reported success without an open binding to ${adapter.name}`, [binding]);
  if (!isClosed) forceClosed(binding);
  return NDIS_STATUS_FAILURE;
}

/** `NdisOpenAdapterEx`. */
export function openAdapter(protocol: ProtocolRegistration, protocolBindingContext: unknown, bindContext: NdisBindContext): OpenAdapterResult {
  const { ndis } = protocol;
  const call = 'NdisOpenAdapterEx';
  ndis.requirePassive(call, protocol.name);
  const context = bindContext as BindContext;
  if ((context as BindContext | null)?.adapter === undefined) {
    throw new TypeError(`${call} (called by ${protocol.name}): bindContext is ${describeValue(bindContext)}, not the BindContext of a bind`);
  }
  if (context.protocol !== protocol || context.isOver || context.binding !== null) {
    throw ndis.violation('CHIM-LIF-006', protocol.name, `${call} is called once, from ProtocolBindAdapterEx, with its BindContext`, [bindContext]);
  }
  const { adapter } = context;
  if (adapter.isGoing || adapter.state === 'halted') return { status: NDIS_STATUS_CLOSING, ndisBindingHandle: null };
  const binding = new Binding(ndis, protocol, adapter, protocolBindingContext, context);
  context.binding = binding;
  ndis.bindingHandles.add(binding);
  adapter.bindings.push(binding);
  protocol.bindings.push(binding);
  if (!ndis.pendLifeCycle) {
    binding.unshut(GATE.opening);
    return { status: NDIS_STATUS_SUCCESS, ndisBindingHandle: binding };
  }
  ndis.passive.add(() => {
    if ((binding.gate & GATE.closed) !== 0) return;
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
  // What the driver above was asked to do has come about: it has stopped.
  binding.eventUnderWay?.complete();
  for (const then of binding.whenRemoved.splice(0)) then();
}

/** Closes a binding in place of a driver that should have: it is dead from now on, whatever is still below. */
function forceClosed(binding: Binding): void {
  binding.shut(GATE.closed);
  binding.whenClosed = null;
  removeBinding(binding);
}

function remove<T>(list: T[], item: T): void {
  const at = list.indexOf(item);
  if (at >= 0) list.splice(at, 1);
}

/** What the operating system does when a protocol shall use an adapter no more. */
export function unbind(binding: Binding, onUnbound: (() => void) | null): void {
  const { ndis, upper, bindContext } = binding;
  ndis.requirePassive('unbindAdapter', upper.name);
  const whenRemoved = (): void => {
    afterRemoval(binding, () => {
      ndis.callBack(() => onUnbound?.());
    });
  };
  if (!bindContext.isOver) {
    bindContext.afterwards.push(() => {
      unbind(binding, onUnbound);
    });
    return;
  }
  if (binding.whenUnbound !== null) {
    const before = binding.whenUnbound;
    binding.whenUnbound = () => {
      before();
      whenRemoved();
    };
    return;
  }
  if ((binding.gate & GATE.closed) !== 0) {
    whenRemoved();
    return;
  }
  let isOver = false;
  binding.whenUnbound = () => {
    isOver = true;
    binding.whenUnbound = null;
    whenRemoved();
  };
  let status: NDIS_STATUS;
  try {
    status = upper.driver.protocolUnbindAdapterEx(binding.protocolBindingContext as never);
  } catch (error) {
    ndis.reportEscaped(upper.name, 'ProtocolUnbindAdapterEx', error, [binding]);
    status = NDIS_STATUS_SUCCESS;
  }
  if (status === NDIS_STATUS_PENDING) return;
  // The flag is set by the callback above, which the analysis of this function does not see.
  if (isOver as boolean) {
    ndis.accuse('CHIM-LIF-006', upper.name, `ProtocolUnbindAdapterEx answered ${formatNdisStatus(status)} for an unbind that it had completed`, [binding]);
  } else {
    completeUnbind(binding);
  }
}

/** A close may still wait for NBLs to be returned; what comes after an unbind waits for it. */
function afterRemoval(binding: Binding, then: () => void): void {
  if (binding.lower.bindings.includes(binding)) binding.whenRemoved.push(then);
  else then();
}

/** `NdisCompleteUnbindAdapterEx`. */
export function completeUnbind(binding: Binding): void {
  const { ndis, upper, whenUnbound } = binding;
  if (whenUnbound === null) {
    throw ndis.violation('CHIM-LIF-006', upper.name, `NdisCompleteUnbindAdapterEx: no unbind from ${binding.lower.name} is under way`, [binding]);
  }
  if ((binding.gate & GATE.closed) === 0) {
    ndis.accuse('CHIM-LIF-006', upper.name, `ProtocolUnbindAdapterEx ended without closing the binding to ${binding.lower.name}`, [binding]);
    forceClosed(binding);
  }
  ndis.atPassive(whenUnbound);
}

/** Sends a pause or restart event to the driver above, and goes on when it has dealt with it. */
function sendNetPnPEvent(binding: Binding, netEvent: NetPnPEventNotification['netEvent'], onComplete: () => void): void {
  const { ndis, upper } = binding;
  const event: NetPnPEventNotification = { netEvent };
  const under: EventUnderWay = {
    event,
    complete: () => {
      binding.eventUnderWay = null;
      ndis.atPassive(onComplete);
    },
  };
  binding.eventUnderWay = under;
  let status: NDIS_STATUS;
  try {
    status = upper.driver.protocolNetPnPEvent(binding.protocolBindingContext as never, event);
  } catch (error) {
    ndis.reportEscaped(upper.name, 'ProtocolNetPnPEvent', error, [binding]);
    status = NDIS_STATUS_SUCCESS;
  }
  if (status === NDIS_STATUS_PENDING) return;
  if (binding.eventUnderWay === under) under.complete();
  else ndis.accuse('CHIM-LIF-006', upper.name, `ProtocolNetPnPEvent answered ${formatNdisStatus(status)} for an event that it had completed`, [binding, event]);
}

/** An event that the driver above has been told of. */
export interface EventUnderWay {
  readonly event: NetPnPEventNotification;
  complete(): void;
}

/** `NdisCompleteNetPnPEvent`. The status does not matter: pause and restart events cannot fail. */
export function completeNetPnPEvent(binding: Binding, event: NetPnPEventNotification): void {
  const under = binding.eventUnderWay;
  if (under?.event !== event) {
    throw binding.ndis.violation('CHIM-LIF-006', binding.upper.name, 'NdisCompleteNetPnPEvent: this event of the binding is not under way', [binding, event]);
  }
  under.complete();
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
  // One that is still opening is restarted when its bind is over; one that runs has been restarted by the end of its bind.
  if ((binding.gate & (GATE.closed | GATE.opening | GATE.paused)) !== GATE.paused) {
    onRestarted();
    return;
  }
  binding.unshut(GATE.paused);
  sendNetPnPEvent(binding, NET_PNP_EVENT_CODE.NetEventRestart, onRestarted);
}
