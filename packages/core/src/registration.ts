import {
  NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_STATUS_BAD_CHARACTERISTICS,
  NDIS_STATUS_NOT_SUPPORTED,
  NDIS_STATUS_SUCCESS,
  type ClientChimneyOffloadGenericHandlers,
  type ClientChimneyOffloadTcpHandlers,
  type GetOffloadHandlersResult,
  type MiniportDriver,
  type NDIS_STATUS,
  type NdisDriverOptionalHandlers,
  type NdisMiniportDriverHandle,
  type NdisProtocolHandle,
  type ProtocolDriver,
  type ProviderChimneyOffloadGenericHandlers,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import type { Binding } from './binding.ts';
import { DriverOffloadHandlers } from './driver-offload-handlers.ts';
import type { MiniportAdapter } from './miniport-adapter.ts';
import type { Ndis } from './ndis.ts';
import type { CoreRule } from './rules.ts';
import { describeValue } from './source-tags.ts';

/** A chimney structure is for TCP or for nothing. */
function isForTcp(optionalHandlers: NdisDriverOptionalHandlers): boolean {
  return 'offloadType' in optionalHandlers && optionalHandlers.offloadType === NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload;
}

/** Names the entry points that should be there and are not: an incomplete structure is refused whole. */
function missingOf(handlers: object, required: readonly string[]): string[] {
  return required.filter((name) => typeof (handlers as Record<string, unknown>)[name] !== 'function');
}

const PROVIDER_GENERIC: readonly string[] = [
  'miniportInitiateOffload',
  'miniportTerminateOffload',
  'miniportUpdateOffload',
  'miniportInvalidateOffload',
  'miniportQueryOffload',
];
const PROVIDER_TCP: readonly string[] = [
  'miniportTcpOffloadSend',
  'miniportTcpOffloadReceive',
  'miniportTcpOffloadDisconnect',
  'miniportTcpOffloadForward',
  'miniportTcpOffloadReceiveReturn',
];
const CLIENT_GENERIC: readonly string[] = [
  'protocolInitiateOffloadComplete',
  'protocolTerminateOffloadComplete',
  'protocolUpdateOffloadComplete',
  'protocolInvalidateOffloadComplete',
  'protocolQueryOffloadComplete',
];
const CLIENT_TCP: readonly string[] = [
  'protocolTcpOffloadSendComplete',
  'protocolTcpOffloadReceiveComplete',
  'protocolTcpOffloadDisconnectComplete',
  'protocolTcpOffloadForwardComplete',
  'protocolTcpOffloadEvent',
  'protocolTcpOffloadReceiveIndicate',
];

/** What the two kinds of registration share. */
abstract class Registration {
  readonly ndis: Ndis;
  readonly name: string;
  /** The rule about when handlers are registered, and the entry it names. */
  protected abstract readonly rule: CoreRule;
  protected abstract readonly setOptions: string;
  /** True while the driver's SetOptions handler runs: the time for optional handlers. */
  isInSetOptions = false;

  constructor(ndis: Ndis, name: string) {
    this.ndis = ndis;
    this.name = name;
  }

  protected requireTime(optionalHandlers: NdisDriverOptionalHandlers): void {
    const call = 'NdisSetOptionalHandlers';
    if (typeof (optionalHandlers as Partial<NdisDriverOptionalHandlers> | null)?.handlers !== 'object') {
      throw new TypeError(`${call} (called by ${this.name}): optionalHandlers is ${describeValue(optionalHandlers)}, not a characteristics structure`);
    }
    if (!this.isInSetOptions) {
      throw this.ndis.violation(this.rule, this.name, `NdisSetOptionalHandlers is called from ${this.setOptions}`, [this]);
    }
  }

  protected accept(handlers: object, required: readonly string[], isFree: boolean): NDIS_STATUS {
    const missing = missingOf(handlers, required);
    if (missing.length > 0) {
      throw new TypeError(`NdisSetOptionalHandlers (called by ${this.name}): the handlers lack ${missing.join(', ')}`);
    }
    return isFree ? NDIS_STATUS_SUCCESS : NDIS_STATUS_BAD_CHARACTERISTICS;
  }
}

/** A registered miniport driver, and what it registered. */
export class MiniportRegistration extends Registration implements NdisMiniportDriverHandle {
  protected readonly rule = 'CHIM-CAP-001';
  protected readonly setOptions = 'MiniportSetOptions';
  readonly driver: MiniportDriver<never>;
  readonly isIntermediate: boolean;
  /** The protocol edge of the same intermediate driver. */
  associated: ProtocolRegistration | null = null;
  providerGeneric: ProviderChimneyOffloadGenericHandlers<never> | null = null;
  providerTcp: ProviderChimneyOffloadTcpHandlers<never, unknown> | null = null;
  readonly adapters: MiniportAdapter[] = [];
  private readonly offloadHandlers: DriverOffloadHandlers = new DriverOffloadHandlers(this);

  constructor(ndis: Ndis, driver: MiniportDriver<never>, isIntermediate: boolean) {
    super(ndis, driver.name);
    this.driver = driver;
    this.isIntermediate = isIntermediate;
  }

  setOptionalHandlers(optionalHandlers: NdisDriverOptionalHandlers): NDIS_STATUS {
    this.requireTime(optionalHandlers);
    const { handlers } = optionalHandlers;
    switch (optionalHandlers.header.type) {
      case NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS: {
        const status = this.accept(handlers, PROVIDER_GENERIC, this.providerGeneric === null);
        if (status === NDIS_STATUS_SUCCESS) this.providerGeneric = handlers as ProviderChimneyOffloadGenericHandlers<never>;
        return status;
      }
      case NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS: {
        if (!isForTcp(optionalHandlers)) return NDIS_STATUS_NOT_SUPPORTED;
        const status = this.accept(handlers, PROVIDER_TCP, this.providerTcp === null);
        if (status === NDIS_STATUS_SUCCESS) this.providerTcp = handlers as ProviderChimneyOffloadTcpHandlers<never, unknown>;
        return status;
      }
      case NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS:
      case NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS:
        return NDIS_STATUS_BAD_CHARACTERISTICS;
      default:
        return NDIS_STATUS_NOT_SUPPORTED;
    }
  }

  getOffloadHandlers(chimneyType: number): GetOffloadHandlersResult {
    const isOffered = chimneyType === NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload && this.providerTcp !== null;
    return isOffered ? { status: NDIS_STATUS_SUCCESS, offloadHandlers: this.offloadHandlers } : { status: NDIS_STATUS_NOT_SUPPORTED, offloadHandlers: null };
  }

  /**
   * True when chimney operations may cross the upper edge of this driver's adapters. An intermediate driver has to have
   * registered for its lower edge too, or it could not pass anything on.
   */
  get hasChimney(): boolean {
    return this.providerGeneric !== null && this.providerTcp !== null && this.associated?.hasChimney !== false;
  }
}

/** A registered protocol driver, and what it registered. */
export class ProtocolRegistration extends Registration implements NdisProtocolHandle {
  protected readonly rule = 'CHIM-CAP-002';
  protected readonly setOptions = 'ProtocolSetOptions';
  readonly driver: ProtocolDriver<never>;
  /** The miniport edge of the same intermediate driver. */
  associated: MiniportRegistration | null = null;
  clientGeneric: ClientChimneyOffloadGenericHandlers<unknown> | null = null;
  clientTcp: ClientChimneyOffloadTcpHandlers<unknown, unknown> | null = null;
  readonly bindings: Binding[] = [];

  constructor(ndis: Ndis, driver: ProtocolDriver<never>) {
    super(ndis, driver.name);
    this.driver = driver;
  }

  /** True when the driver may make chimney calls. */
  get hasChimney(): boolean {
    return this.clientGeneric !== null && this.clientTcp !== null;
  }

  setOptionalHandlers(optionalHandlers: NdisDriverOptionalHandlers): NDIS_STATUS {
    this.requireTime(optionalHandlers);
    const { handlers } = optionalHandlers;
    switch (optionalHandlers.header.type) {
      case NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS: {
        const status = this.accept(handlers, CLIENT_GENERIC, this.clientGeneric === null);
        if (status === NDIS_STATUS_SUCCESS) this.clientGeneric = handlers as ClientChimneyOffloadGenericHandlers<unknown>;
        return status;
      }
      case NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS: {
        if (!isForTcp(optionalHandlers)) return NDIS_STATUS_NOT_SUPPORTED;
        const status = this.accept(handlers, CLIENT_TCP, this.clientTcp === null);
        if (status === NDIS_STATUS_SUCCESS) this.clientTcp = handlers as ClientChimneyOffloadTcpHandlers<unknown, unknown>;
        return status;
      }
      case NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS:
      case NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS:
        return NDIS_STATUS_BAD_CHARACTERISTICS;
      default:
        return NDIS_STATUS_NOT_SUPPORTED;
    }
  }
}
