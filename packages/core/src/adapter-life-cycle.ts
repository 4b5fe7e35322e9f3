import {
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES,
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
  NDIS_STATUS_BAD_CHARACTERISTICS,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  type NDIS_HALT_ACTION,
  type NDIS_STATUS,
  type NdisMiniportAdapterAttributes,
  type NdisMiniportAdapterGeneralAttributes,
  type NdisMiniportAdapterOffloadAttributes,
  type NdisMiniportAdapterRegistrationAttributes,
} from '@ndis-chimney/types';

import { pauseBinding, restartBinding, unbind } from './binding-life-cycle.ts';
import type { Binding } from './binding.ts';
import { MiniportAdapter } from './miniport-adapter.ts';
import type { MiniportRegistration } from './registration.ts';

/** `NdisMSetMiniportAttributes`. */
export function setAttributes(adapter: MiniportAdapter, attributes: NdisMiniportAdapterAttributes): NDIS_STATUS {
  const { ndis, registration } = adapter;
  if (adapter.state !== 'initializing') {
    throw ndis.violation('CHIM-LIF-006', registration.name, 'NdisMSetMiniportAttributes is called from MiniportInitializeEx', [adapter]);
  }
  switch (attributes.header.type) {
    case NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES:
      adapter.adapterContext = (attributes as NdisMiniportAdapterRegistrationAttributes).miniportAdapterContext;
      return NDIS_STATUS_SUCCESS;
    case NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES:
      adapter.generalAttributes = attributes as NdisMiniportAdapterGeneralAttributes;
      return NDIS_STATUS_SUCCESS;
    case NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES:
      adapter.offloadAttributes = attributes as NdisMiniportAdapterOffloadAttributes;
      return NDIS_STATUS_SUCCESS;
    default:
      return NDIS_STATUS_BAD_CHARACTERISTICS;
  }
}

/**
 * Brings an adapter up to Paused: `MiniportInitializeEx`.
 * @returns the adapter, or the status it failed with.
 */
export function initializeAdapter(registration: MiniportRegistration, name: string, imDeviceInstanceContext: unknown): MiniportAdapter | NDIS_STATUS {
  const { ndis } = registration;
  const adapter = new MiniportAdapter(ndis, registration, name);
  ndis.adapters.set(name, adapter);
  let status: NDIS_STATUS;
  try {
    status = registration.driver.miniportInitializeEx(adapter, { adapterName: name, imDeviceInstanceContext });
  } catch (error) {
    ndis.reportEscaped(registration.name, 'MiniportInitializeEx', error, [adapter]);
    status = NDIS_STATUS_FAILURE;
  }
  if (status === NDIS_STATUS_SUCCESS && adapter.adapterContext === null) {
    ndis.violation('CHIM-LIF-006', registration.name, 'MiniportInitializeEx succeeded without registration attributes', [adapter]);
    status = NDIS_STATUS_FAILURE;
  }
  if (status !== NDIS_STATUS_SUCCESS) {
    ndis.adapters.delete(name);
    adapter.state = 'halted';
    return status;
  }
  adapter.state = 'paused';
  registration.adapters.push(adapter);
  return adapter;
}

/** Runs what changes an adapter's state one after the other: each calls `done` when it is over. */
function transition(adapter: MiniportAdapter, run: (done: () => void) => void): void {
  const { transitions } = adapter;
  const next = (): void => {
    transitions.shift();
    transitions[0]?.();
  };
  transitions.push(() => {
    run(next);
  });
  if (transitions.length === 1) transitions[0]?.();
}

/** Calls `step` for each binding, the next when the one before is done, and `onDone` after the last. */
function eachBinding(bindings: readonly Binding[], step: (binding: Binding, done: () => void) => void, onDone: () => void): void {
  let at = 0;
  const next = (): void => {
    const binding = bindings[at++];
    if (binding === undefined) onDone();
    else step(binding, next);
  };
  next();
}

/** Every binding gets NetEventPause, then the adapter `miniportPause`. */
export function pauseAdapter(adapter: MiniportAdapter, onPaused: (() => void) | null): void {
  adapter.ndis.requirePassive('pauseAdapter', adapter.registration.name);
  transition(adapter, (done) => {
    pauseNow(adapter, () => {
      onPaused?.();
      done();
    });
  });
}

function pauseNow(adapter: MiniportAdapter, onPaused: () => void): void {
  if (adapter.state !== 'running') {
    onPaused();
    return;
  }
  eachBinding([...adapter.bindings], pauseBinding, () => {
    adapter.state = 'pausing';
    adapter.whenTransitioned = () => {
      adapter.whenTransitioned = null;
      adapter.state = 'paused';
      onPaused();
    };
    let status: NDIS_STATUS;
    try {
      status = adapter.registration.driver.miniportPause(adapter.adapterContext as never);
    } catch (error) {
      adapter.ndis.reportEscaped(adapter.registration.name, 'MiniportPause', error, [adapter]);
      status = NDIS_STATUS_SUCCESS;
    }
    if (status !== NDIS_STATUS_PENDING) adapter.whenTransitioned?.(status);
  });
}

/** `NdisMPauseComplete`. */
export function pauseCompleted(adapter: MiniportAdapter): void {
  if (adapter.state !== 'pausing' || adapter.whenTransitioned === null) {
    throw adapter.ndis.violation('CHIM-LIF-006', adapter.registration.name, `NdisMPauseComplete: adapter ${adapter.name} is ${adapter.state}`, [adapter]);
  }
  adapter.whenTransitioned(NDIS_STATUS_SUCCESS);
}

/** `miniportRestart`, then NetEventRestart to every binding. */
export function restartAdapter(adapter: MiniportAdapter, onRestarted: ((status: NDIS_STATUS) => void) | null): void {
  adapter.ndis.requirePassive('restartAdapter', adapter.registration.name);
  transition(adapter, (done) => {
    restartNow(adapter, (status) => {
      onRestarted?.(status);
      done();
    });
  });
}

function restartNow(adapter: MiniportAdapter, onRestarted: (status: NDIS_STATUS) => void): void {
  if (adapter.state !== 'paused') {
    onRestarted(adapter.state === 'running' ? NDIS_STATUS_SUCCESS : NDIS_STATUS_FAILURE);
    return;
  }
  adapter.state = 'restarting';
  adapter.whenTransitioned = (status) => {
    adapter.whenTransitioned = null;
    if (status !== NDIS_STATUS_SUCCESS) {
      adapter.state = 'paused';
      onRestarted(status);
      return;
    }
    adapter.state = 'running';
    eachBinding([...adapter.bindings], restartBinding, () => {
      onRestarted(NDIS_STATUS_SUCCESS);
    });
  };
  let status: NDIS_STATUS;
  try {
    status = adapter.registration.driver.miniportRestart(adapter.adapterContext as never);
  } catch (error) {
    adapter.ndis.reportEscaped(adapter.registration.name, 'MiniportRestart', error, [adapter]);
    status = NDIS_STATUS_FAILURE;
  }
  if (status !== NDIS_STATUS_PENDING) adapter.whenTransitioned?.(status);
}

/** `NdisMRestartComplete`. */
export function restartCompleted(adapter: MiniportAdapter, status: NDIS_STATUS): void {
  if (adapter.state !== 'restarting' || adapter.whenTransitioned === null) {
    throw adapter.ndis.violation('CHIM-LIF-006', adapter.registration.name, `NdisMRestartComplete: adapter ${adapter.name} is ${adapter.state}`, [adapter]);
  }
  adapter.whenTransitioned(status);
}

/** Unbinds everything above the adapter, pauses it, and halts it. */
export function haltAdapter(adapter: MiniportAdapter, haltAction: NDIS_HALT_ACTION, onHalted: (() => void) | null): void {
  const { ndis, registration } = adapter;
  ndis.requirePassive('haltAdapter', registration.name);
  transition(adapter, (done) => {
    if (adapter.state === 'halted') {
      onHalted?.();
      done();
      return;
    }
    eachBinding([...adapter.bindings], unbind, () => {
      pauseNow(adapter, () => {
        try {
          registration.driver.miniportHaltEx(adapter.adapterContext as never, haltAction);
        } catch (error) {
          ndis.reportEscaped(registration.name, 'MiniportHaltEx', error, [adapter]);
        }
        adapter.state = 'halted';
        ndis.adapters.delete(adapter.name);
        registration.adapters.splice(registration.adapters.indexOf(adapter), 1);
        onHalted?.();
        done();
      });
    });
  });
}
