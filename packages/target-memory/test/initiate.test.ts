import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS,
  NDIS_STATUS_OFFLOAD_TCP_ENTRIES,
  NDIS_STATUS_SUCCESS,
  NetBuffer,
  NetBufferList,
  Mdl,
  NdisOidRequest,
  OFFLOAD_STATE_TYPE,
  OID_TCP4_OFFLOAD_STATS,
  TCP_OFFLOAD_CONNECTION_STATE,
  createProtocolOffloadBlockList,
  type ProtocolOffloadBlockList,
  type TcpOffloadStats,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { chainOf, createNbl, expectBytes, expectSame, free, must, pattern, readAll, reference } from './host-connection.ts';
import { FIRST_RECEIVE_SEQ, FIRST_SEND_SEQ, World, link, row } from './world.ts';

const { TcpConnectionClosed, TcpConnectionListen, TcpConnectionSynSent, TcpConnectionSynRcvd, TcpConnectionTimeWait } = TCP_OFFLOAD_CONNECTION_STATE;

const OK = NDIS_STATUS_SUCCESS;
const PARTIAL = NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
const FAILED = NDIS_STATUS_FAILURE;

function initiate(world: World, root: ProtocolOffloadBlockList): void {
  world.host.binding.initiateOffload(root);
  world.settle();
  expect(must(world.host.of('initiate').at(-1)).root).toBe(root);
}

/** A TCP block that cannot be offloaded. */
function bad(world: World): ProtocolOffloadBlockList {
  return world.tcp({ delegated: (delegated) => (delegated.state = TcpConnectionClosed) });
}

/** A path block that cannot be offloaded: its addresses are those of the other IP version. */
function badPath(world: World, ...connections: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
  const path = world.path(false, ...connections);
  path.header.type = OFFLOAD_STATE_TYPE.Ip6OffloadState;
  return path;
}

/** A neighbor block that cannot be offloaded: it has no state. */
function badNeighbor(world: World, ...paths: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
  const neighbor = world.neighbor(...paths);
  neighbor.state = null;
  return neighbor;
}

function placeholder(...dependents: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
  return link(createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState), dependents);
}

const statuses = (...blocks: ProtocolOffloadBlockList[]): number[] => blocks.map(({ status }) => status);
const states = (...blocks: ProtocolOffloadBlockList[]): string[] => blocks.map(({ offloadHandle }) => must(offloadHandle).state);

describe('initiate', () => {
  it('is completed from a DPC, with the root that came down', () => {
    const world = new World();
    const tree = world.neighbor(world.path(false, world.tcp()));
    world.host.binding.initiateOffload(tree);
    expect(world.host.of('initiate')).toEqual([]);
    world.settle();
    expect(world.host.of('initiate').map(({ root }) => root)).toEqual([tree]);
  });

  it('GV-INI-2, CHIM-INI-006: takes state over depth first, breadth next', () => {
    const world = new World({ connectionCapacity: 3 });
    const tcp = Array.from({ length: 5 }, () => world.tcp());
    const paths = [world.path(false, must(tcp[0]), must(tcp[1])), world.path(false, must(tcp[2])), world.path(true, must(tcp[3]), must(tcp[4]))];
    const neighbors = [world.neighbor(must(paths[0]), must(paths[1])), world.neighbor(must(paths[2]))];
    initiate(world, must(row(neighbors)));
    // With room for three, it is the first three in that order that are there.
    expect(statuses(...tcp)).toEqual([OK, OK, OK, NDIS_STATUS_OFFLOAD_TCP_ENTRIES, NDIS_STATUS_OFFLOAD_TCP_ENTRIES]);
    expect(statuses(...paths)).toEqual([OK, OK, PARTIAL]);
    expect(statuses(...neighbors)).toEqual([OK, OK]);
  });

  it('GV-INI-1, CHIM-INI-008, CHIM-INI-009: what depends on a block that failed is not tried, and its parent is partly successful', () => {
    const world = new World();
    const [t1, t2, t3] = [world.tcp(), bad(world), world.tcp()];
    const [p1, p2] = [world.path(false, t1, t2), badPath(world, t3)];
    const n1 = world.neighbor(p1, p2);
    initiate(world, n1);
    expect(statuses(n1, p1, t1, t2, p2, t3)).toEqual([PARTIAL, PARTIAL, OK, FAILED, FAILED, FAILED]);
    expect(states(n1, p1, t1, t2, p2, t3)).toEqual(['offloaded', 'offloaded', 'offloaded', 'dead', 'dead', 'dead']);
  });

  it('GV-INI-3, CHIM-INI-010: a linker has succeeded as much as what hangs below it', () => {
    const world = new World();
    const { pathHandle } = world.offload();
    const outcome = (...tcp: ProtocolOffloadBlockList[]): number => {
      const linker = link(reference(OFFLOAD_STATE_TYPE.Ip4OffloadState, pathHandle), tcp);
      initiate(world, placeholder(linker));
      return linker.status;
    };
    expect(outcome(world.tcp(), world.tcp())).toBe(OK);
    expect(outcome(world.tcp(), bad(world))).toBe(PARTIAL);
    expect(outcome(bad(world), bad(world))).toBe(FAILED);
    expect(pathHandle.state).toBe('offloaded');
    expect(world.target.offloadedPeers()).toHaveLength(4);
  });

  it('GV-INI-4, CHIM-INI-011: a placeholder always succeeds', () => {
    const world = new World();
    const { pathHandle } = world.offload();
    const failing = placeholder(link(reference(OFFLOAD_STATE_TYPE.Ip4OffloadState, pathHandle), [bad(world)]));
    const empty = placeholder();
    initiate(world, must(row([failing, empty])));
    expect(statuses(failing, empty)).toEqual([OK, OK]);
  });

  it('GV-INI-5, CHIM-INI-007: when the root fails nothing else is tried', () => {
    const world = new World();
    const blocks = [world.tcp(), world.tcp()];
    const paths = [world.path(false, must(blocks[0])), world.path(false, must(blocks[1]))];
    const neighbors = [badNeighbor(world, must(paths[0])), world.neighbor(must(paths[1]))];
    initiate(world, must(row(neighbors)));
    expect(statuses(...neighbors, ...paths, ...blocks)).toEqual(Array(6).fill(FAILED));
    expect(states(...neighbors, ...paths, ...blocks)).toEqual(Array(6).fill('dead'));
    expect(world.target.offloadedPeers()).toEqual([]);
  });

  it('GV-INI-6: roll-up looks one level up only', () => {
    const world = new World();
    const tcp = bad(world);
    const path = world.path(false, tcp);
    const neighbor = world.neighbor(path);
    initiate(world, neighbor);
    expect(statuses(neighbor, path, tcp)).toEqual([OK, PARTIAL, FAILED]);
  });

  it('an object that attaches to nothing, or in the wrong layer, is refused', () => {
    const world = new World();
    const [alone, below, inPlaceholder] = [world.tcp(), world.tcp(), world.path(false)];
    initiate(world, alone);
    const neighbor = world.neighbor(below);
    initiate(world, neighbor);
    initiate(world, placeholder(inPlaceholder));
    expect(statuses(alone, below, inPlaceholder)).toEqual([FAILED, FAILED, FAILED]);
    const deep = world.tcp();
    const tcp = link(world.tcp(), [deep]);
    initiate(world, world.neighbor(world.path(false, tcp)));
    expect(statuses(tcp, deep)).toEqual([PARTIAL, FAILED]);
  });

  it('CHIM-INI-008: nothing is attached below a block that failed, also through a linker', () => {
    const world = new World();
    const { pathHandle } = world.offload();
    const tcp = world.tcp();
    const linker = link(reference(OFFLOAD_STATE_TYPE.Ip4OffloadState, pathHandle), [tcp]);
    const failed = badNeighbor(world, linker);
    initiate(world, must(row([world.neighbor(), failed])));
    expect(statuses(failed, linker, tcp)).toEqual([FAILED, FAILED, FAILED]);
    expect(tcp.offloadHandle?.state).toBe('dead');
  });

  it('a tree that is far too deep is refused, block by block', () => {
    const world = new World();
    const tcp = world.tcp();
    let root = tcp;
    for (let i = 0; i < 50_000; i++) root = placeholder(root);
    initiate(world, root);
    expect(tcp.status).toBe(FAILED);
    expect(world.ndis.violationCount).toBe(0);
  });

  it.each([TcpConnectionClosed, TcpConnectionListen, TcpConnectionSynSent, TcpConnectionSynRcvd, TcpConnectionTimeWait])(
    'GV-INI-8: a connection in state %i is not taken',
    (state) => {
      const world = new World();
      const tcp = world.tcp({ delegated: (delegated) => (delegated.state = state) });
      initiate(world, world.neighbor(world.path(false, tcp)));
      expect(tcp.status).toBe(FAILED);
    },
  );

  it('GV-INI-7, CHIM-INI-014: the send chain of a connection that fails is left as it was', () => {
    const world = new World();
    const nbls = [1, 2, 3].map((length) => createNbl(world, pattern(length)));
    for (const nbl of nbls) nbl.status = 77;
    const tcp = world.tcp({ chain: chainOf(nbls), delegated: (delegated) => (delegated.state = TcpConnectionClosed) });
    initiate(world, world.neighbor(world.path(false, tcp)));
    expect(tcp.netBufferListChain).toBe(nbls[0]);
    expect(nbls.map(({ status, miniportReserved0 }) => [status, miniportReserved0])).toEqual([[77, null], [77, null], [77, null]]);
    expect(must(nbls[0]).next).toBe(nbls[1]);
    free(world, nbls);
    world.expectClean();
  });

  it('sequence numbers that do not fit the data are refused', () => {
    const world = new World();
    const nbl = createNbl(world, pattern(10));
    const tcp = world.tcp({ chain: nbl, delegated: (delegated) => (delegated.sndMax = (FIRST_SEND_SEQ + 11) | 0) });
    initiate(world, world.neighbor(world.path(false, tcp)));
    expect(tcp.status).toBe(FAILED);
  });

  it('a connection is there for its peer only when the completion has come up', async () => {
    const world = new World();
    const accepted = world.target.accept();
    let isAccepted = false;
    void accepted.then(() => (isAccepted = true));
    world.host.during = ({ call }) => {
      if (call === 'initiate') expect(world.target.offloadedPeers()).toEqual([]);
    };
    world.offload({ localPort: 1234 });
    await world.drain();
    expect(isAccepted).toBe(true);
    expect((await accepted).remote).toEqual({ address: '10.0.0.1', port: 1234 });
  });
});

describe('data in flight at an initiate', () => {
  /** GV-SND-1: pieces of 200, 400 | 400, 400 | 400, 200 bytes, on three NBLs. */
  function chain(world: World): NetBufferList[] {
    let at = 0;
    return [[200, 400], [400, 400], [400, 200]].map(([first, second]) => {
      const mdl = new Mdl(pattern(must(first), at));
      mdl.next = new Mdl(pattern(must(second), at + must(first)));
      at += must(first) + must(second);
      return must(world.pool.allocateNetBufferAndNetBufferList(mdl, 0, must(first) + must(second)));
    });
  }

  it('GV-SND-3, CHIM-SND-013: the peer gets what was in flight, then what is to be repeated, then the rest, then later sends', async () => {
    const world = new World();
    const nbls = chain(world);
    const { connection, peer } = await world.connect({
      chain: chainOf(nbls),
      delegated: (delegated) => {
        delegated.sndNxt = (FIRST_SEND_SEQ + 1000) | 0;
        delegated.sndMax = (FIRST_SEND_SEQ + 1600) | 0;
      },
    });
    const later = connection.send(createNbl(world, pattern(100, 2000)));
    world.settle();
    expectBytes(await world.until(readAll(peer, 2100)), pattern(2100));
    expectSame(world.host.completed('send'), [...nbls, ...later]);
    expect(connection.delegated).toMatchObject({ sndUna: (FIRST_SEND_SEQ + 2100) | 0, sndMax: (FIRST_SEND_SEQ + 2100) | 0 });
  });

  it('CHIM-CAP-005: repeated segments are counted as such', () => {
    const world = new World({ peer: 'sink', maxSegmentBytes: 400 });
    world.offload({
      chain: chainOf(chain(world)),
      delegated: (delegated) => {
        delegated.sndNxt = (FIRST_SEND_SEQ + 1000) | 0;
        delegated.sndMax = (FIRST_SEND_SEQ + 1600) | 0;
      },
    });
    world.settle();
    const request = new NdisOidRequest<TcpOffloadStats>();
    request.oid = OID_TCP4_OFFLOAD_STATS;
    world.host.binding.oidRequest(request);
    // 400 repeated; 200 repeated and 200 new; 200 new.
    expect(request.informationBuffer).toMatchObject({ retransmittedSegments: 2, outSegments: 2 });
  });

  it('GV-SND-4: what is in flight is not sent again', () => {
    const world = new World({ peer: 'sink', latencyMs: 5 });
    const nbls = chain(world);
    const connection = world.offload({
      chain: chainOf(nbls),
      delegated: (delegated) => (delegated.sndNxt = delegated.sndMax = (FIRST_SEND_SEQ + 1000) | 0),
    });
    world.runtime.advance(10);
    expectSame(world.host.completed('send'), nbls);
    expect(connection.delegated.sndUna).toBe((FIRST_SEND_SEQ + 2000) | 0);
  });

  it('a chain that begins inside its first NBL begins at the data start', async () => {
    const world = new World();
    const nbl = createNbl(world, pattern(100));
    world.ndis.advanceNetBufferDataStart(must(nbl.firstNetBuffer), 30, false);
    const { peer } = await world.connect({ chain: nbl });
    world.settle();
    expectBytes(await world.until(readAll(peer, 70)), pattern(70, 30));
    expect(nbl).toMatchObject({ status: OK, tcpOffloadBytesTransferred: 70 });
  });

  it('GV-RXI-2, CHIM-RXI-008: received data that comes along waits for a request, and goes before newer data', async () => {
    const world = new World();
    const bytes = pattern(1000);
    const bufferedData = new NetBufferList(new NetBuffer(new Mdl(bytes), 0, 600));
    bufferedData.next = new NetBufferList(new NetBuffer(new Mdl(bytes, 600), 0, 400));
    const { connection, peer } = await world.connect({ bufferedData });
    // CHIM-INI-015: it was copied.
    const expected = pattern(1200);
    bytes.fill(0xEE);
    await world.until(peer.write(pattern(200, 1000)));
    expect(world.host.of('indicate')).toEqual([]);
    expect(connection.delegated.receiveBacklogSize).toBe(1200);
    connection.post([600]);
    world.settle();
    expect(world.host.completed('receive').map((nbl) => nbl.tcpOffloadBytesTransferred)).toEqual([600]);
    expectBytes(connection.received, expected);
    expect(connection.delegated.rcvNxt).toBe((FIRST_RECEIVE_SEQ + 200) | 0);
  });
});
