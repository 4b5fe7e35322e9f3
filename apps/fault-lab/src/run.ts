import { DeterministicRuntime } from '@ndis-chimney/core/runtime';
import type { ChimneyHost } from '@ndis-chimney/host';
import { PassThroughDriver } from '@ndis-chimney/intermediate';
import { composeStack, type Stack } from '@ndis-chimney/stack';
import { HOST, NDIS, TARGET, registerHost, registerRuntime, registerStack, registerTarget } from '@ndis-chimney/stack/di';
import memoryTarget from '@ndis-chimney/target-memory';
import { faultyTarget, formatFaultEvent, withFaults, type FaultEvent } from '@ndis-chimney/target-faulty';
import { NDIS_DEVICE_POWER_STATE, type ChimneyViolation } from '@ndis-chimney/types';
import { attachVerifier, formatOutstanding, type Finding, type Verifier } from '@ndis-chimney/verifier';
import { container } from 'tsyringe';

import { Conversation } from './conversation.ts';
import type { Experiment, Intervention } from './experiment.ts';
import { Logbook } from './logbook.ts';

/** Promise continuations that may be chained before nothing more is expected of them. */
const CONTINUATION_TURNS = 32;
/** How long the stack may take to come down before it hangs. */
const TAKE_DOWN_MS = 120_000;
/** How much longer than its way something may take without anybody noticing. */
const NOTICED_MS = 100;
/** From one count of who has the connections to the next. */
const SAMPLE_MS = 250;

/** How many connections were whose at one time: what `netstat -t` would have shown. */
export interface Sample {
  readonly atMs: number;
  readonly offloaded: number;
  readonly inHost: number;
  readonly over: number;
}

/** What came of an experiment. */
export interface Outcome {
  readonly experiment: Experiment;
  readonly log: Logbook;
  readonly conversations: readonly Conversation[];
  readonly faults: readonly FaultEvent[];
  /** Rules that NDIS itself found broken. */
  readonly violations: readonly ChimneyViolation[];
  /** And those that the verifier did. */
  readonly findings: readonly Finding[];
  readonly samples: readonly Sample[];
  /** What was left when everything should have been down; empty when nothing was. */
  readonly left: readonly string[];
  /** What a person would complain of; empty when nothing was noticed. */
  readonly symptoms: readonly string[];
  readonly endedAtMs: number;
}

/** Builds the stack, lets it work while things go wrong, takes it down, and says what came of it. */
export async function run(experiment: Experiment): Promise<Outcome> {
  const lab = new Lab(experiment);
  await lab.begin();
  await lab.watch();
  await lab.takeDown();
  return lab.outcome();
}

/** One experiment under way. */
class Lab {
  private readonly experiment: Experiment;
  private readonly runtime: DeterministicRuntime;
  private readonly log: Logbook;
  private readonly faults: FaultEvent[] = [];
  private readonly violations: ChimneyViolation[] = [];
  private verifier: Verifier | null = null;
  private readonly samples: Sample[] = [];
  private conversations: readonly Conversation[] = [];
  private stack: Stack | null = null;
  private left: string[] = [];

  constructor(experiment: Experiment) {
    this.experiment = experiment;
    this.runtime = new DeterministicRuntime(experiment.seed);
    this.log = new Logbook(this.runtime.clock);
  }

  async begin(): Promise<void> {
    const { experiment, runtime, log } = this;
    const { seed, intermediates, work, targetOptions } = experiment;
    const onFault = (event: FaultEvent): void => {
      this.faults.push(event);
      log.note('fault', formatFaultEvent(event).replace(/^\S+ ms /, ''));
    };
    const seeded = (plan: Experiment['target']): Experiment['target'] => ({ seed, ...plan });
    const services = container.createChildContainer();
    registerRuntime(services, runtime);
    registerTarget(services, faultyTarget(memoryTarget, seeded(experiment.target), { onFault }), { target: targetOptions });
    registerHost(services, { uploadPolicy: () => work.obeys });
    registerStack(services);
    const ndis = services.resolve(NDIS);
    // What the verifier finds is reported to NDIS first, and told after that.
    this.verifier = attachVerifier(ndis, {
      onFinding: ({ violation }) => {
        if (violation !== null && this.violations.at(-1) === violation) {
          this.violations.pop();
          log.entries.pop();
          log.note('verifier', violation.message);
        }
      },
    });
    ndis.onViolationReported((violation) => {
      this.violations.push(violation);
      log.note('NDIS', violation.message);
    });
    const drivers = Array.from({ length: intermediates }, (_, at) => new PassThroughDriver(ndis, { name: `im${at + 1}` }));
    if (drivers[0] !== undefined) withFaults(drivers[0], seeded(experiment.intermediate), ndis, { onFault });
    const host: ChimneyHost = withFaults(services.resolve(HOST), seeded(experiment.host), ndis, { onFault });
    const stack = await this.within(composeStack({ ndis, target: services.resolve(TARGET), intermediates: drivers, host }));
    this.stack = stack;
    this.conversations = Array.from({ length: work.connections }, (_, index) => new Conversation(index, host, work, runtime.clock, log));
    for (const conversation of this.conversations) {
      conversation.offer().catch((error: unknown) => {
        log.note('host', `connection ${conversation.hostPort} cannot be offered: ${String(error)}`);
      });
    }
  }

  /** Lets time pass until every conversation has ended, or patience. */
  async watch(): Promise<void> {
    const { clock } = this.runtime;
    const { horizonMs, interventions } = this.experiment;
    const waiting = [...interventions].sort((a, b) => a.atMs - b.atMs);
    const startMs = clock.now();
    for (let atMs = 0; atMs <= horizonMs; atMs += SAMPLE_MS) {
      for (let next = waiting[0]; next !== undefined && next.atMs < atMs; next = waiting[0]) {
        waiting.shift();
        await this.advanceTo(startMs + next.atMs);
        this.intervene(next);
      }
      await this.advanceTo(startMs + atMs);
      this.count();
      if (waiting.length === 0 && this.conversations.every(({ ending }) => ending !== null)) break;
    }
    for (const conversation of this.conversations) conversation.giveUp();
  }

  private intervene({ does }: Intervention): void {
    const { stack, log } = this;
    if (stack === null) return;
    log.note('lab', does);
    const report = (error: unknown): void => {
      log.note('lab', `${does}: ${String(error)}`);
    };
    switch (does) {
      case 'pause':
        stack.ndis.pauseAdapter(stack.adapter, () => {
          log.note('lab', 'the adapter is paused');
        });
        break;
      case 'restart':
        stack.ndis.restartAdapter(stack.adapter, () => {
          log.note('lab', 'the adapter runs again');
        });
        break;
      case 'remove':
        stack.close().catch(report);
        break;
      case 'takeBack':
        stack.host.terminate().catch(report);
        break;
      case 'sleep':
        stack.host.setPower(NDIS_DEVICE_POWER_STATE.NdisDeviceStateD3).catch(report);
        break;
      case 'wake':
        stack.host.setPower(NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0).catch(report);
    }
  }

  async takeDown(): Promise<void> {
    const { stack, runtime } = this;
    if (stack === null) return;
    const state = { isDown: false };
    stack.close().then(
      () => {
        state.isDown = true;
      },
      (error: unknown) => {
        this.log.note('lab', `the stack does not come down: ${String(error)}`);
      },
    );
    const untilMs = runtime.clock.now() + TAKE_DOWN_MS;
    while (!state.isDown && runtime.clock.now() < untilMs) await this.advanceTo(runtime.clock.now() + SAMPLE_MS);
    if (!state.isDown) this.left.push(`the stack does not come down: it was waited for ${TAKE_DOWN_MS / 1000} s`);
    const pending = this.verifier?.outstanding ?? [];
    if (pending.length > 0) this.log.note('verifier', `pending at the end:\n${formatOutstanding(pending)}`);
    this.verifier?.finish();
    for (const [what, count] of Object.entries(stack.ndis.outstanding)) if (count !== 0) this.left.push(`${count} ${what} never came back`);
  }

  private count(): void {
    const over = this.conversations.filter(({ ending }) => ending !== null).length;
    const offloaded = this.conversations.filter(({ ending, isOffloaded }) => ending === null && isOffloaded).length;
    this.samples.push({ atMs: this.runtime.clock.now(), offloaded, inHost: this.conversations.length - over - offloaded, over });
  }

  /** Lets time pass, timer by timer, with everything that waits for a promise going on in between. */
  private async advanceTo(untilMs: number): Promise<void> {
    const { clock } = this.runtime;
    await this.settle();
    while (clock.fireNext(untilMs)) await this.settle();
    if (untilMs > clock.now()) clock.advance(untilMs - clock.now());
    await this.settle();
  }

  private async settle(): Promise<void> {
    const { dpcQueue } = this.runtime;
    do {
      this.runtime.settle();
      for (let turn = 0; turn < CONTINUATION_TURNS; turn++) await Promise.resolve();
    } while (!dpcQueue.isIdle);
  }

  /** Waits for a promise as long as anything can be expected of it. */
  private within<T>(promise: Promise<T>): Promise<T> {
    return this.runtime.drive(promise);
  }

  outcome(): Outcome {
    const { experiment, log, conversations, faults, violations, samples, left } = this;
    const symptoms = [...endingsOf(conversations), ...churnOf(conversations), ...delaysOf(experiment, conversations), ...left];
    const findings = this.verifier?.findings ?? [];
    return { experiment, log, conversations, faults, violations, findings, samples, left, symptoms, endedAtMs: this.runtime.clock.now() };
  }
}

function endingsOf(conversations: readonly Conversation[]): string[] {
  const symptoms: string[] = [];
  for (const ending of ['stuck', 'cut off', 'wrong data', 'refused'] as const) {
    const those = conversations.filter((conversation) => conversation.ending === ending);
    if (those[0] !== undefined) symptoms.push(`${those.length} of ${conversations.length} connections: ${ending} (${those[0].hostPort}: ${those[0].why})`);
  }
  return symptoms;
}

/** What takes far longer than the way there and back is noticed. */
function delaysOf({ targetOptions: { latencyMs = 0 }, work }: Experiment, conversations: readonly Conversation[]): string[] {
  const slowestMs = Math.max(...conversations.map((conversation) => conversation.slowestMs));
  return work.readEveryMs === null && slowestMs > NOTICED_MS + 2 * latencyMs ? [`an echo took up to ${slowestMs.toFixed(0)} ms`] : [];
}

/** Connections that go up and down all the time work, and cost more than they save. */
function churnOf(conversations: readonly Conversation[]): string[] {
  const uploads = conversations.reduce((sum, conversation) => sum + conversation.uploads, 0);
  const extra = uploads - conversations.filter(({ ending }) => ending === 'finished').length;
  return extra > 0 ? [`connections came back ${extra} times before they were done`] : [];
}
