import type { MiniportDriver, NdisLibrary, ProtocolDriver } from '@ndis-chimney/types';

import { FaultInjector, type FaultEnvironment, type FaultOptions } from './fault-injector.ts';
import type { FaultPlan } from './plan.ts';
import { tapForNow } from './tap-drivers.ts';

/** A driver with faults: the driver itself, and the plan at work in it. */
export type Faulty<Driver> = Driver & { readonly faults: FaultInjector };

/** A host that registers its protocol driver itself, such as `ChimneyHost`. */
export interface RegistersItself {
  readonly name: string;
  register(): unknown;
}

/**
 * Puts faults into an offload target, an intermediate driver or a host: in place, before it is registered. The driver
 * stays the object it is; nothing is added to the stack, and what a fault does counts as the driver's own doing. An
 * empty plan changes nothing at all.
 *
 * @param driver a miniport driver (target), a miniport and protocol driver in one (intermediate driver), a protocol
 * driver, or something that registers one (host).
 * @param plan what goes wrong, when and where.
 * @param environment clock and deferred work; for intermediate drivers and hosts the NDIS they register with.
 * @returns the driver, with {@link FaultInjector} as `faults`.
 * @throws TypeError when the plan is not one, has a fault that cannot happen at this edge, or the driver has faults already.
 */
export function withFaults<Target extends MiniportDriver<never>>(driver: Target, plan: FaultPlan, environment: FaultEnvironment, options?: FaultOptions): Faulty<Target>;
export function withFaults<Driver extends ProtocolDriver<never> | RegistersItself>(driver: Driver, plan: FaultPlan, ndis: NdisLibrary, options?: FaultOptions): Faulty<Driver>;
export function withFaults<Driver extends object>(driver: Driver, plan: FaultPlan, environment: FaultEnvironment, options: FaultOptions = {}): Faulty<Driver> {
  if ('faults' in driver) throw new TypeError(`withFaults: ${nameOf(driver)} has a member faults already; put all faults into one plan`);
  const isMiniport = isMiniportDriver(driver);
  const isProtocol = isProtocolDriver(driver);
  if (!isMiniport && !isProtocol && !registersItself(driver)) throw new TypeError('withFaults: the driver is neither a miniport driver nor a protocol driver, and has no register()');
  const edge = isMiniport ? (isProtocol ? 'intermediate' : 'target') : 'host';
  if (edge !== 'target' && !isNdisLibrary(environment)) throw new TypeError(`withFaults: ${nameOf(driver)} needs the NDIS it registers with, to put faults into its bindings`);
  const faults = new FaultInjector(plan, edge, environment, options);
  if (isMiniport) faults.attachMiniport(driver);
  if (isProtocol) faults.attachProtocol(driver, environment as NdisLibrary & FaultEnvironment);
  if (edge === 'host' && !isProtocol) attachAtRegistration(driver as Driver & RegistersItself, faults, environment as NdisLibrary & FaultEnvironment);
  Object.defineProperty(driver, 'faults', { value: faults, configurable: true, enumerable: false });
  return driver as unknown as Faulty<Driver>;
}

/** A host keeps its protocol driver to itself until it registers it. */
function attachAtRegistration(host: RegistersItself, faults: FaultInjector, ndis: NdisLibrary): void {
  const register = host.register.bind(host);
  const registerWithFaults = (): unknown => {
    const untap = tapForNow(ndis, {
      registerProtocolDriver: (next, driver: ProtocolDriver<never>) => {
        faults.attachProtocol(driver, ndis);
        return next(driver) as unknown;
      },
    });
    try {
      return register();
    } finally {
      untap();
    }
  };
  Object.defineProperty(host, 'register', { value: registerWithFaults, configurable: true, enumerable: false });
}

function nameOf(driver: object): string {
  return 'name' in driver && typeof driver.name === 'string' ? driver.name : 'the driver';
}

function isMiniportDriver(driver: object): driver is MiniportDriver<never> {
  return 'miniportInitializeEx' in driver;
}

function isProtocolDriver(driver: object): driver is ProtocolDriver<never> {
  return 'protocolBindAdapterEx' in driver;
}

function registersItself(driver: object): driver is RegistersItself {
  return 'register' in driver && typeof driver.register === 'function';
}

function isNdisLibrary(environment: object): environment is NdisLibrary {
  return 'registerProtocolDriver' in environment;
}
