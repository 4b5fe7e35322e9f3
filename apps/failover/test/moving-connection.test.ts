import { describeConnection } from '@ndis-chimney/host';
import { createStack, type Stack } from '@ndis-chimney/stack';
import type { MemoryTarget } from '@ndis-chimney/target-memory';
import { expect, test } from 'vitest';

import { MovingConnection } from '../src/moving-connection.ts';

/** A connection to a peer that has room for ten bytes and reads none, with two writes on their way. */
async function startWrites(): Promise<{ stack: Stack<MemoryTarget>; connection: MovingConnection; writes: Promise<PromiseSettledResult<void>[]> }> {
  const stack = await createStack({ targetOptions: { peer: 'manual', peerWindowBytes: 10 } });
  const connection = new MovingConnection(stack.host, describeConnection({ local: { address: '192.0.2.1', port: 1000 }, remote: { address: '192.0.2.2', port: 7 } }));
  const writes = Promise.allSettled([connection.write(new Uint8Array(20)), connection.write(new Uint8Array(20))]);
  await stack.target.accept();
  return { stack, connection, writes };
}

/** What became of writes, as texts. */
const outcomesOf = (results: readonly PromiseSettledResult<void>[]): string[] => results.map((result) => (result.status === 'fulfilled' ? 'acknowledged' : String(result.reason)));

test('when the peer resets the connection writers are told, and readers that nothing will come', async () => {
  const { stack, connection, writes } = await startWrites();
  const reading = connection.read(new Uint8Array(10));
  stack.target.peerOf(1000)?.reset();
  const ended = 'Error: the connection ended before everything was acknowledged';
  expect(outcomesOf(await writes)).toEqual([ended, ended]);
  expect(await reading).toBe(null);
  await expect(connection.write(new Uint8Array(1))).rejects.toThrow('the connection ended');
  await stack.close();
});

test('when there is no adapter to move to whoever writes or reads is told', async () => {
  const { stack, connection, writes } = await startWrites();
  const reading = Promise.allSettled([connection.read(new Uint8Array(10)).then(() => undefined)]);
  await stack.close();
  const refused = 'Error: the connection was refused: NDIS_STATUS_CLOSING (0xC0010002)';
  expect(outcomesOf(await writes)).toEqual([refused, refused]);
  expect(outcomesOf(await reading)).toEqual([refused]);
  await expect(connection.write(new Uint8Array(1))).rejects.toThrow('the connection was refused');
});
