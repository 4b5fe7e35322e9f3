import {
  IpOffloadStats,
  NDIS_STATUS_SUCCESS,
  OID_IP4_OFFLOAD_STATS,
  OID_IP6_OFFLOAD_STATS,
  OID_TCP4_OFFLOAD_STATS,
  OID_TCP6_OFFLOAD_STATS,
  TCP_OFFLOAD_CONNECTION_STATE,
  TcpOffloadStats,
  formatNdisStatus,
  type PathOffloadState,
} from '@ndis-chimney/types';

import { check, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { WorldConnection } from '../world/world-connection.ts';
import { linkTo, newTreeOf } from './case-tree.ts';
import { offer } from './initiate-outcome.ts';
import { stateBlock } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

/** Most bytes of an IPv4 header with options and a TCP header with options; fewest of each IP version without. */
const MOST_HEADER_BYTES = 120;
const FEWEST_HEADER_BYTES = { 4: 40, 6: 60 } as const;
const OIDS = {
  4: { tcp: OID_TCP4_OFFLOAD_STATS, ip: OID_IP4_OFFLOAD_STATS },
  6: { tcp: OID_TCP6_OFFLOAD_STATS, ip: OID_IP6_OFFLOAD_STATS },
} as const;
type IpVersion = keyof typeof OIDS;
const OTHER = { 4: 6, 6: 4 } as const;

async function statisticsOf(world: TargetWorld, version: IpVersion): Promise<{ tcp: TcpOffloadStats; ip: IpOffloadStats }> {
  const [tcp, ip] = [new TcpOffloadStats(), new IpOffloadStats()];
  for (const [oid, buffer] of [[OIDS[version].tcp, tcp], [OIDS[version].ip, ip]] as const) {
    const { status } = await world.request('query', oid, buffer);
    checkEqual(formatNdisStatus(status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of a query of statistics');
  }
  return { tcp, ip };
}

/** All of the counters, without what is a gauge. */
function countersOf({ tcp, ip }: { tcp: TcpOffloadStats; ip: IpOffloadStats }): unknown {
  return Object.assign({}, tcp, ip, { currentlyEstablished: 0 });
}

const NOTHING = countersOf({ tcp: new TcpOffloadStats(), ip: new IpOffloadStats() });

/** Bytes there and back on a connection. */
async function exchange(world: TargetWorld, connection: WorldConnection, out: number, back: number): Promise<void> {
  const peer = await connection.peer();
  connection.send(pattern(0, out));
  await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send');
  await world.wait(peer.write(pattern(0, back)), 'the acknowledgment of what the peer wrote');
  await world.until(() => connection.received.length >= back, 'the delivery of what the peer wrote');
  // Whatever is acknowledged late is counted too.
  await world.advance(2000);
}

export const statisticsCases: readonly TargetCase[] = [
  {
    id: 'target-statistics-established',
    title: 'Connections in ESTABLISHED and CLOSE-WAIT are counted by IP version, for as long as they are offloaded',
    rules: ['CHIM-CAP-005'],
    requirement: 'C-NDIS-CAP',
    requires: ['statistics'],
    run: async (world) => {
      const { TcpConnectionCloseWait, TcpConnectionFinWait2 } = TCP_OFFLOAD_CONNECTION_STATE;
      const inState = (state: TCP_OFFLOAD_CONNECTION_STATE, isIPv6 = false): Promise<WorldConnection> =>
        world.connect({
          isIPv6,
          change: ({ delegated }) => {
            present(delegated).state = state;
          },
        });
      const established = async (): Promise<number[]> => [(await statisticsOf(world, 4)).tcp.currentlyEstablished, (await statisticsOf(world, 6)).tcp.currentlyEstablished];
      checkEqual(await established(), [0, 0], 'established connections of IPv4 and IPv6 before any was offloaded');
      const four = await world.connectAll(2);
      const [six] = await world.connectAll(1, { isIPv6: true });
      checkEqual(await established(), [2, 1], 'established connections after two of IPv4 and one of IPv6 were offloaded');
      const closing = await inState(TcpConnectionCloseWait, true);
      await inState(TcpConnectionFinWait2);
      checkEqual(await established(), [2, 2], 'established connections with one in CLOSE-WAIT and one in FIN-WAIT-2 besides');
      await present(four[0]).terminate();
      await present(six).terminate();
      await closing.terminate();
      checkEqual(await established(), [1, 0], 'established connections after three went back');
      const { tcp } = await statisticsOf(world, 6);
      checkEqual(tcp.resetEstablished, 0, 'connections that were reset, though they went back');
    },
  },
  ...([4, 6] as const).map(
    (version): TargetCase => ({
      id: `target-statistics-traffic-${version}`,
      title: `Segments and octets of offloaded connections are counted, headers included, for IPv${version} alone`,
      rules: ['CHIM-CAP-005'],
      requirement: 'C-NDIS-CAP',
      requires: ['statistics', 'peer', 'virtual-time'],
      run: async (world) => {
        const [out, back] = [3000, 2000];
        const connection = await world.connect({ isIPv6: version === 6 });
        await exchange(world, connection, out, back);
        const { tcp, ip } = await statisticsOf(world, version);
        // Headers of either kind are of 32-bit words.
        const isWithin = (octets: number, packets: number, payload: number): boolean => octets >= payload + packets * FEWEST_HEADER_BYTES[version] && octets <= payload + packets * MOST_HEADER_BYTES && (octets - payload) % 4 === 0;
        // At least its segments and acknowledgments for those of the peer, none of which was repeated.
        check(tcp.outSegments >= 3 && ip.outRequests >= tcp.outSegments, `${tcp.outSegments} segments and ${ip.outRequests} datagrams were counted that left with ${out} bytes and acknowledgments`);
        check(tcp.inSegments >= 3 && ip.inReceives >= tcp.inSegments, `${tcp.inSegments} segments and ${ip.inReceives} datagrams were counted that arrived with ${back} bytes and acknowledgments`);
        check(isWithin(ip.outOctets, ip.outRequests, out), `${ip.outOctets} octets were counted in ${ip.outRequests} datagrams that left with ${out} bytes`);
        check(isWithin(ip.inOctets, ip.inReceives, back), `${ip.inOctets} octets were counted in ${ip.inReceives} datagrams that arrived with ${back} bytes`);
        checkEqual(ip.inDelivers, ip.inReceives, 'datagrams delivered, of those that arrived');
        const errors = [tcp.retransmittedSegments, tcp.inErrors, tcp.outResets, tcp.resetEstablished, ip.inHeaderErrors, ip.inTruncatedPackets, ip.inDiscards, ip.outDiscards, ip.outNoRoutes];
        checkEqual(errors, errors.map(() => 0), 'errors, discards, resets and repetitions on a connection that had none');
        checkEqual(countersOf(await statisticsOf(world, OTHER[version])), NOTHING, `counters of IPv${OTHER[version]}, of which there was nothing`);
      },
    }),
  ),
  {
    id: 'target-statistics-reset',
    title: 'Setting a statistics OID starts its counters over, and those of no other; connections stay counted',
    rules: ['CHIM-CAP-005'],
    requirement: 'C-NDIS-CAP',
    requires: ['statistics', 'peer', 'virtual-time'],
    run: async (world) => {
      for (const isIPv6 of [false, true]) await exchange(world, await world.connect({ isIPv6 }), 100, 100);
      const read = async (): Promise<Record<IpVersion, { tcp: TcpOffloadStats; ip: IpOffloadStats }>> => ({ 4: await statisticsOf(world, 4), 6: await statisticsOf(world, 6) });
      for (const version of [4, 6] as const) {
        for (const kind of ['tcp', 'ip'] as const) {
          const expected = await read();
          check(kind === 'tcp' ? expected[version].tcp.inSegments > 0 : expected[version].ip.inReceives > 0, 'counters started over that nobody reset');
          const values = kind === 'tcp' ? Object.assign(new TcpOffloadStats(), { inSegments: 99 }) : Object.assign(new IpOffloadStats(), { inReceives: 99 });
          const { status } = await world.request('set', OIDS[version][kind], values);
          checkEqual(formatNdisStatus(status), formatNdisStatus(NDIS_STATUS_SUCCESS), 'the status of a reset of statistics');
          if (kind === 'tcp') expected[version].tcp = Object.assign(new TcpOffloadStats(), { currentlyEstablished: expected[version].tcp.currentlyEstablished });
          else expected[version].ip = new IpOffloadStats();
          checkEqual(await read(), expected, `all statistics after those of ${kind} version ${version} were reset`);
        }
      }
    },
  },
  {
    id: 'target-statistics-resets',
    title: 'Resets are counted: those that were sent, and connections that went from ESTABLISHED to CLOSED',
    rules: ['CHIM-CAP-005'],
    requirement: 'C-NDIS-CAP',
    requires: ['statistics', 'peer', 'virtual-time'],
    run: async (world) => {
      const [byPeer, byHost] = await world.connectAll(2);
      const read = async (): Promise<number[]> => {
        const { tcp } = await statisticsOf(world, 4);
        return [tcp.outResets, tcp.resetEstablished, tcp.currentlyEstablished];
      };
      (await present(byPeer).peer()).reset();
      await world.until(() => present(byPeer).events.length > 0, 'the event of a reset by the peer');
      checkEqual(await read(), [0, 1, 1], 'resets sent, connections reset and established, after the peer reset one of two');
      present(byHost).abort();
      await world.until(() => present(byHost).disconnectCompletions.length > 0, 'the completion of an abort');
      await world.advance(1000);
      checkEqual(await read(), [1, 2, 0], 'resets sent, connections reset and established, after the host aborted the other');
    },
  },
  {
    id: 'target-update-mtu-obeyed',
    title: 'No datagram is larger than the path MTU that an update brought, as far as the statistics of datagrams and octets tell',
    rules: ['CHIM-UPD-004', 'CHIM-CAP-005'],
    requirement: 'C-NDIS-UPD',
    requires: ['statistics', 'virtual-time'],
    run: async (world) => {
      const MTU = 576;
      const { root, paths, connections } = newTreeOf(world, [[2]]);
      await offer(world, root);
      // One was used before: what it has computed for itself has to change too.
      const [used, fresh] = [present(connections[0]), present(connections[1])];
      used.send(pattern(0, 1));
      await world.until(() => used.sendCompletions.length > 0, 'the completion of a send before the update');
      const update = stateBlock(present(paths[0]), 'cached');
      present((update.state as PathOffloadState).cached).pathMtu = MTU;
      await world.operate('update', update);
      for (const connection of [used, fresh]) {
        await world.advance(1000);
        for (const oid of [OIDS[4].tcp, OIDS[4].ip]) await world.request('set', oid, null);
        const before = connection.sendCompletions.length;
        connection.send(pattern(0, 3000));
        await world.until(() => connection.sendCompletions.length > before, 'the completion of a send after the update');
        const { ip } = await statisticsOf(world, 4);
        check(ip.outOctets >= 3000 && ip.outOctets <= ip.outRequests * MTU, `${ip.outOctets} octets left in ${ip.outRequests} datagrams over a path with an MTU of ${MTU}`);
      }
    },
  },
  {
    id: 'target-initiate-segment-size',
    title: 'No datagram is larger than the path MTU, and none carries more than RemoteMss, that a connection came with',
    rules: ['CHIM-CAP-005', 'CHIM-ST-004'],
    requirement: 'C-NDIS-INI',
    requires: ['statistics', 'virtual-time'],
    run: async (world) => {
      // So many that one datagram more is needed than with the usual MTU.
      const BYTES = 4000;
      for (const isIPv6 of [false, true]) {
        for (const [pathMtu, remoteMss] of [[1280, 9000], [1500, 400]] as const) {
          const connection = await world.connect({
            isIPv6,
            change: (state) => {
              present(state.const).remoteMss = remoteMss;
            },
            changePath: (state) => {
              present(state.cached).pathMtu = pathMtu;
            },
          });
          const { tcp: tcpOid, ip: ipOid } = OIDS[isIPv6 ? 6 : 4];
          for (const oid of [tcpOid, ipOid]) await world.request('set', oid, null);
          connection.send(pattern(0, BYTES));
          await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send');
          const { tcp, ip } = await statisticsOf(world, isIPv6 ? 6 : 4);
          const what = `left in ${ip.outRequests} datagrams over a path with an MTU of ${pathMtu} to a peer with an MSS of ${remoteMss}`;
          check(ip.outOctets >= BYTES && ip.outOctets <= ip.outRequests * pathMtu, `${ip.outOctets} octets ${what}`);
          check(tcp.outSegments * Math.min(remoteMss, pathMtu - FEWEST_HEADER_BYTES[isIPv6 ? 6 : 4]) >= BYTES, `${BYTES} bytes of data ${what}`);
        }
      }
    },
  },
  {
    id: 'target-update-mtu-meanwhile',
    title: 'A path MTU that an update brings while a connection of that path is being offloaded holds for that connection too',
    rules: ['CHIM-UPD-004', 'CHIM-INI-009'],
    requirement: 'C-NDIS-UPD',
    requires: ['statistics', 'virtual-time'],
    run: async (world) => {
      const MTU = 576;
      const { root, neighbors, paths, connections } = newTreeOf(world, [[1]]);
      await offer(world, root);
      const late = new WorldConnection(world, world.tcp());
      const initiate = linkTo(present(neighbors[0]), linkTo(present(paths[0]), late.block));
      world.begin('initiate', initiate);
      await world.settle();
      const update = stateBlock(present(paths[0]), 'cached');
      present((update.state as PathOffloadState).cached).pathMtu = MTU;
      world.begin('update', update);
      await world.completed('initiate', initiate);
      await world.completed('update', update);
      for (const connection of [late, present(connections[0])]) {
        await world.advance(1000);
        for (const oid of [OIDS[4].tcp, OIDS[4].ip]) await world.request('set', oid, null);
        connection.send(pattern(0, 3000));
        await world.until(() => connection.sendCompletions.length > 0, 'the completion of a send after the update');
        const { ip } = await statisticsOf(world, 4);
        check(ip.outOctets >= 3000 && ip.outOctets <= ip.outRequests * MTU, `${ip.outOctets} octets left in ${ip.outRequests} datagrams over a path with an MTU of ${MTU}`);
      }
    },
  },
  {
    id: 'target-statistics-ordinary',
    title: 'What the host sends on the ordinary path is not counted',
    rules: ['CHIM-CAP-005'],
    requirement: 'C-NDIS-CAP',
    requires: ['statistics', 'virtual-time'],
    run: async (world) => {
      await world.connect();
      const { host } = world;
      world.binding.sendNetBufferLists(host.list(pattern(0, 60), pattern(0, 1000)), 0, 0);
      await world.until(() => host.entries('ordinarySendComplete').flatMap((entry) => entry.nbls).length === 2, 'the completion of two ordinary packets');
      await world.advance(1000);
      checkEqual([countersOf(await statisticsOf(world, 4)), countersOf(await statisticsOf(world, 6))], [NOTHING, NOTHING], 'counters after ordinary packets alone');
    },
  },
];
