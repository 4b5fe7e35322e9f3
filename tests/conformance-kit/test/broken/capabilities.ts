import { blocksOf } from '@ndis-chimney/conformance/probes';
import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_ENCAPSULATION_NULL,
  NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
  NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_SUCCESS,
  NdisMiniportAdapterOffloadAttributes,
  NdisObjectHeader,
  NdisProviderChimneyOffloadGenericCharacteristics,
  NdisProviderChimneyOffloadTcpCharacteristics,
  PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS,
  type MiniportDriver,
  type NdisDriverOptionalHandlers,
  type NdisTcpConnectionOffload,
  type ProviderChimneyOffloadTcpHandlers,
} from '@ndis-chimney/types';

import { memorySubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';
import { completing, layer } from './tree-taps.ts';

/** Sets other offload attributes. */
function attributes(change: (attributes: NdisMiniportAdapterOffloadAttributes) => void): Broken['taps'] {
  return () => ({
    setMiniportAttributes: (next, each) => {
      if (each instanceof NdisMiniportAdapterOffloadAttributes) change(each);
      return next(each);
    },
  });
}

/** Says other things of what can be offloaded now. */
function configuring(change: (offload: NdisTcpConnectionOffload) => void): Broken['taps'] {
  return attributes(({ defaultTcpConnectionOffloadConfiguration: offload }) => {
    if (offload !== null) change(offload);
  });
}

/** Says whether IPv6 connections can be offloaded. */
export function configuringIPv6(support: number): Broken['taps'] {
  return configuring((offload) => {
    offload.supportIPv6 = support;
  });
}

/** A driver that registers in another way. */
function registering(register: (next: (optional: NdisDriverOptionalHandlers) => unknown, optional: NdisDriverOptionalHandlers, driver: MiniportDriver<never>) => unknown): Partial<Broken['subject'] & object> {
  return {
    create: async (environment, wishes) => {
      const made = await memorySubject.create(environment, wishes);
      const { target } = made;
      const setOptions = target.miniportSetOptions?.bind(target);
      Object.defineProperty(target, 'miniportSetOptions', {
        value: (handle: Parameters<NonNullable<MiniportDriver<never>['miniportSetOptions']>>[0]) => {
          const original = handle.setOptionalHandlers.bind(handle);
          Object.defineProperty(handle, 'setOptionalHandlers', { value: (optional: NdisDriverOptionalHandlers) => register(original, optional, target), configurable: true });
          return setOptions?.(handle) ?? NDIS_STATUS_SUCCESS;
        },
        configurable: true,
        writable: true,
      });
      return made;
    },
  };
}

const none: Broken['taps'] = () => ({});
const KNOWN_HEADER = new NdisObjectHeader(PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS, NDIS_OBJECT_TCP_OFFLOAD_REVISION_1, NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1);

export const brokenCapabilities: readonly Broken[] = [
  {
    does: 'registers its generic handlers twice',
    fails: 'target-capabilities-registered',
    says: /calls of NdisSetOptionalHandlers with generic and with TCP chimney handlers/,
    taps: none,
    subject: registering((next, optional) => {
      const status = next(optional);
      if (optional instanceof NdisProviderChimneyOffloadGenericCharacteristics) next(optional);
      return status;
    }),
  },
  {
    does: 'registers TCP handlers without one for forwarded segments',
    fails: 'target-capabilities-registered',
    says: /the handlers lack miniportTcpOffloadForward|was not registered|entry points that were not registered/,
    taps: none,
    subject: registering((next, optional) => {
      if (!(optional instanceof NdisProviderChimneyOffloadTcpCharacteristics)) return next(optional);
      const handlers = Object.create(optional.handlers, { miniportTcpOffloadForward: { value: undefined } }) as ProviderChimneyOffloadTcpHandlers<never, never>;
      return next(new NdisProviderChimneyOffloadTcpCharacteristics(handlers));
    }),
  },
  {
    does: 'asks for the table twice',
    fails: 'target-capabilities-table-once',
    says: /chimney types that adapters asked for/,
    taps: () => ({
      miniportInitializeEx: (next, miniport, parameters) => {
        miniport.getOffloadHandlers(NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload);
        return next(miniport, parameters);
      },
    }),
  },
  {
    does: 'uses whatever table it gets',
    fails: 'target-capabilities-table-checked',
    says: /offers the chimney with a table of type/,
    taps: () => ({
      getOffloadHandlers: (next, type) => {
        const { status, offloadHandlers } = next(type);
        return { status, offloadHandlers: offloadHandlers === null ? null : (Object.create(offloadHandlers, { header: { value: KNOWN_HEADER } }) as typeof offloadHandlers) };
      },
    }),
  },
  {
    does: 'reports no framing that a chimney is recognized by',
    fails: 'target-capabilities-reported',
    says: /with which no chimney is recognized|no connection offload capabilities/,
    taps: configuring((offload) => {
      offload.encapsulation = NDIS_ENCAPSULATION_NULL;
    }),
  },
  {
    does: 'configures more connections than its hardware has room for',
    fails: 'target-capabilities-reported',
    says: /more connections are configured than the hardware has room for/,
    taps: configuring((offload) => {
      offload.tcpConnectionOffloadCapacity *= 2;
    }),
  },
  {
    does: 'reports neither IP version',
    fails: 'target-capabilities-reported',
    says: /neither IPv4 nor IPv6/,
    taps: configuring((offload) => {
      offload.supportIPv4 = 0;
      offload.supportIPv6 = 0;
    }),
  },
  {
    does: 'advertises one connection more than it has room for',
    fails: 'target-capabilities-honest',
    says: /room for 8 connections is advertised/,
    taps: configuring((offload) => {
      offload.tcpConnectionOffloadCapacity++;
    }),
  },
  {
    does: 'refuses the last of the connections it advertises',
    fails: 'target-capabilities-honest',
    says: /connections that were offloaded of as many as are advertised/,
    taps: configuring((offload) => {
      offload.tcpConnectionOffloadCapacity++;
    }),
    subject: { create: (environment, { connectionCapacity = 1 }) => memorySubject.create(environment, { connectionCapacity: connectionCapacity - 1 }) },
  },
  {
    does: 'has room for 1000 connections',
    fails: 'target-capabilities-1024',
    says: /room for 1000 connections is advertised/,
    taps: none,
    subject: { create: (environment) => memorySubject.create(environment, { connectionCapacity: 1000 }) },
  },
  {
    does: 'has room for one connection less than a thousand and twenty-four',
    fails: 'target-capabilities-1024',
    says: /connections that were offloaded: expected 1024, found 1023/,
    taps: () =>
      completing('initiate', (next, tree) => {
        const last = layer(tree, 'tcp').at(-1);
        if (last?.miniportOffloadContext != null) {
          last.status = NDIS_STATUS_FAILURE;
          last.miniportOffloadContext.miniportOffloadContext = null;
        }
        const path = layer(tree, 'path').at(-1);
        if (path !== undefined) path.status = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
        next(tree);
      }),
  },
  {
    does: 'comes up with less than before',
    fails: 'target-capabilities-persist',
    says: /capabilities after the adapter was halted and came up again/,
    taps: (environment) => {
      let times = 0;
      return configuring((offload) => {
        offload.tcpConnectionOffloadCapacity -= times++;
      })(environment);
    },
  },
  {
    does: 'offloads nothing after it was halted',
    fails: 'target-capabilities-persist',
    says: /initiate that nothing speaks against/,
    taps: () => {
      let isHalted = false;
      return {
        miniportHaltEx: (next, ...args) => {
          isHalted = true;
          next(...args);
        },
        initiateOffloadComplete: (next, tree) => {
          if (isHalted) {
            for (const block of blocksOf(tree)) {
              block.status = NDIS_STATUS_FAILURE;
              if (block.miniportOffloadContext !== null) block.miniportOffloadContext.miniportOffloadContext = null;
            }
          }
          next(tree);
        },
      };
    },
  },
];
