import { blocksOf, link, membersOf, neighborBlock, pathBlock, present, siblings, tcpBlock, under } from '@ndis-chimney/kit';
import type { TargetLimits } from '@ndis-chimney/offload-target';
import {
  NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED,
  NDIS_STATUS_RESOURCES,
  OFFLOAD_STATE_TYPE,
  OffloadHandle,
  createProtocolOffloadBlockList,
  type MiniportOffloadBlockList,
  type NeighborOffloadState,
  type PathOffloadState,
  type ProtocolOffloadBlockList,
  type TcpOffloadState,
} from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { World, delegatedBlock, pattern, statusName } from './world.ts';

/** Blocks of new objects for one world. */
class Blocks {
  private readonly world: World;
  private port = 0;

  constructor(world: World) {
    this.world = world;
  }

  private handle(): OffloadHandle {
    return new OffloadHandle(this.world.host.binding, 'object');
  }

  neighbor(change: (state: NeighborOffloadState) => void = () => undefined, ...paths: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
    const block = neighborBlock(this.handle());
    change(block.state as NeighborOffloadState);
    return under(block, ...paths);
  }

  path(change: (state: PathOffloadState) => void = () => undefined, ...connections: ProtocolOffloadBlockList[]): ProtocolOffloadBlockList {
    const block = pathBlock(this.handle());
    change(block.state as PathOffloadState);
    return under(block, ...connections);
  }

  /** Each has a port of its own, from 1 on. */
  tcp(change: (state: TcpOffloadState) => void = () => undefined): ProtocolOffloadBlockList {
    const block = tcpBlock(this.handle());
    const state = block.state as TcpOffloadState;
    present(state.const).localPort = ++this.port;
    change(state);
    return block;
  }

  /** Offers a tree, and says what each block ended with. */
  offer(root: ProtocolOffloadBlockList): string[] {
    this.world.host.initiate(root);
    this.world.settle();
    return blocksOf(root).map(({ status }) => statusName(status));
  }
}

function start(limits: TargetLimits = {}): { world: World; blocks: Blocks } {
  const world = new World(limits);
  return { world, blocks: new Blocks(world) };
}

describe('an initiate', () => {
  it('GV-INI-1, GV-INI-2, CHIM-INI-006 to CHIM-INI-009: goes depth first, and leaves out what depends on a failure', () => {
    const { world, blocks } = start();
    world.engine.refusals.set(2, NDIS_STATUS_RESOURCES);
    const [t1, t2, t3, t4] = [blocks.tcp(), blocks.tcp(), blocks.tcp(), blocks.tcp()];
    const p2 = blocks.path(({ const: constState }) => (present(constState).sourceAddress = new Uint8Array(3)), t3);
    const n1 = blocks.neighbor(undefined, blocks.path(undefined, t1, t2), p2);
    const root = present(siblings(n1, blocks.neighbor(undefined, blocks.path(undefined, t4))));
    expect(blocks.offer(root)).toEqual(['OFFLOAD_PARTIAL_SUCCESS', 'OFFLOAD_PARTIAL_SUCCESS', 'SUCCESS', 'RESOURCES', 'FAILURE', 'FAILURE', 'SUCCESS', 'SUCCESS', 'SUCCESS']);
    expect(world.engine.offeredPorts).toEqual([1, 2, 4]);
    expect([t1, t2, p2, t3].map(({ offloadHandle }) => present(offloadHandle).state)).toEqual(['offloaded', 'dead', 'dead', 'dead']);
    world.expectNoViolation();
  });

  it('is completed when the last answer has come, whatever the order, and connections run from then on (CHIM-INI-016)', () => {
    const { world, blocks } = start();
    world.engine.silent.add('open');
    const root = blocks.neighbor(undefined, blocks.path(undefined, blocks.tcp(), blocks.tcp(), blocks.tcp()));
    blocks.offer(root);
    world.raise((events) => {
      events.opened(2);
      events.opened(0);
    });
    expect(world.told()).toEqual([]);
    expect(world.commands().filter((command) => command.startsWith('resume'))).toEqual([]);
    world.raise((events) => {
      events.failed(1, NDIS_STATUS_OFFLOAD_CONNECTION_REJECTED);
    });
    expect(world.told()).toEqual(['initiate SUCCESS OFFLOAD_PARTIAL_SUCCESS SUCCESS OFFLOAD_CONNECTION_REJECTED SUCCESS']);
    expect(world.commands()).toEqual(['resume 0', 'resume 2']);
    world.expectNoViolation();
  });

  it('CHIM-INI-016: what an engine receives before the completion comes up after it', () => {
    const { world, blocks } = start();
    world.engine.silent.add('open');
    blocks.offer(blocks.neighbor(undefined, blocks.path(undefined, blocks.tcp(), blocks.tcp())));
    world.raise((events) => {
      events.opened(0);
      events.received(0, pattern(10), 0, 10, 0);
      events.reset(0);
    });
    expect(world.told()).toEqual([]);
    world.raise((events) => {
      events.opened(1);
    });
    expect(world.told()).toEqual(['initiate SUCCESS SUCCESS SUCCESS SUCCESS', 'indicate 10', 'TcpIndicateAbort 0']);
  });

  it('GV-INI-7, CHIM-INI-014: of a connection that the engine refuses, the send chain and the received data are untouched', () => {
    const { world, blocks } = start();
    const chain = world.host.list('a', 'bc', 'def');
    const received = world.host.list('received');
    for (const nbl of membersOf(chain)) nbl.status = 77;
    world.engine.refusals.set(1, NDIS_STATUS_RESOURCES);
    const tcp = blocks.tcp(({ delegated }) => (present(delegated).bufferedData = received));
    tcp.netBufferListChain = chain;
    expect(blocks.offer(blocks.neighbor(undefined, blocks.path(undefined, tcp)))).toEqual(['SUCCESS', 'OFFLOAD_PARTIAL_SUCCESS', 'RESOURCES']);
    expect(tcp.netBufferListChain).toBe(chain);
    expect(membersOf(chain).map(({ status, miniportReserved0 }) => [status, miniportReserved0])).toEqual([[77, null], [77, null], [77, null]]);
    expect(world.told()).toHaveLength(1);
    world.host.free();
    expect(world.ndis.outstanding.netBufferLists).toBe(0);
  });

  it('GV-SND-9: round-trip times are exchanged scaled, and given back as they came', () => {
    const { world, blocks } = start();
    const tcp = blocks.tcp(({ delegated }) => Object.assign(present(delegated), { sRtt: 40, rttVar: 12, cWnd: 9, tsTime: 500 }));
    blocks.offer(blocks.neighbor(undefined, blocks.path(undefined, tcp)));
    expect(world.engine.records.get(0)).toMatchObject({ sRtt: 40, rttVar: 12, cWnd: 9, tsTime: 500, retransmitTimeoutDelta: -1 });
    world.runtime.advance(20);
    expect(world.terminate(present(tcp.offloadHandle)).delegated).toMatchObject({ sRtt: 40, rttVar: 12, cWnd: 9, tsTime: 520 });
  });
});

describe('a block', () => {
  it('GV-BLK-1: is one record with two views, which name the object in the same place', () => {
    const { blocks } = start();
    const block = blocks.tcp();
    const below = block as unknown as MiniportOffloadBlockList;
    expect(below.ndisOffloadHandle).toBe(block.offloadHandle);
    expect(below.miniportOffloadContext).toBe(block.offloadHandle);
    expect(Object.keys(below)).toEqual(Object.keys(block));
  });

  it('GV-BLK-2: is a placeholder, a linker or a new object by its cell', () => {
    const { world, blocks } = start();
    const { neighbors } = world.offload();
    const inPlaceholder = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState);
    const linker = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.NeighborOffloadState, present(neighbors[0]));
    const [path, fresh] = [blocks.path(), blocks.neighbor()];
    const context = present(neighbors[0]).miniportOffloadContext;
    expect(blocks.offer(present(siblings(inPlaceholder, under(linker, path), fresh)))).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS', 'SUCCESS']);
    // The object that was there is the same, and two are new.
    expect(present(neighbors[0]).miniportOffloadContext).toBe(context);
    expect([path, fresh].map(({ offloadHandle }) => present(offloadHandle).miniportOffloadContext !== null)).toEqual([true, true]);
  });
});

describe('what a target has no room for', () => {
  it.each<[string, TargetLimits, (blocks: Blocks) => ProtocolOffloadBlockList, string[]]>([
    ['neighbors', { neighborCapacity: 1 }, (b) => present(siblings(b.neighbor(), b.neighbor())), ['SUCCESS', 'OFFLOAD_NEIGHBOR_ENTRIES']],
    ['paths', { pathCapacity: 1 }, (b) => b.neighbor(undefined, b.path(), b.path()), ['OFFLOAD_PARTIAL_SUCCESS', 'SUCCESS', 'OFFLOAD_PATH_ENTRIES']],
    ['connections', { connectionCapacity: 1 }, (b) => b.neighbor(undefined, b.path(undefined, b.tcp(), b.tcp())), ['SUCCESS', 'OFFLOAD_PARTIAL_SUCCESS', 'SUCCESS', 'OFFLOAD_TCP_ENTRIES']],
    ['MACs', { hardwareAddressCapacity: 0 }, (b) => present(siblings(b.neighbor(), b.neighbor(({ const: c }) => (present(c).dlSourceAddress[0] = 2)))), ['SUCCESS', 'OFFLOAD_HW_ADDRESS_ENTRIES']],
    [
      'source addresses',
      { ipAddressCapacity: 1 },
      (b) => b.neighbor(undefined, b.path(), b.path(({ const: c }) => (present(c).sourceAddress = Uint8Array.of(10, 0, 0, 9))), b.path()),
      ['OFFLOAD_PARTIAL_SUCCESS', 'SUCCESS', 'OFFLOAD_IP_ADDRESS_ENTRIES', 'SUCCESS'],
    ],
    [
      'VLANs (GV-VLAN-1)',
      { vlanCapacity: 1 },
      (b) => present(siblings(b.neighbor(({ const: c }) => (present(c).vlanId = 5)), b.neighbor(({ const: c }) => (present(c).vlanId = 5)), b.neighbor(({ const: c }) => (present(c).vlanId = 7)))),
      ['SUCCESS', 'SUCCESS', 'OFFLOAD_VLAN_ENTRIES'],
    ],
    [
      'other VLANs than the interface has',
      { interfaceVlanIds: [5, 7] },
      (b) => present(siblings(b.neighbor(), b.neighbor(({ const: c }) => (present(c).vlanId = 7)), b.neighbor(({ const: c }) => (present(c).vlanId = 9)))),
      ['SUCCESS', 'SUCCESS', 'OFFLOAD_VLAN_MISMATCH'],
    ],
    ['large MTUs', { maxPathMtuBytes: 1499 }, (b) => b.neighbor(undefined, b.path()), ['OFFLOAD_PARTIAL_SUCCESS', 'OFFLOAD_PATH_MTU']],
    ['large windows', { maxReceiveWindowBytes: 65_535 }, (b) => b.neighbor(undefined, b.path(undefined, b.tcp())), ['SUCCESS', 'OFFLOAD_PARTIAL_SUCCESS', 'OFFLOAD_TCP_RCV_WINDOW']],
  ])('%s: fails with the status that says so', (_what, limits, tree, statuses) => {
    const { world, blocks } = start(limits);
    const root = tree(blocks);
    const found = blocks.offer(root);
    // A root that fails takes everything with it.
    expect(found).toEqual(statuses);
    world.expectNoViolation();
  });

  it('data that comes along: fails with the status of its buffer', () => {
    const { world, blocks } = start({ maxInheritedSendBytes: 5, maxInheritedReceiveBytes: 5 });
    const [sends, receives] = [blocks.tcp(), blocks.tcp(({ delegated }) => (present(delegated).bufferedData = world.host.list('123456')))];
    sends.netBufferListChain = link(membersOf(world.host.list('123', '456')));
    expect(blocks.offer(blocks.neighbor(undefined, blocks.path(undefined, sends, receives, blocks.tcp())))).toEqual([
      'SUCCESS',
      'OFFLOAD_PARTIAL_SUCCESS',
      'OFFLOAD_TCP_XMIT_BUFFER',
      'OFFLOAD_TCP_RCV_BUFFER',
      'SUCCESS',
    ]);
  });

  it('room that is given back is there again', () => {
    const { world, blocks } = start({ neighborCapacity: 1, pathCapacity: 1, connectionCapacity: 1, vlanCapacity: 1, ipAddressCapacity: 1, hardwareAddressCapacity: 1 });
    for (let round = 0; round < 3; round++) {
      const own = ({ const: c }: NeighborOffloadState): void => {
        present(c).vlanId = round + 1;
        present(c).dlSourceAddress[0] = round + 1;
      };
      const [tcp, path] = [blocks.tcp(), blocks.path(({ const: c }) => (present(c).sourceAddress = Uint8Array.of(10, 0, 0, round)))];
      const root = blocks.neighbor(own, under(path, tcp));
      expect(blocks.offer(root)).toEqual(['SUCCESS', 'SUCCESS', 'SUCCESS']);
      const reference = (block: ProtocolOffloadBlockList, type: OFFLOAD_STATE_TYPE): ProtocolOffloadBlockList => createProtocolOffloadBlockList(type, block.offloadHandle);
      const terminate = under(
        reference(root, OFFLOAD_STATE_TYPE.NeighborOffloadDelegatedState),
        under(reference(path, OFFLOAD_STATE_TYPE.Ip4OffloadDelegatedState), delegatedBlock(present(tcp.offloadHandle)).block),
      );
      world.host.binding.terminateOffload(terminate);
      world.settle();
    }
    // The number of a connection that was given back is used again.
    expect(world.commands().filter((command) => command.startsWith('open'))).toEqual(['open 0', 'open 0', 'open 0']);
  });
});

describe('a tree that should not be', () => {
  it('a connection directly under a neighbor is refused', () => {
    const { world, blocks } = start();
    expect(blocks.offer(blocks.neighbor(undefined, blocks.tcp()))).toEqual(['OFFLOAD_PARTIAL_SUCCESS', 'FAILURE']);
    expect(world.commands()).toEqual([]);
  });

  it('a linker without dependents changes nothing and succeeds', () => {
    const { world, blocks } = start();
    const { paths } = world.offload();
    world.commands();
    const linker = createProtocolOffloadBlockList(OFFLOAD_STATE_TYPE.Ip4OffloadState, present(paths[0]));
    expect(blocks.offer(linker)).toEqual(['SUCCESS']);
    expect(world.commands()).toEqual([]);
    expect(present(paths[0]).state).toBe('offloaded');
  });

  it.each(['const', 'cached', 'delegated'] as const)('a state structure that is shorter than its kind is refused: %s', (part) => {
    const { world, blocks } = start();
    const shorten = (state: NeighborOffloadState | PathOffloadState | TcpOffloadState): void => {
      present(state[part]).header.length--;
    };
    const [tcp, inPath] = [blocks.tcp(shorten), blocks.tcp()];
    const path = blocks.path(part === 'delegated' ? undefined : shorten, inPath);
    expect(blocks.offer(blocks.neighbor(undefined, blocks.path(undefined, tcp), path))).toEqual([
      part === 'delegated' ? 'SUCCESS' : 'OFFLOAD_PARTIAL_SUCCESS',
      'OFFLOAD_PARTIAL_SUCCESS',
      'FAILURE',
      ...(part === 'delegated' ? ['SUCCESS', 'SUCCESS'] : ['FAILURE', 'FAILURE']),
    ]);
    expect(blocks.offer(blocks.neighbor(shorten))).toEqual(['FAILURE']);
    world.expectNoViolation();
  });

  it('an update of constant state fails, and changes nothing', () => {
    const { world } = start();
    const handle = world.connect();
    const block = tcpBlock(handle);
    block.header.type = OFFLOAD_STATE_TYPE.TcpOffloadConstState;
    present((block.state as TcpOffloadState).const).localPort = 1;
    world.commands();
    world.host.binding.updateOffload(block);
    world.settle();
    expect(world.told()).toEqual(['update FAILURE']);
    expect(world.commands()).toEqual([]);
    const query = tcpBlock(handle);
    world.host.binding.queryOffloadState(query);
    world.settle();
    expect((query.state as TcpOffloadState).const).toMatchObject({ localPort: 49_152 });
  });

  it('a terminate of a handle that is dead is stopped by NDIS, and the target never sees it', () => {
    const { world } = start();
    const handle = world.connect();
    world.terminate(handle);
    world.commands();
    expect(() => {
      world.host.binding.terminateOffload(delegatedBlock(handle).block);
    }).toThrow('CHIM-ST-003');
    world.settle();
    expect(world.commands()).toEqual([]);
  });
});
