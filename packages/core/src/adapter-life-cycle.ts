import {
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES,
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES,
  NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES,
  NDIS_STATUS_BAD_CHARACTERISTICS,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  NdisTcpConnectionOffload,
  formatNdisStatus,
  type NDIS_HALT_ACTION,
  type NDIS_STATUS,
  type NdisMiniportAdapterAttributes,
  type NdisMiniportAdapterGeneralAttributes,
  type NdisMiniportAdapterOffloadAttributes,
  type NdisMiniportAdapterRegistrationAttributes,
} from '@ndis-chimney/types';

import { pauseBinding, restartBinding, unbind } from './binding-life-cycle.ts';
import type { Binding } from './binding.ts';
import { MiniportAdapter, type AdapterState } from './miniport-adapter.ts';
import type { MiniportRegistration } from './registration.ts';
import { describeValue } from './source-tags.ts';

/** `NdisMSetMiniportAttributes`. */
export function setAttributes(adapter: MiniportAdapter, attributes: NdisMiniportAdapterAttributes): NDIS_STATUS {
  const { ndis, registration } = adapter;
  const call = 'NdisMSetMiniportAttributes';
  if (adapter.state !== 'initializing') {
    throw ndis.violation('CHIM-LIF-006', registration.name, `${call} is called from MiniportInitializeEx`, [adapter]);
  }
  if ((attributes as NdisMiniportAdapterAttributes | null)?.header === undefined) {
    throw new TypeError(`${call} (called by ${registration.name}): miniportAttributes is ${describeValue(attributes)}, not a structure of attributes`);
  }
  switch (attributes.header.type) {
    case NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_REGISTRATION_ATTRIBUTES:
      adapter.adapterContext = (attributes as NdisMiniportAdapterRegistrationAttributes).miniportAdapterContext;
      return NDIS_STATUS_SUCCESS;
    case NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_GENERAL_ATTRIBUTES:
      adapter.generalAttributes = attributes as NdisMiniportAdapterGeneralAttributes;
      return NDIS_STATUS_SUCCESS;
    case NDIS_OBJECT_TYPE_MINIPORT_ADAPTER_OFFLOAD_ATTRIBUTES: {
      const { defaultTcpConnectionOffloadConfiguration: configured, tcpConnectionOffloadHardwareCapabilities: hardware } = attributes as NdisMiniportAdapterOffloadAttributes;
      // The structures stay the driver's.
      adapter.configuredOffload = configured === null ? null : new NdisTcpConnectionOffload().copyFrom(configured);
      adapter.hardwareOffload = hardware === null ? null : new NdisTcpConnectionOffload().copyFrom(hardware);
      return NDIS_STATUS_SUCCESS;
    }
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
  ndis.adapterHandles.add(adapter);
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
export function transition(adapter: MiniportAdapter, run: (done: () => void) => void): void {
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

/**
 * Asks the driver for a change of state, which it may answer at once or complete later, once.
 * @param failed what an entry that throws has answered.
 */
function ask(adapter: MiniportAdapter, entry: string, failed: NDIS_STATUS, call: () => NDIS_STATUS, onOver: (status: NDIS_STATUS) => void): void {
  const { ndis, registration } = adapter;
  let isOver = false;
  adapter.whenTransitioned = (status) => {
    isOver = true;
    adapter.whenTransitioned = null;
    ndis.atPassive(() => {
      onOver(status);
    });
  };
  let status: NDIS_STATUS;
  try {
    status = call();
  } catch (error) {
    ndis.reportEscaped(registration.name, entry, error, [adapter]);
    status = failed;
  }
  if (status === NDIS_STATUS_PENDING) return;
  // The flag is set by the callback above, which the analysis of this function does not see.
  if (isOver as boolean) ndis.accuse('CHIM-LIF-006', registration.name, `${entry} answered ${formatNdisStatus(status)}, and had completed before`, [adapter]);
  else adapter.whenTransitioned(status);
}

/** Every binding gets NetEventPause, then the adapter `miniportPause`. */
export function pauseAdapter(adapter: MiniportAdapter, onPaused: (() => void) | null): void {
  const { ndis, registration } = adapter;
  ndis.requirePassive('pauseAdapter', registration.name);
  transition(adapter, (done) => {
    pauseNow(adapter, () => {
      ndis.callBack(onPaused);
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
    const { driver, name } = adapter.registration;
    ask(adapter, 'MiniportPause', NDIS_STATUS_SUCCESS, () => driver.miniportPause(adapter.adapterContext as never), (status) => {
      if (status !== NDIS_STATUS_SUCCESS) adapter.ndis.accuse('CHIM-LIF-006', name, `MiniportPause answered ${formatNdisStatus(status)}: a pause cannot fail`, [adapter]);
      adapter.state = 'paused';
      onPaused();
    });
  });
}

/** `NdisMPauseComplete`. */
export function pauseCompleted(adapter: MiniportAdapter): void {
  requireTransition(adapter, 'pausing', 'NdisMPauseComplete')(NDIS_STATUS_SUCCESS);
}

/** `miniportRestart`, then NetEventRestart to every binding. */
export function restartAdapter(adapter: MiniportAdapter, onRestarted: ((status: NDIS_STATUS) => void) | null): void {
  const { ndis, registration } = adapter;
  ndis.requirePassive('restartAdapter', registration.name);
  transition(adapter, (done) => {
    restartNow(adapter, (status) => {
      ndis.callBack(() => onRestarted?.(status));
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
  const { driver } = adapter.registration;
  ask(adapter, 'MiniportRestart', NDIS_STATUS_FAILURE, () => driver.miniportRestart(adapter.adapterContext as never), (status) => {
    if (status !== NDIS_STATUS_SUCCESS) {
      adapter.state = 'paused';
      onRestarted(status);
      return;
    }
    adapter.state = 'running';
    eachBinding([...adapter.bindings], restartBinding, () => {
      onRestarted(NDIS_STATUS_SUCCESS);
    });
  });
}

/** `NdisMRestartComplete`. */
export function restartCompleted(adapter: MiniportAdapter, status: NDIS_STATUS): void {
  requireTransition(adapter, 'restarting', 'NdisMRestartComplete')(status);
}

function requireTransition(adapter: MiniportAdapter, state: AdapterState, call: string): (status: NDIS_STATUS) => void {
  const { ndis, registration, whenTransitioned } = adapter;
  if (adapter.state === state && whenTransitioned !== null) return whenTransitioned;
  throw ndis.violation('CHIM-LIF-006', registration.name, `${call}: adapter ${adapter.name} is ${adapter.state}, and nothing of it waits for this`, [adapter]);
}

/** Unbinds everything above the adapter, pauses it, and halts it. */
export function haltAdapter(adapter: MiniportAdapter, haltAction: NDIS_HALT_ACTION, onHalted: (() => void) | null): void {
  const { ndis, registration } = adapter;
  ndis.requirePassive('haltAdapter', registration.name);
  adapter.isGoing = true;
  transition(adapter, (done) => {
    const over = (): void => {
      ndis.callBack(onHalted);
      done();
    };
    if (adapter.state === 'halted') {
      over();
      return;
    }
    unbindAll(adapter, () => {
      pauseNow(adapter, () => {
        try {
          registration.driver.miniportHaltEx(adapter.adapterContext as never, haltAction);
        } catch (error) {
          ndis.reportEscaped(registration.name, 'MiniportHaltEx', error, [adapter]);
        }
        adapter.state = 'halted';
        ndis.adapters.delete(adapter.name);
        registration.adapters.splice(registration.adapters.indexOf(adapter), 1);
        over();
      });
    });
  });
}

/** One after the other, and those that were still being opened when it began as well. */
function unbindAll(adapter: MiniportAdapter, onDone: () => void): void {
  const [binding] = adapter.bindings;
  if (binding === undefined) {
    onDone();
    return;
  }
  unbind(binding, () => {
    unbindAll(adapter, onDone);
  });
}
