import { link, membersOf, neighborBlock, pathBlock, present, tcpBlock, under } from '@ndis-chimney/kit';
import { REGION, seqAdd, seqDelta } from '@ndis-chimney/offload-target';
import { Mdl, OffloadHandle, TCP_OFFLOAD_CONNECTION_STATE as STATE, netBufferListDataLength, type NetBufferList, type TcpOffloadState } from '@ndis-chimney/types';
import { describe, expect, it } from 'vitest';

import { World, pattern } from './world.ts';

/** GV-SND-1: pieces of 200, 400 | 400, 400 | 400, 200 bytes, on three NBLs. */
function figure(world: World): NetBufferList[] {
  let at = 0;
  return [[200, 400], [400, 400], [400, 200]].map(([first = 0, second = 0]) => {
    const mdl = new Mdl(pattern(first, at));
    mdl.next = new Mdl(pattern(second, at + first));
    at += first + second;
    const nbl = present(world.host.pool.allocateNetBufferAndNetBufferList(mdl, 0, first + second));
    world.host.nbls.add(nbl);
    return nbl;
  });
}

/** Offers a connection that brings along what `change` gives it. */
function offer(world: World, change: (state: TcpOffloadState) => NetBufferList | null): OffloadHandle {
  const { binding } = world.host;
  const handle = new OffloadHandle(binding, 'connection');
  const block = tcpBlock(handle);
  block.netBufferListChain = change(block.state as TcpOffloadState);
  world.host.initiate(under(neighborBlock(new OffloadHandle(binding, 'neighbor')), under(pathBlock(new OffloadHandle(binding, 'path')), block)));
  world.settle();
  world.told();
  return handle;
}

describe('send data at an initiate', () => {
  it.each([
    ['GV-SND-1', 0, 1000, 1600],
    ['GV-SND-2', 0, 1200, 1800],
    ['GV-SND-5', 0xFFFFFE0C | 0, 1000, 1600],
  ])('%s: the engine is lent the chain piece by piece from SndUna on, and told SndNxt and SndMax', (_id, sndUna, sent, max) => {
    const world = new World();
    const nbls = figure(world);
    offer(world, ({ delegated }) => {
      Object.assign(present(delegated), { sndUna, sndNxt: seqAdd(sndUna, sent), sndMax: seqAdd(sndUna, max) });
      return link(nbls);
    });
    const record = present(world.engine.records.get(0));
    expect([seqDelta(record.sndNxt, record.sndUna), seqDelta(record.sndMax, record.sndUna)]).toEqual([sent, max]);
    expect(world.commands()).toEqual(['open 0', 'resume 0', 'send 0 200', 'send 0 400', 'send 0 400', 'send 0 400', 'send 0 400', 'send 0 200']);
    const lent = world.engine.lent.flatMap(({ bytes }) => [...bytes]);
    expect(lent).toEqual([...pattern(2000)]);
    // The end of each NBL is where a receiver should not be made to wait.
    expect(world.engine.lent.map(({ flags }) => flags)).toEqual([0, REGION.PUSH, 0, REGION.PUSH, 0, REGION.PUSH]);
    // Offset 1000 is the first byte of the second MDL of NBL2, 1600 is byte 200 of the first MDL of NBL3.
    const starts = world.engine.lent.map((_, at) => world.engine.lent.slice(0, at).reduce((sum, each) => sum + each.bytes.length, 0));
    const locate = (offset: number): [number, number] => {
      const at = starts.findLastIndex((begin) => begin <= offset);
      return [at, offset - present(starts[at])];
    };
    if (sent === 1000) expect([locate(1000), locate(1600)]).toEqual([[3, 0], [4, 200]]);
    else expect([locate(1200), locate(1800)]).toEqual([[3, 200], [5, 0]]);
    world.expectNoViolation();
  });

  it('CHIM-SND-013: a FIN that the host had sent follows the chain', () => {
    const world = new World();
    const handle = offer(world, ({ delegated }) => {
      const state = present(delegated);
      state.state = STATE.TcpConnectionFinWait1;
      state.sndNxt = state.sndMax = seqAdd(state.sndUna, 2001);
      return link(figure(world));
    });
    expect(world.commands().at(-1)).toBe('finish 0');
    world.raise((events) => {
      events.acked(0, 2000);
      events.finAcked(0);
    });
    expect(world.query(handle).delegated.state).toBe(STATE.TcpConnectionFinWait2);
    world.expectNoViolation();
  });
});

describe('send data at a terminate', () => {
  it('GV-TRM-1, CHIM-TRM-007 to CHIM-TRM-009: A is completed, B and C come back, B without what was acknowledged of it', () => {
    const world = new World();
    const handle = world.connect();
    const nbls = membersOf(world.host.send(handle, pattern(1000), pattern(1000), pattern(1000)));
    world.settle();
    world.raise((events) => {
      events.acked(0, 1200);
    });
    expect(world.told()).toEqual(['send SUCCESS 1000']);
    const { sndUna } = present(world.engine.records.get(0));
    world.engine.report = { sndNxt: seqAdd(sndUna, 2500), sndMax: seqAdd(sndUna, 2600) };
    const { block, delegated } = world.terminate(handle);
    expect(membersOf(block.netBufferListChain)).toEqual(nbls.slice(1));
    expect(netBufferListDataLength(present(nbls[1]))).toBe(800);
    expect(delegated).toMatchObject({ sndUna: seqAdd(sndUna, 1200), sndNxt: seqAdd(sndUna, 2500), sndMax: seqAdd(sndUna, 2600) });
    expect([delegated.sendDataHead, delegated.sendDataTail]).toEqual([nbls[1], nbls[2]]);
    expect(world.told()).toEqual(['terminate SUCCESS']);
  });

  it('GV-TRM-2, CHIM-TMR-006: timers that the engine reports come back as they are, others as not running', () => {
    const world = new World();
    const handle = world.connect();
    world.engine.report = { retransmitTimeoutDelta: 0, retransmitCount: 2, keepAliveTimeoutDelta: 70 };
    expect(world.terminate(handle).delegated).toMatchObject({ retransmit: { timeoutDelta: 0, count: 2 }, keepAlive: { timeoutDelta: 70 } });
    const second = world.connect();
    world.engine.report = {};
    expect(world.terminate(second).delegated).toMatchObject({ retransmit: { timeoutDelta: -1 }, keepAlive: { timeoutDelta: -1 } });
  });

  it('an engine that reports nothing has the host send everything again that was not acknowledged', () => {
    const world = new World();
    const handle = world.connect();
    world.host.send(handle, pattern(300));
    world.settle();
    world.raise((events) => {
      events.acked(0, 100);
    });
    const { sndUna } = present(world.engine.records.get(0));
    expect(world.terminate(handle).delegated).toMatchObject({ sndUna: seqAdd(sndUna, 100), sndNxt: seqAdd(sndUna, 100), sndMax: seqAdd(sndUna, 300) });
  });

  it('a FIN that the engine had no room to send closes nothing', () => {
    const world = new World();
    const handle = world.connect();
    world.host.send(handle, pattern(10));
    world.host.disconnect(handle);
    world.settle();
    const { sndUna } = present(world.engine.records.get(0));
    world.engine.report = { sndNxt: seqAdd(sndUna, 10), sndMax: seqAdd(sndUna, 10) };
    expect(world.query(handle).delegated.state).toBe(STATE.TcpConnectionEstablished);
    world.told();
    expect(world.terminate(handle).delegated).toMatchObject({ state: STATE.TcpConnectionEstablished, sndMax: seqAdd(sndUna, 10) });
    expect(world.told()).toEqual(['disconnect UPLOAD_IN_PROGRESS 0', 'terminate SUCCESS']);
  });
});

describe('data of one connection', () => {
  it('GV-SND-7, CHIM-EVT-002, CHIM-SND-008: an RST aborts what is pending, with what was acknowledged', () => {
    const world = new World();
    const handle = world.connect();
    world.host.receive(handle, 100);
    const nbls = membersOf(world.host.send(handle, pattern(1000), pattern(1000), pattern(1000)));
    world.settle();
    world.raise((events) => {
      events.acked(0, 1500);
      events.reset(0);
      // What follows an RST means nothing.
      events.acked(0, 10);
      events.received(0, pattern(10), 0, 10, 0);
    });
    expect(world.told()).toEqual(['send SUCCESS 1000', 'TcpIndicateAbort 0', 'send REQUEST_ABORTED 500', 'send REQUEST_ABORTED 0', 'receive REQUEST_ABORTED 0']);
    expect(nbls.map((nbl) => present(nbl.firstNetBuffer).dataOffset)).toEqual([1000, 500, 0]);
    world.expectNoViolation();
  });

  it('may be acknowledged inside the call that lends it, and not more of it', () => {
    const world = new World();
    const handle = world.connect();
    world.engine.ackedInside = 10;
    world.host.send(handle, pattern(10), pattern(10));
    world.host.disconnect(handle);
    world.settle();
    expect(world.told()).toEqual(['send SUCCESS 10', 'send SUCCESS 10']);
    world.raise((events) => {
      events.finAcked(0);
    });
    expect(world.told()).toEqual(['disconnect SUCCESS 0']);
    world.expectNoViolation();
    const second = world.connect();
    world.engine.ackedInside = 11;
    world.host.send(second, pattern(10));
    world.settle();
    expect(world.violations).toEqual(['CHIM-ENG-003']);
    world.told();
    world.terminate(second);
    expect(world.told()).toEqual(['send REQUEST_ABORTED 0', 'terminate SUCCESS']);
  });

  it('CHIM-DSC-004 to CHIM-DSC-010: graceful and abortive, each in its order', () => {
    const world = new World();
    const handle = world.connect();
    world.host.send(handle, pattern(10));
    const disconnect = world.host.list(pattern(5));
    world.host.binding.offloadTcpDisconnect(handle, disconnect, 1);
    world.settle();
    expect(world.commands().slice(-3)).toEqual(['send 0 10', 'send 0 5', 'finish 0']);
    world.raise((events) => {
      events.acked(0, 15);
    });
    expect(world.told()).toEqual(['send SUCCESS 10']);
    world.raise((events) => {
      events.finAcked(0);
    });
    expect(world.told()).toEqual(['disconnect SUCCESS 5']);
    world.engine.silent.add('abort');
    world.host.receive(handle, 10);
    world.host.disconnect(handle, 2);
    world.settle();
    // Nothing is over before the RST is out; what comes in meanwhile is nobody's.
    world.raise((events) => {
      events.received(0, pattern(10), 0, 10, 0);
    });
    expect(world.told()).toEqual([]);
    world.raise((events) => {
      events.aborted(0);
    });
    expect(world.told()).toEqual(['receive REQUEST_ABORTED 0', 'disconnect SUCCESS 0']);
    world.expectNoViolation();
  });

  it('GV-RXI-1, GV-RXI-4: a part that was not accepted waits for a request', () => {
    const world = new World();
    const handle = world.connect();
    world.appetite = () => 400;
    world.raise((events) => {
      events.received(0, pattern(1000), 0, 1000, 0);
    });
    world.raise((events) => {
      events.received(0, pattern(10, 1000), 0, 10, 0);
    });
    expect(world.told()).toEqual(['indicate 1000 took 400']);
    world.host.receive(handle, 610);
    world.settle();
    expect(world.told()).toEqual(['receive SUCCESS 610']);
  });

  it('GV-RXI-2, CHIM-RXI-008: data that came along waits for the first request, and goes first', () => {
    const world = new World();
    const handle = offer(world, ({ delegated }) => {
      present(delegated).bufferedData = world.host.list(pattern(1000));
      return null;
    });
    world.raise((events) => {
      events.received(0, pattern(200, 1000), 0, 200, 0);
    });
    expect(world.told()).toEqual([]);
    world.host.receive(handle, 600);
    world.settle();
    expect(world.told()).toEqual(['receive SUCCESS 600', 'indicate 600']);
    expect(world.takenBy(handle).flatMap((chunk) => [...chunk])).toEqual([...pattern(600, 600)]);
  });

  it('CHIM-RCV-004: what an engine raises while the host is being called comes up when it has returned', () => {
    const world = new World();
    const handle = world.connect();
    let raised = 0;
    world.appetite = (byteCount) => {
      if (raised++ === 0) {
        world.engine.events.received(0, pattern(7, 100), 0, 7, 0);
        world.engine.events.fin(0);
      }
      expect(world.story.filter((line) => line.startsWith('indicate'))).toHaveLength(raised - 1);
      return byteCount;
    };
    world.raise((events) => {
      events.received(0, pattern(100), 0, 100, 0);
    });
    expect(world.told()).toEqual(['indicate 100', 'indicate 7', 'TcpIndicateDisconnect 0']);
    expect(world.takenBy(handle).flatMap((chunk) => [...chunk])).toEqual([...pattern(107)]);
    world.expectNoViolation();
  });

  it('CHIM-EVT-020: what an engine raises outside of a DPC comes up from one', () => {
    const world = new World();
    const handle = world.connect();
    world.host.send(handle, pattern(3));
    world.settle();
    const bytes = pattern(30);
    world.engine.events.received(0, bytes, 0, 30, 0);
    world.engine.events.acked(0, 3);
    world.engine.events.reset(0);
    bytes.fill(0xEE);
    expect(world.told()).toEqual([]);
    world.settle();
    expect(world.told()).toEqual(['send SUCCESS 3', 'indicate 30', 'TcpIndicateAbort 0']);
    expect([...present(world.takenBy(handle)[0])]).toEqual([...pattern(30)]);
  });

  it('the window grows as the host takes what was received, and never shrinks', () => {
    const world = new World({ bufferBytes: 1000 });
    const handle = world.connect();
    world.appetite = () => 0;
    const { rcvNxt } = present(world.engine.records.get(0));
    const edge = (): number => seqDelta(present(world.engine.edges.get(0)), rcvNxt);
    world.raise((events) => {
      events.received(0, pattern(600), 0, 600, 0);
    });
    expect([edge(), world.query(handle).delegated.rcvWnd]).toEqual([1000, 400]);
    world.host.receive(handle, 250);
    world.settle();
    world.raise((events) => {
      events.received(0, pattern(650), 0, 650, 0);
    });
    expect([edge(), world.query(handle).delegated.rcvWnd]).toEqual([1250, 0]);
    world.expectNoViolation();
  });

  it('an NBL that claims more than its memory has is done when that is acknowledged', () => {
    const world = new World();
    const handle = world.connect();
    const nbl = world.host.list(pattern(10));
    present(present(nbl.firstNetBuffer).mdlChain).byteCount = 4;
    world.host.binding.offloadTcpSend(handle, nbl);
    world.settle();
    world.raise((events) => {
      events.acked(0, 4);
    });
    expect(world.told()).toEqual(['send SUCCESS 4']);
  });

  it('CHIM-FWD-004: segments go to the engine one at a time, in one piece, and come back in order', () => {
    const world = new World();
    const handle = world.connect();
    world.engine.silent.add('forward');
    const mdl = new Mdl(pattern(15));
    mdl.next = new Mdl(pattern(10, 15));
    const nbl = present(world.host.pool.allocateNetBufferAndNetBufferList(mdl, 0, 25));
    nbl.next = world.host.list(pattern(20));
    world.host.binding.offloadTcpForward(handle, nbl);
    world.settle();
    expect(world.commands().slice(-1)).toEqual(['forward 0 25']);
    world.raise((events) => {
      events.forwarded(0, 0);
    });
    expect(world.commands()).toEqual(['forward 0 20']);
    world.terminate(handle);
    expect(world.told()).toEqual(['forward SUCCESS 0', 'forward UPLOAD_IN_PROGRESS 0', 'terminate SUCCESS']);
    world.expectNoViolation();
  });
});
