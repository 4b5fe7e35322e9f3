// C12: a driver that takes its time.
import { describe, expect, test } from 'vitest';

import { Ground, textOf } from './ground.ts';

describe('C12: a slow target', () => {
  test('those behind a slow call wait for it, whatever they are', () => {
    const ground = new Ground([{ fault: 'C12', nth: 1, where: { operation: 'TcpOffloadSend' }, parameters: { delayMs: 30 } }]);
    const [one, other] = [ground.connect(), ground.connect()];
    ground.host.send(one, 'slow');
    ground.advance(10);
    ground.host.send(other, 'behind');
    ground.host.binding.terminateOffload(ground.block(other));
    ground.advance(19);
    expect(ground.target.sends).toEqual([]);
    ground.advance(1);
    expect(ground.target.sends.map(textOf)).toEqual(['slow', 'behind']);
    expect(ground.target.trees.map(({ operation }) => operation)).toEqual(['terminate']);
    ground.host.send(one, 'as fast as ever');
    expect(ground.target.sends).toHaveLength(3);
  });

  test('or they overtake it', () => {
    const ground = new Ground([{ fault: 'C12', nth: 1, where: { operation: 'TcpOffloadSend' }, parameters: { order: 'broken' } }]);
    const connection = ground.connect();
    ground.host.send(connection, 'slow');
    ground.host.send(connection, 'fast');
    ground.advance(10);
    expect(ground.target.sends.map(textOf)).toEqual(['fast', 'slow']);
  });

  test('how long is drawn per call, and the order is kept all the same', () => {
    const ground = new Ground([{ fault: 'C12', where: { operation: 'TcpOffloadSend' }, parameters: { delayMs: 5, jitterMs: 50 } }]);
    const connection = ground.connect();
    const texts = Array.from({ length: 20 }, (_, at) => `send ${at}`);
    const arrivals = new Map<string, number>();
    ground.target.calls.on('miniportTcpOffloadSend', (_context: unknown, _offload: unknown, list: Parameters<typeof textOf>[0]) => {
      arrivals.set(textOf(list), ground.runtime.clock.now());
    });
    for (const text of texts) ground.host.send(connection, text);
    ground.advance(60);
    expect([...arrivals.keys()]).toEqual(texts);
    expect(new Set(arrivals.values()).size).toBeGreaterThan(2);
    expect(Math.min(...arrivals.values())).toBeGreaterThanOrEqual(5);
  });

  test('a pause waits for what has not been taken up', () => {
    const ground = new Ground([{ fault: 'C12', where: { operation: 'TcpOffloadSend' }, parameters: { delayMs: 30 } }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a');
    let isPaused = false;
    ground.ndis.pauseAdapter(ground.target.miniport, () => {
      isPaused = true;
    });
    ground.advance(29);
    expect(isPaused).toBe(false);
    expect(ground.target.calls.count('miniportPause')).toBe(0);
    ground.advance(1);
    expect(ground.target.sends).toHaveLength(1);
    expect(isPaused).toBe(true);
  });

  test('heal lets everything go on at once, in order', () => {
    const ground = new Ground([{ fault: 'C12', parameters: { delayMs: 1000 }, where: { operation: 'TcpOffloadSend' } }]);
    const connection = ground.connect();
    ground.host.send(connection, 'a');
    ground.advance(10);
    ground.host.send(connection, 'b');
    expect(ground.target.sends).toEqual([]);
    ground.faults.heal();
    ground.settle();
    expect(ground.target.sends.map(textOf)).toEqual(['a', 'b']);
    expect(ground.faults.heldCount).toBe(0);
  });
});
