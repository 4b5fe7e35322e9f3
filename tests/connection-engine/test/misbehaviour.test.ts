import { present } from '@ndis-chimney/kit';
import { TrafficCounts, seqAdd } from '@ndis-chimney/offload-target';
import { TCP_OFFLOAD_CONNECTION_STATE, type OffloadHandle } from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { World, delegatedBlock, pattern } from './world.ts';

/** What a host hears of a connection whose engine cannot be trusted, and what its requests end with. */
const LOST = ['TcpIndicateRetrieve HardwareFailure', 'TcpIndicateAbort 0'];

/** Two connections, of which the engine wrongs the first; the second must go on. */
function twoConnections(): { world: World; first: OffloadHandle; second: OffloadHandle } {
  const world = new World();
  const { connections } = world.offload({ connectionsPerPath: 2 });
  return { world, first: present(connections[0]), second: present(connections[1]) };
}

/** A send on a connection that is in order comes back when it is acknowledged. */
function expectAlive(world: World, handle: OffloadHandle, id: number): void {
  world.told();
  world.host.send(handle, 'alive');
  world.settle();
  world.raise((events) => {
    events.acked(id, 5);
  });
  expect(world.told()).toEqual(['send SUCCESS 5']);
}

describe('an engine that says what cannot be', () => {
  it.each([
    ['CHIM-ENG-003', 'acknowledges more than was lent', (world: World) => { world.engine.events.acked(0, 11); }],
    ['CHIM-ENG-003', 'acknowledges a negative number of bytes', (world: World) => { world.engine.events.acked(0, -1); }],
    ['CHIM-ENG-003', 'acknowledges half a byte', (world: World) => { world.engine.events.acked(0, 0.5); }],
    ['CHIM-ENG-003', 'acknowledges a FIN that was never sent', (world: World) => { world.engine.events.finAcked(0); }],
    ['CHIM-ENG-004', 'receives more than the window has room for', (world: World) => { world.engine.events.received(0, new Uint8Array(70_000), 0, 70_000, 0); }],
    ['CHIM-ENG-004', 'receives bytes that are outside their buffer', (world: World) => { world.engine.events.received(0, new Uint8Array(10), 5, 6, 0); }],
    ['CHIM-ENG-004', 'receives no bytes', (world: World) => { world.engine.events.received(0, new Uint8Array(10), 0, 0, 0); }],
    ['CHIM-ENG-005', 'answers what nobody has asked', (world: World) => { world.engine.events.queried(0, {}); }],
    ['CHIM-ENG-005', 'gives back what nobody wants back', (world: World) => { world.engine.events.exported(0, {}); }],
    ['CHIM-ENG-005', 'holds by itself', (world: World) => { world.engine.events.held(0); }],
    ['CHIM-ENG-005', 'opens twice', (world: World) => { world.engine.events.opened(0); }],
    ['CHIM-ENG-005', 'updates nothing', (world: World) => { world.engine.events.updated(0, 0); }],
    ['CHIM-ENG-005', 'has sent an RST that nobody wanted', (world: World) => { world.engine.events.aborted(0); }],
    ['CHIM-ENG-005', 'answers a segment that was not forwarded', (world: World) => { world.engine.events.forwarded(0, 0); }],
    ['CHIM-ENG-008', 'wants the upload for no known reason', (world: World) => { world.engine.events.uploadWanted(0, 12); }],
    ['CHIM-ENG-008', 'has closed a connection, and leaves it to the host to take it back', (world: World) => { world.engine.events.uploadWanted(0, 1, true); }],
  ])('%s: one that %s loses that connection, and no other', (rule, _what, lie) => {
    const { world, first, second } = twoConnections();
    world.host.send(first, 'ten bytes.');
    world.settle();
    world.raise(() => {
      lie(world);
    });
    expect(world.violations).toEqual([rule]);
    expect(world.told()).toEqual(LOST);
    expect(world.commands()).toContain('close 0');
    expectAlive(world, second, 1);
    const { block, delegated } = world.terminate(first);
    expect(block.status).toBe(0);
    expect(delegated.state).toBe(TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed);
    expect(world.told()).toEqual(['send REQUEST_ABORTED 0', 'terminate SUCCESS']);
    expect(world.violations).toEqual([rule]);
  });

  it('CHIM-ENG-001: one that names a connection there is not harms nobody', () => {
    const { world, first } = twoConnections();
    for (const id of [2, -1, 1.5, Number.NaN]) {
      world.raise((events) => {
        events.acked(id, 1);
        events.received(id, new Uint8Array(1), 0, 1, 0);
        events.exported(id, {});
        events.failed(id, -1);
      });
    }
    expect(new Set(world.violations)).toEqual(new Set(['CHIM-ENG-001']));
    expect(world.violations).toHaveLength(16);
    expect(world.told()).toEqual([]);
    expectAlive(world, first, 0);
  });

  it('CHIM-ENG-001: a connection that was given back is not there any more', () => {
    const { world, first } = twoConnections();
    world.terminate(first);
    world.raise((events) => {
      events.reset(0);
    });
    expect(world.violations).toEqual(['CHIM-ENG-001']);
    expect(world.told()).toEqual(['terminate SUCCESS']);
  });

  it('CHIM-ENG-004: nothing is received after the FIN', () => {
    const { world, first } = twoConnections();
    world.raise((events) => {
      events.fin(0);
      events.received(0, new Uint8Array(1), 0, 1, 0);
    });
    expect(world.violations).toEqual(['CHIM-ENG-004']);
    expect(world.query(first).status).not.toBe(0);
  });

  it('CHIM-ENG-007: a report of more than was sent fails the terminate; the second one gets everything back', () => {
    const { world, first } = twoConnections();
    world.host.send(first, 'abc', 'def');
    world.settle();
    const { sndUna } = present(world.engine.records.get(0));
    world.engine.report = { sndNxt: seqAdd(sndUna, 6), sndMax: seqAdd(sndUna, 7) };
    const { block } = world.terminate(first);
    expect(block.status).not.toBe(0);
    expect(world.told()).toEqual(['terminate FAILURE', ...LOST]);
    expect(first.state).toBe('lost');
    const again = world.terminate(first);
    expect(again.block.status).toBe(0);
    expect(again.block.netBufferListChain).toBeNull();
    expect(world.told()).toEqual(['send REQUEST_ABORTED 0', 'send REQUEST_ABORTED 0', 'terminate SUCCESS']);
    expect(world.violations).toEqual(['CHIM-ENG-007']);
  });

  it('CHIM-ENG-008: a refusal with a status that no initiate has is a plain failure', () => {
    const world = new World();
    world.engine.refusals.set(49_152, 77);
    const tree = world.host.offload();
    world.settle();
    expect(world.told()).toEqual(['initiate SUCCESS OFFLOAD_PARTIAL_SUCCESS FAILURE']);
    expect(world.violations).toEqual(['CHIM-ENG-008']);
    expect(present(tree.connections[0]).state).toBe('dead');
  });

  it('CHIM-ENG-008: a forward that ends with a status of its own invention has failed, and so has the connection', () => {
    const { world, first } = twoConnections();
    world.engine.silent.add('forward');
    world.host.forward(first, 'segment');
    world.settle();
    world.raise((events) => {
      events.forwarded(0, 5);
    });
    expect(world.violations).toEqual(['CHIM-ENG-008']);
    expect(world.told()).toEqual(['forward FAILURE 0', ...LOST]);
  });
});

describe('an engine that throws', () => {
  it.each(['send', 'finish', 'abort', 'window', 'forward', 'resume', 'hold', 'query', 'update', 'export'])('CHIM-ENG-002: in %s, loses that connection, and no other', (command) => {
    const world = new World();
    if (command === 'resume') world.engine.throwing.add(command);
    const { connections } = world.offload({ connectionsPerPath: 2 });
    world.engine.throwing.clear();
    const [first, second] = [present(connections[0]), present(connections[1])];
    if (command === 'resume') {
      expect(world.violations).toEqual(['CHIM-ENG-002', 'CHIM-ENG-002']);
      return;
    }
    world.engine.throwing.add(command);
    world.appetite = () => 0;
    world.host.send(first, 'abc');
    world.host.forward(first, 'segment');
    if (command === 'abort') world.host.disconnect(first, 2);
    if (command === 'finish') world.host.disconnect(first);
    if (command === 'hold') world.raise((events) => { events.uploadWanted(0, 10); });
    if (command === 'query') world.query(first);
    if (command === 'update') world.host.binding.updateOffload(world.host.connections(first));
    if (command === 'window') {
      world.raise((events) => { events.received(0, pattern(100), 0, 100, 0); });
      world.host.receive(first, 100);
    }
    world.settle();
    let firstTry: number | null = null;
    if (command === 'export') firstTry = world.terminate(first).block.status;
    world.engine.throwing.clear();
    expect(world.violations).toEqual(['CHIM-ENG-002']);
    const told = world.told();
    expect(told.filter((line) => LOST.includes(line))).toEqual(LOST);
    if (firstTry !== null) expect(firstTry).not.toBe(0);
    expectAlive(world, second, 1);
    // Everything comes back, once.
    world.terminate(first);
    const all = [...told, ...world.told()];
    expect(all.filter((line) => line.startsWith('send'))).toHaveLength(1);
    expect(all.filter((line) => line.startsWith('forward'))).toHaveLength(1);
    expect(world.violations).toEqual(['CHIM-ENG-002']);
  });

  it('CHIM-ENG-002: in open, refuses the connection, and the tree goes on', () => {
    const world = new World();
    world.engine.throwing.add('open');
    const tree = world.host.offload();
    world.settle();
    world.engine.throwing.clear();
    expect(world.told()).toEqual(['initiate SUCCESS OFFLOAD_PARTIAL_SUCCESS FAILURE']);
    expect(world.commands()).toEqual(['open 0', 'close 0']);
    expect(present(tree.paths[0]).state).toBe('offloaded');
    // The number is not used again: nobody knows what the engine thinks of it.
    world.offload();
    expect(world.commands()).toEqual(['open 1', 'resume 1']);
  });

  it('CHIM-ENG-002: in run, is reported, and has its turn again', () => {
    const { world, first } = twoConnections();
    world.engine.throwing.add('run');
    world.engine.environment.schedule();
    world.settle();
    world.engine.throwing.clear();
    expect(world.violations).toEqual(['CHIM-ENG-002']);
    expectAlive(world, first, 0);
  });
});

describe('an engine that does not answer', () => {
  it.each(['query', 'export', 'update', 'hold'])('CHIM-ENG-006: to %s, loses the connection after the time it has, and holds nobody else up', (command) => {
    const world = new World({ answerTimeoutMs: 700 });
    const { connections } = world.offload({ connectionsPerPath: 2 });
    const [first, second] = [present(connections[0]), present(connections[1])];
    world.engine.silent.add(command);
    const { binding } = world.host;
    const { block } = delegatedBlock(first);
    if (command === 'query') binding.queryOffloadState(world.host.connections(first));
    if (command === 'export') binding.terminateOffload(block);
    if (command === 'update') binding.updateOffload(world.host.connections(first));
    if (command === 'hold') binding.invalidateOffload(world.host.connections(first));
    world.settle();
    world.engine.silent.clear();
    expect(world.told()).toEqual([]);
    expectAlive(world, second, 1);
    expect(world.query(second).status).toBe(0);
    world.told();
    world.runtime.advance(699);
    expect(world.told()).toEqual([]);
    world.runtime.advance(1);
    expect(world.violations).toEqual(['CHIM-ENG-006']);
    const operation = { query: 'query', export: 'terminate', update: 'update', hold: 'invalidate' }[command];
    expect(world.told()).toEqual([`${operation} FAILURE`, ...LOST]);
    // What it says now is too late, and nobody minds.
    world.raise((events) => {
      events.exported(0, {});
      events.queried(0, {});
      events.received(0, new Uint8Array(1), 0, 1, 0);
    });
    expect(world.terminate(first).block.status).toBe(0);
    expect(world.violations).toEqual(['CHIM-ENG-006']);
    expect(world.runtime.clock.pendingTimers).toBe(0);
  });

  it('CHIM-ENG-006: to open, fails that block; the others of the tree are offloaded', () => {
    const world = new World({ answerTimeoutMs: 50 });
    world.engine.silent.add('open');
    const tree = world.host.offload({ connectionsPerPath: 2 });
    world.settle();
    world.raise((events) => {
      events.opened(1);
    });
    expect(world.told()).toEqual([]);
    world.runtime.advance(50);
    expect(world.told()).toEqual(['initiate SUCCESS OFFLOAD_PARTIAL_SUCCESS FAILURE SUCCESS']);
    expect(tree.connections.map(({ state }) => state)).toEqual(['dead', 'offloaded']);
    expect(world.violations).toEqual(['CHIM-ENG-006']);
  });

  it('an answer in time is as good as one at once', () => {
    const world = new World();
    const handle = world.connect();
    for (const command of ['query', 'export']) world.engine.silent.add(command);
    world.host.binding.queryOffloadState(world.host.connections(handle));
    world.runtime.advance(9999);
    world.raise((events) => {
      events.queried(0, { cWnd: 5 });
    });
    world.host.binding.terminateOffload(delegatedBlock(handle).block);
    world.runtime.advance(9999);
    expect(world.told()).toEqual(['query SUCCESS']);
    world.raise((events) => {
      events.exported(0, {});
    });
    expect(world.told()).toEqual(['terminate SUCCESS']);
    expect(world.runtime.clock.pendingTimers).toBe(0);
    world.expectNoViolation();
  });

  it('a hundred connections of one tree that never answer are given up together', () => {
    const world = new World({ answerTimeoutMs: 10 });
    const { connections } = world.offload({ connectionsPerPath: 100 });
    world.engine.silent.add('query');
    world.host.binding.queryOffloadState(world.host.connections(...connections));
    world.runtime.advance(10);
    expect(world.told()).toEqual([`query ${Array(100).fill('FAILURE').join(' ')}`, ...Array.from({ length: 100 }, () => LOST).flat()]);
    expect(world.violations).toEqual(Array(100).fill('CHIM-ENG-006'));
  });
});

describe('counts of an engine', () => {
  it('are added up per IP version', () => {
    const world = new World();
    const counts = new TrafficCounts(false);
    counts.countIn(100);
    counts.countOut(50, true, false);
    counts.countReset();
    world.raise((events) => {
      events.counted(false, counts);
      events.counted(false, counts);
    });
    const { request } = world.host.request(0, 0xFC010207 | 0);
    expect(request.informationBuffer).toMatchObject({ inSegments: 2, outSegments: 2, retransmittedSegments: 2, outResets: 2 });
  });
});
