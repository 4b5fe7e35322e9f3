// Operations on one object, and events, while something else is under way for another one that has to do with it.
import { present, tcpBlock, under } from '@ndis-chimney/kit';
import { Dpc, OFFLOAD_STATE_TYPE, OffloadBlockState, OffloadHandle, PathOffloadStateCached, createProtocolOffloadBlockList, type ProtocolOffloadBlockList } from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { World, delegatedBlock, pattern } from './world.ts';

const { Ip4OffloadCachedState, Ip4OffloadState, NeighborOffloadCachedState, NeighborOffloadState } = OFFLOAD_STATE_TYPE;
const MTU = 1000;

function reference(type: OFFLOAD_STATE_TYPE, handle: OffloadHandle | undefined, state: OffloadBlockState | null = null): ProtocolOffloadBlockList {
  return createProtocolOffloadBlockList(type, present(handle), state);
}

/** Gives a path another MTU. */
function updatePath(world: World, path: OffloadHandle | undefined): void {
  const cached = Object.assign(new PathOffloadStateCached(), { pathMtu: MTU });
  world.host.binding.updateOffload(reference(Ip4OffloadCachedState, path, new OffloadBlockState(null, cached, null)));
  world.settle();
}

function invalidate(world: World, neighbor: OffloadHandle | undefined): void {
  world.host.binding.invalidateOffload(reference(NeighborOffloadState, neighbor));
  world.settle();
}

/** Forgets what was told and commanded. */
function forget(world: World): void {
  world.told();
  world.commands();
}

describe('a connection that is being offloaded', () => {
  it('CHIM-INI-016: that the engine loses meanwhile: the host hears of it when it has the tree back', () => {
    const world = new World();
    world.engine.silent.add('open');
    world.host.offload({ connectionsPerPath: 2 });
    world.settle();
    world.raise((events) => {
      events.opened(0);
      events.failed(0, -1);
    });
    expect(world.told()).toEqual([]);
    world.raise((events) => {
      events.opened(1);
    });
    expect(world.told()).toEqual(['initiate SUCCESS SUCCESS SUCCESS SUCCESS', 'TcpIndicateRetrieve HardwareFailure', 'TcpIndicateAbort 0']);
    world.expectNoViolation();
  });

  it('CHIM-UPD-004: hears of what its path was given meanwhile', () => {
    const world = new World();
    const { paths } = world.offload();
    world.engine.silent.add('open');
    world.host.initiate(under(reference(Ip4OffloadState, paths[0]), tcpBlock(new OffloadHandle(world.host.binding, 'connection'))));
    world.settle();
    updatePath(world, paths[0]);
    forget(world);
    world.raise((events) => {
      events.opened(1);
    });
    expect(world.commands()).toEqual(['update 1', 'resume 1']);
    world.expectNoViolation();
  });
});

describe('a connection whose path gets a valid neighbor', () => {
  it('LC13: before the invalidate of the old one is over, goes on when it is', () => {
    const world = new World();
    const { neighbors, paths, connections } = world.offload({ pathsPerNeighbor: 2 });
    const handle = present(connections[0]);
    const other = world.host.offload({ connectionsPerPath: 0 });
    world.settle();
    world.host.send(handle, pattern(10));
    world.settle();
    world.engine.silent.add('hold');
    invalidate(world, neighbors[0]);
    world.raise((events) => {
      events.held(0);
    });
    world.host.binding.updateOffload(under(reference(NeighborOffloadCachedState, other.neighbors[0]), reference(Ip4OffloadCachedState, paths[0])));
    world.settle();
    forget(world);
    world.raise((events) => {
      events.held(1);
    });
    expect(world.told()).toEqual(['invalidate SUCCESS', 'TcpIndicateRetrieve InvalidState', 'send UPLOAD_IN_PROGRESS 0']);
    expect(world.commands()).toEqual(['resume 0']);
    world.host.send(handle, pattern(20));
    world.settle();
    world.raise((events) => {
      events.acked(0, 20);
    });
    expect(world.told()).toEqual(['send SUCCESS 20']);
    world.expectNoViolation();
  });

  it('CHIM-EVT-002: stays aborted when an RST came before', () => {
    const world = new World();
    const { neighbors, paths, connections } = world.offload();
    const other = world.host.offload({ connectionsPerPath: 0 });
    world.settle();
    invalidate(world, neighbors[0]);
    world.raise((events) => {
      events.reset(0);
    });
    world.host.binding.updateOffload(under(reference(NeighborOffloadCachedState, other.neighbors[0]), reference(Ip4OffloadCachedState, paths[0])));
    world.settle();
    forget(world);
    world.host.send(present(connections[0]), pattern(10));
    world.host.receive(present(connections[0]), 10);
    world.settle();
    expect(world.told()).toEqual(['send REQUEST_ABORTED 0', 'receive REQUEST_ABORTED 0']);
    world.expectNoViolation();
  });
});

describe('a connection that is on its way back', () => {
  it('is not stopped, or told of anything, on behalf of what it depends on', () => {
    const world = new World();
    const { neighbors, paths, connections } = world.offload();
    world.engine.silent.add('export');
    const { block } = delegatedBlock(present(connections[0]));
    world.host.binding.terminateOffload(block);
    world.settle();
    world.commands();
    updatePath(world, paths[0]);
    invalidate(world, neighbors[0]);
    expect([world.commands(), world.told()]).toEqual([[], ['update SUCCESS', 'invalidate SUCCESS']]);
    world.raise((events) => {
      events.exported(0, {});
    });
    expect(world.told()).toEqual(['terminate SUCCESS']);
    world.expectNoViolation();
  });

  it('CHIM-TRM-005: has nothing left to answer for when the engine has given it back', () => {
    const world = new World({ answerTimeoutMs: 1000 });
    const { neighbors, paths, connections } = world.offload();
    world.engine.silent.add('hold').add('update').add('export');
    updatePath(world, paths[0]);
    invalidate(world, neighbors[0]);
    world.host.binding.terminateOffload(delegatedBlock(present(connections[0])).block);
    world.settle();
    expect(world.told()).toEqual([]);
    world.raise((events) => {
      events.exported(0, {});
    });
    expect(world.told()).toEqual(['update SUCCESS', 'invalidate SUCCESS', 'terminate SUCCESS']);
    world.expectNoViolation();
  });
});

describe('an adapter that is restarted', () => {
  it('CHIM-RCV-005: what was received during the pause goes before what is received at once', () => {
    const world = new World();
    const handle = world.connect();
    const list = world.host.receive(handle, 8);
    world.ndis.pauseAdapter(world.miniport);
    world.settle();
    world.raise((events) => {
      events.received(0, pattern(4), 0, 4, 0);
    });
    world.runtime.dpcQueue.insert(
      new Dpc({
        runDpc: () => {
          world.engine.events.received(0, pattern(4, 4), 0, 4, 0);
        },
      }),
    );
    world.ndis.restartAdapter(world.miniport);
    world.settle();
    expect(world.told()).toEqual(['receive SUCCESS 8']);
    const netBuffer = present(list.firstNetBuffer);
    const mdl = present(netBuffer.mdlChain);
    expect(mdl.buffer.slice(mdl.byteOffset, mdl.byteOffset + 8)).toEqual(pattern(8));
    world.expectNoViolation();
  });
});
