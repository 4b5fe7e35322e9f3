import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
  NDIS_STATUS_SUCCESS,
} from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import type { IntermediateCase } from './intermediate-case.ts';

/** Entry points by the structure that announces them. */
const ENTRY_POINTS: Readonly<Record<number, readonly string[]>> = {
  [NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS]: ['miniportInitiateOffload', 'miniportTerminateOffload', 'miniportUpdateOffload', 'miniportInvalidateOffload', 'miniportQueryOffload'],
  [NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS]: ['miniportTcpOffloadSend', 'miniportTcpOffloadReceive', 'miniportTcpOffloadDisconnect', 'miniportTcpOffloadForward', 'miniportTcpOffloadReceiveReturn'],
  [NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS]: ['protocolInitiateOffloadComplete', 'protocolTerminateOffloadComplete', 'protocolUpdateOffloadComplete', 'protocolInvalidateOffloadComplete', 'protocolQueryOffloadComplete', 'protocolIndicateOffloadEvent'],
  [NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS]: ['protocolTcpOffloadSendComplete', 'protocolTcpOffloadReceiveComplete', 'protocolTcpOffloadDisconnectComplete', 'protocolTcpOffloadForwardComplete', 'protocolTcpOffloadEvent', 'protocolTcpOffloadReceiveIndicate'],
};

const EDGES = [
  ['upper', 'MiniportSetOptions', [NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS]],
  ['lower', 'ProtocolSetOptions', [NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS, NDIS_OBJECT_TYPE_CLIENT_CHIMNEY_OFFLOAD_CHARACTERISTICS]],
] as const;

/** What the targets of the kit say of themselves. */
const MTU_OF_TARGETS = 1500;
const MAC_OF_TARGETS = Uint8Array.of(2, 0, 0, 0, 0, 1);

const sorted = (numbers: readonly number[]): number[] => [...numbers].sort((a, b) => a - b);

export const registrationCases: readonly IntermediateCase[] = [
  {
    id: 'intermediate-registration',
    title: 'Provider and client handlers are registered by two NdisSetOptionalHandlers calls on each edge, with all entry points',
    rules: ['CHIM-CAP-001', 'CHIM-CAP-002'],
    requirement: 'C-NDIS-CAP',
    run: (world) => {
      const { registrations, drivers, hosts, targets } = world;
      for (const [edge, entry, wanted] of EDGES) {
        // Targets and hosts of the kit register one structure of each kind, too: they come before and after.
        const all = registrations.handlers.filter((one) => one.edge === edge);
        const own = edge === 'upper' ? all.slice(targets.length * 2) : all.slice(0, all.length - hosts.length * 2);
        checkEqual(own.length, drivers.length * 2, `structures that ${drivers.length === 1 ? 'the driver' : 'drivers'} registered from ${entry}`);
        for (let at = 0; at < own.length; at += 2) {
          const types = own.slice(at, at + 2).map(({ optionalHandlers }) => optionalHandlers.header.type);
          checkEqual(sorted(types), sorted(wanted), `types of the structures that were registered from ${entry}`);
        }
        for (const { optionalHandlers, status } of own) {
          checkEqual(status, NDIS_STATUS_SUCCESS, `what NDIS answered to a structure registered from ${entry}`);
          if ('offloadType' in optionalHandlers) checkEqual(optionalHandlers.offloadType, NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload, `OffloadType of a structure registered from ${entry}`);
          for (const name of present(ENTRY_POINTS[optionalHandlers.header.type])) {
            check(typeof (optionalHandlers.handlers as unknown as Record<string, unknown>)[name] === 'function', `a structure registered from ${entry} has no ${name}`);
          }
        }
      }
    },
  },
  {
    id: 'intermediate-association',
    title: 'The driver registers as an intermediate driver, and says which two edges are its own',
    rules: ['CHIM-CAP-001', 'CHIM-CAP-002'],
    requirement: 'C-NDIS-CAP',
    run: ({ registrations, drivers }) => {
      checkEqual(registrations.intermediates.length, drivers.length, 'drivers that were registered with NDIS_INTERMEDIATE_DRIVER');
      checkEqual(registrations.associated.length, drivers.length, 'calls of NdisIMAssociateMiniport');
      for (const [at, driver] of drivers.entries()) {
        const [miniport, protocol] = present(registrations.associated[at]);
        check(miniport === driver.ndisDriverHandle && protocol === driver.ndisProtocolHandle, 'NdisIMAssociateMiniport was told of other edges than the driver’s own');
      }
    },
  },
  {
    id: 'intermediate-attributes',
    title: 'A virtual miniport has an MTU that fits through the adapters, and a MAC address; those of the adapter when it passes everything on as it is',
    rules: ['CHIM-CAP-001'],
    requirement: 'C-NDIS-CAP',
    run: (world) => {
      for (const host of world.hosts) {
        const { mtuSize, currentMacAddress } = present(host.bindings.at(-1)).parameters;
        if (world.isTransparent) {
          checkEqual(mtuSize, MTU_OF_TARGETS, 'the MTU of a virtual miniport');
          checkBytes(currentMacAddress, MAC_OF_TARGETS, 'the MAC address of a virtual miniport');
        } else {
          check(mtuSize > 0 && mtuSize <= MTU_OF_TARGETS, `the MTU of a virtual miniport is ${mtuSize}, above adapters with ${MTU_OF_TARGETS}`);
          checkEqual(currentMacAddress.length, MAC_OF_TARGETS.length, 'bytes of the MAC address of a virtual miniport');
        }
      }
    },
  },
];
