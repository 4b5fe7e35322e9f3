import {
  NDIS_CHIMNEY_OFFLOAD_TYPE,
  NDIS_ENCAPSULATION_IEEE_802_3,
  NDIS_ENCAPSULATION_IEEE_LLC_SNAP_ROUTED,
  NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS,
  NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS,
  NDIS_OFFLOAD_NOT_SUPPORTED,
  NDIS_OFFLOAD_SUPPORTED,
  NDIS_STATUS_SUCCESS,
  NdisObjectHeader,
  OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG,
  OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES,
  PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS,
  NDIS_OBJECT_TCP_OFFLOAD_REVISION_1,
  NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1,
  type NdisTcpConnectionOffload,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import type { NblPicture } from '../world/journal.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import type { WorldConnection } from '../world/world-connection.ts';
import { newTreeOf, takeBack } from './case-tree.ts';
import { offer } from './initiate-outcome.ts';
import type { TargetCase } from './target-case.ts';

const CONNECTIONS_AT_LEAST = 1024;
const ENTRIES = {
  generic: ['miniportInitiateOffload', 'miniportTerminateOffload', 'miniportUpdateOffload', 'miniportInvalidateOffload', 'miniportQueryOffload'],
  tcp: ['miniportTcpOffloadSend', 'miniportTcpOffloadReceive', 'miniportTcpOffloadDisconnect', 'miniportTcpOffloadForward', 'miniportTcpOffloadReceiveReturn'],
} as const;

/** What the host was told when it bound. */
function advertised({ host }: TargetWorld): NdisTcpConnectionOffload {
  const capabilities = present(host.bindings.at(-1)).parameters.tcpConnectionOffloadCapabilities;
  check(capabilities !== null, 'no connection offload capabilities were reported');
  return capabilities;
}

/** The table that NDIS gives, with another header. */
function tableWith(table: NdisTcpOffloadEventHandlers, header: NdisObjectHeader): NdisTcpOffloadEventHandlers {
  return Object.create(table, { header: { value: header } }) as NdisTcpOffloadEventHandlers;
}

/** Headers of tables that no driver knows. */
const UNKNOWN_HEADERS = [
  new NdisObjectHeader(PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS + 1, NDIS_OBJECT_TCP_OFFLOAD_REVISION_1, NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1),
  new NdisObjectHeader(PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS, NDIS_OBJECT_TCP_OFFLOAD_REVISION_1 - 1, NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1),
  new NdisObjectHeader(PRIVATE_OBJECT_TYPE_TCP_OFFLOAD_EVENT_HANDLERS, NDIS_OBJECT_TCP_OFFLOAD_REVISION_1, NDIS_SIZEOF_TCP_OFFLOAD_EVENT_HANDLERS_REVISION_1 - 8),
];

/** True when an adapter said that it offloads connections. */
function offersChimney(world: TargetWorld, adapter: string): boolean {
  return (world.seen.attributes.get(adapter) ?? []).some((attributes) => 'defaultTcpConnectionOffloadConfiguration' in attributes && attributes.defaultTcpConnectionOffloadConfiguration !== null);
}

/** Has each connection send something. What was completed is looked for once, and not per connection: there are many. */
async function checkSends(world: TargetWorld, connections: readonly WorldConnection[]): Promise<void> {
  const ports = new Map<NetBufferList, number>();
  for (const connection of connections) for (const nbl of connection.send(pattern(0, 20))) ports.set(nbl, connection.hostPort);
  const completed = (): NblPicture[] => world.host.entries('dataComplete').flatMap(({ nbls }) => nbls.filter(({ nbl }) => ports.has(nbl)));
  await world.until(() => completed().length >= connections.length, `the completion of a send on each of ${connections.length} connections`);
  const failed = completed().filter(({ status, bytesTransferred }) => status !== NDIS_STATUS_SUCCESS || bytesTransferred !== 20);
  checkEqual(failed.map(({ nbl }) => ports.get(nbl)), [], 'ports of connections whose send failed');
}

export const capabilitiesCases: readonly TargetCase[] = [
  {
    id: 'target-capabilities-registered',
    title: 'Generic and TCP handlers are registered in two calls, every entry point present',
    rules: ['CHIM-CAP-001'],
    requirement: 'C-NDIS-CAP',
    run: (world) => {
      const { registered } = world.seen;
      const ofType = (type: number): (typeof registered)[number][] => registered.filter(({ header }) => header.type === type);
      const generic = ofType(NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_GENERIC_CHARACTERISTICS);
      const tcp = ofType(NDIS_OBJECT_TYPE_PROVIDER_CHIMNEY_OFFLOAD_CHARACTERISTICS);
      checkEqual([generic.length, tcp.length], [1, 1], 'calls of NdisSetOptionalHandlers with generic and with TCP chimney handlers');
      for (const [optional, entries] of [[generic[0], ENTRIES.generic], [tcp[0], ENTRIES.tcp]] as const) {
        const handlers = present(optional).handlers as unknown as Record<string, unknown>;
        checkEqual(entries.filter((name) => typeof handlers[name] !== 'function'), [], 'entry points that were not registered');
      }
      checkEqual((tcp[0] as { readonly offloadType?: number }).offloadType, NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload, 'OffloadType of the TCP handlers');
      return Promise.resolve();
    },
  },
  {
    id: 'target-capabilities-table-once',
    title: 'Each adapter asks for the table of offload handlers once, for the TCP chimney',
    rules: ['CHIM-CAP-003'],
    requirement: 'C-NDIS-CAP',
    run: async (world) => {
      const added = world.addAnother('nic1');
      check(added.ndisMiniportHandle !== null, 'a second adapter did not initialize');
      const asked = [...world.seen.tablesAskedFor.values()];
      checkEqual(asked, asked.map(() => [NDIS_CHIMNEY_OFFLOAD_TYPE.NdisTcpChimneyOffload]), 'chimney types that adapters asked for, one list each');
      world.ndis.removeAdapter(added.ndisMiniportHandle);
      await world.settle();
    },
  },
  {
    id: 'target-capabilities-table-checked',
    title: 'An adapter that gets a table of another type, revision or size does not use it',
    rules: ['CHIM-CAP-003'],
    requirement: 'C-NDIS-CAP',
    run: async (world) => {
      for (const [at, header] of UNKNOWN_HEADERS.entries()) {
        const name = `nic${at + 1}`;
        world.seen.replaceTable = (table) => tableWith(table, header);
        const { ndisMiniportHandle } = world.addAnother(name);
        world.seen.replaceTable = null;
        const doesOffer = ndisMiniportHandle !== null && offersChimney(world, name);
        if (ndisMiniportHandle !== null) world.ndis.removeAdapter(ndisMiniportHandle);
        await world.settle();
        check(!doesOffer, `an adapter offers the chimney with a table of type ${header.type}, revision ${header.revision}, ${header.size} bytes`);
      }
    },
  },
  {
    id: 'target-capabilities-reported',
    title: 'What is reported of the chimney can be: an IP version at least, a framing, room for connections, and no more than the hardware has',
    rules: ['CHIM-CAP-001'],
    requirement: 'C-CAP-HONEST',
    run: async (world) => {
      const current = advertised(world);
      const flags = [current.supportIPv4, current.supportIPv6, current.supportIPv6ExtensionHeaders, current.supportSack];
      check(flags.every((flag) => flag === NDIS_OFFLOAD_SUPPORTED || flag === NDIS_OFFLOAD_NOT_SUPPORTED), `what is supported is told as ${flags.join(', ')}`);
      check(current.supportIPv4 === NDIS_OFFLOAD_SUPPORTED || current.supportIPv6 === NDIS_OFFLOAD_SUPPORTED, 'neither IPv4 nor IPv6 connections can be offloaded');
      check((current.encapsulation & (NDIS_ENCAPSULATION_IEEE_802_3 | NDIS_ENCAPSULATION_IEEE_LLC_SNAP_ROUTED)) !== 0, `the framing is told as 0x${current.encapsulation.toString(16)}, with which no chimney is recognized`);
      check(current.tcpConnectionOffloadCapacity > 0, `${current.tcpConnectionOffloadCapacity} connections can be offloaded`);
      const config = await world.request('query', OID_TCP_CONNECTION_OFFLOAD_CURRENT_CONFIG);
      const hardware = await world.request('query', OID_TCP_CONNECTION_OFFLOAD_HARDWARE_CAPABILITIES);
      checkEqual([config.status, hardware.status], [NDIS_STATUS_SUCCESS, NDIS_STATUS_SUCCESS], 'statuses of the two queries of capabilities');
      const [now, most] = [config.informationBuffer, hardware.informationBuffer] as [NdisTcpConnectionOffload, NdisTcpConnectionOffload];
      checkEqual(now.tcpConnectionOffloadCapacity, current.tcpConnectionOffloadCapacity, 'the capacity when it is queried');
      check(now.tcpConnectionOffloadCapacity <= most.tcpConnectionOffloadCapacity, 'more connections are configured than the hardware has room for');
      check(now.supportIPv4 <= most.supportIPv4 && now.supportIPv6 <= most.supportIPv6 && now.supportSack <= most.supportSack, 'something is configured that the hardware does not support');
    },
  },
  {
    id: 'target-capabilities-honest',
    title: 'As many connections as are advertised can be offloaded at the same time, of both IP versions together, again and again',
    rules: ['CHIM-INI-012', 'CHIM-INI-013'],
    requirement: 'C-CAP-HONEST',
    requires: ['connection-capacity'],
    wishes: { connectionCapacity: 7 },
    run: async (world) => {
      const { tcpConnectionOffloadCapacity: capacity, supportIPv4, supportIPv6 } = advertised(world);
      check(capacity >= 1 && capacity <= 7, `room for ${capacity} connections is advertised by a target that was made with room for 7`);
      const hasBoth = supportIPv4 === NDIS_OFFLOAD_SUPPORTED && supportIPv6 === NDIS_OFFLOAD_SUPPORTED;
      for (let time = 0; time < 2; time++) {
        const few = hasBoth ? Math.floor(capacity / 2) : 0;
        const trees = [newTreeOf(world, [[few]], { isIPv6: true }), newTreeOf(world, [[capacity - few]], { isIPv6: supportIPv4 !== NDIS_OFFLOAD_SUPPORTED })];
        for (const { root, connections } of trees) if (connections.length > 0) await offer(world, root);
        const connections = trees.flatMap((tree) => tree.connections);
        checkEqual(connections.filter(({ isOffloaded: isTaken }) => isTaken).length, capacity, 'connections that were offloaded of as many as are advertised');
        await checkSends(world, connections);
        await takeBack(world, ...connections);
      }
    },
  },
  {
    id: 'target-capabilities-1024',
    title: '1024 connections can be offloaded at the same time, and each of them works',
    rules: ['CHIM-INI-012', 'CHIM-INI-013'],
    requirement: 'C-CAP-1024',
    run: async (world) => {
      const { tcpConnectionOffloadCapacity: capacity } = advertised(world);
      check(capacity >= CONNECTIONS_AT_LEAST, `room for ${capacity} connections is advertised`);
      const { root, connections } = newTreeOf(world, Array.from({ length: 4 }, () => Array.from({ length: 8 }, () => CONNECTIONS_AT_LEAST / 32)));
      await offer(world, root);
      checkEqual(connections.filter(({ isOffloaded: isTaken }) => isTaken).length, CONNECTIONS_AT_LEAST, 'connections that were offloaded');
      await checkSends(world, connections);
    },
  },
  {
    id: 'target-capabilities-persist',
    title: 'After an adapter was halted it comes up with the same capabilities, and offloads again',
    rules: ['CHIM-CAP-001', 'CHIM-CAP-003'],
    requirement: 'C-PERSIST',
    run: async (world) => {
      const before = JSON.stringify(advertised(world));
      for (let time = 0; time < 2; time++) {
        const connections = await world.connectAll(2);
        await checkSends(world, connections);
        await world.removeAdapter();
        await world.bringUp();
        checkEqual(JSON.stringify(advertised(world)), before, 'capabilities after the adapter was halted and came up again');
      }
      await checkSends(world, await world.connectAll(2));
    },
  },
];
