// One busy scenario, with faults in the target and in an intermediate driver: what happened, as text.
import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import { describeConnection } from '@ndis-chimney/host';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { createStack } from '@ndis-chimney/stack';
import { faultyTarget, formatFaultEvent, withFaults, type FaultEvent, type FaultPlan } from '@ndis-chimney/target-faulty';
import memoryTarget from '@ndis-chimney/target-memory';

const ofTarget: FaultPlan = {
  id: 'scenario-target',
  seed: 'a busy day',
  faults: [
    { fault: 'A1', probability: 0.05, where: { operation: 'TcpOffloadSend' } },
    { fault: 'A2', probability: 0.05 },
    { fault: 'A5', every: 17 },
    { fault: 'B4', probability: 0.03, parameters: { reason: 'HighDropRate' } },
    { fault: 'C6', probability: 0.1, limit: 10 },
    { fault: 'C12', probability: 0.2, where: { hostPort: 4001 }, parameters: { delayMs: 1, jitterMs: 4 } },
    { fault: 'G3', nth: 2, where: { operation: 'Timer' }, parameters: { periodMs: 40 } },
  ],
};

const ofIntermediate: FaultPlan = {
  id: 'scenario-intermediate',
  seed: 'a busy day',
  faults: [
    { fault: 'A6', probability: 0.02 },
    { fault: 'A7', id: 'liar', probability: 0.01, window: { fromMs: 50, toMs: 150 }, parameters: { mode: 'sent' } },
    { fault: 'H2', nth: 40, where: { operation: 'TcpOffloadSend' } },
  ],
};

const CONNECTIONS = 3;
const SENDS = 60;
const CHUNK_BYTES = 700;
const STEP_MS = 5;

/** Runs it. @returns the canonical lines of all events, in the order in which they happened. */
export async function runScenario(): Promise<string> {
  const runtime = new DeterministicRuntime('scenario');
  const events: FaultEvent[] = [];
  const onFault = (event: FaultEvent): void => {
    events.push(event);
  };
  const stack = await runtime.drive(
    createStack({
      clock: runtime.clock,
      random: runtime.random,
      dpcQueue: runtime.dpcQueue,
      intermediates: [(ndis) => withFaults(new PassThroughDriver(ndis, { name: 'im' }), ofIntermediate, ndis, { onFault })],
      target: faultyTarget(memoryTarget, ofTarget, { onFault }),
      targetOptions: { target: { peer: 'echo', latencyMs: 3, jitterMs: 2 } },
    }),
  );
  const offers = Array.from({ length: CONNECTIONS }, (_, at) =>
    stack.offload(describeConnection({ local: { address: '192.0.2.1', port: 4000 + at }, remote: { address: '192.0.2.2', port: 7 } })),
  );
  const connections = (await runtime.drive(Promise.all(offers))).flatMap(({ connection }) => connection ?? []);
  const requests: Promise<unknown>[] = [];
  for (let count = 0; count < SENDS; count++) {
    for (const connection of connections) requests.push(connection.receive(new Uint8Array(CHUNK_BYTES)), connection.send(new Uint8Array(CHUNK_BYTES).fill(count)));
    runtime.advance(STEP_MS);
  }
  stack.target.faults.heal();
  for (const { faults } of stack.intermediates as unknown as readonly { readonly faults: { heal(): void } }[]) faults.heal();
  await runtime.drive(stack.close());
  await Promise.all(requests);
  return events.map((event) => `${formatFaultEvent(event)}\n`).join('');
}
