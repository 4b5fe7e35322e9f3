import { createOffloadParameters, describeConnection, type ChimneyConnection, type ChimneyHost, type ConnectionChange, type HostNeighbor, type HostPath, type OffloadedObject } from '@ndis-chimney/host';
import { present } from '@ndis-chimney/kit';
import type { MemoryPeer } from '@ndis-chimney/target-memory';
import { NDIS_DEVICE_POWER_STATE, NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_OFFLOAD_RESUME, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_ALL } from '@ndis-chimney/types';

import type { Command, WalkPlan } from './commands.ts';
import { Conversation, FIRST_PORT, type Surroundings } from './conversation.ts';
import type { TransitionCounts } from './object-ledger.ts';
import { pick } from './pick.ts';
import { checkState } from './state-check.ts';
import { NO_REFUSALS } from './watched-target.ts';
import { WalkWorld, type Mutant, type WorldAdapter } from './walk-world.ts';

const { NdisDeviceStateD0, NdisDeviceStateD3 } = NDIS_DEVICE_POWER_STATE;

/** Rounds of both sides reading and time passing, without a byte arriving, after which none ever will. */
const MOST_ROUNDS = 400;

/** One walk: commands, and at the end everything is brought home and counted. */
export class Walk implements Surroundings {
  readonly faults: string[];
  readonly arrived: Set<Conversation> = new Set<Conversation>();
  readonly world: WalkWorld;
  private readonly plan: WalkPlan;
  /** Those that go on; one that is over is replaced by a new one. */
  private readonly conversations: Conversation[];
  /** All there ever were, by the host's port. */
  private readonly everyone: Conversation[] = [];
  /** State requests, offloads and adapter requests that have not ended. */
  private readonly open = new Set<string>();
  private nextRequest = 0;
  private hasRemoved = false;

  constructor(plan: WalkPlan, counts: TransitionCounts, mutant?: Mutant) {
    this.plan = plan;
    this.world = new WalkWorld(plan.world, counts, mutant);
    this.faults = this.world.faults;
    this.conversations = Array.from({ length: plan.connections }, () => this.begin());
    this.world.onPass = () => {
      for (const conversation of this.arrived) conversation.takeArrivals();
      this.arrived.clear();
    };
  }

  private begin(): Conversation {
    const id = this.everyone.length;
    const conversation = new Conversation(this, id, this.plan.paths, id % 4 === 3);
    this.everyone.push(conversation);
    return conversation;
  }

  get mayLosePeers(): boolean {
    return this.hasRemoved || this.everyone.length > (this.plan.world.target.connectionCapacity ?? Infinity);
  }

  get nowMs(): number {
    return this.world.runtime.clock.now();
  }

  peerOf(hostPort: number): MemoryPeer | null {
    return this.world.memory.peerOf(hostPort);
  }

  private get host(): ChimneyHost {
    return this.world.host;
  }

  /** Does it all. @throws Error that says what was wrong. */
  async run(): Promise<void> {
    for (const adapter of this.world.adapters) await this.world.start(adapter);
    await this.offload(this.conversations.slice(0, 1 + (this.plan.world.seed % this.conversations.length)), 0);
    for (const [at, command] of this.plan.commands.entries()) {
      await this.step(command);
      this.requireFaultless(() => `after command ${at}, ${command.join(' ')}`);
    }
    await this.finish();
    this.requireFaultless(() => 'at the end');
  }

  private requireFaultless(when: () => string): void {
    this.faults.push(...this.world.ledger.faults.splice(0));
    if (this.faults.length > 0) throw new Error(`${when()}: ${this.faults.join('; ')}`);
  }

  // --- commands ---

  private async step([name, at, amount]: Command): Promise<void> {
    await this[name](at, amount);
    // Commands come while others are at every stage.
    if (amount % 4 === 1) await this.world.pass();
    else if (amount % 4 >= 2) await this.world.settle();
  }

  /** Notes a request until it ends. */
  private follow(what: string, request: Promise<unknown>): void {
    const name = `${what} ${this.nextRequest++}`;
    this.open.add(name);
    request.then(
      () => this.open.delete(name),
      (error: unknown) => {
        this.open.delete(name);
        this.faults.push(`${what} failed: ${String(error)}`);
      },
    );
  }

  private pick<Item>(items: readonly Item[], at: number): Item | undefined {
    return items[at % Math.max(1, items.length)];
  }

  private conversation(at: number): Conversation {
    return pick(this.conversations, at);
  }

  /** One that is offloaded, if any is. */
  private talking(at: number): Conversation {
    return this.pick(this.conversations.filter(({ connection }) => connection !== null), at) ?? this.conversation(at);
  }

  private adapter(at: number): WorldAdapter {
    return pick(this.world.adapters, at);
  }

  private objects<Kind extends OffloadedObject>(layer: Kind['layer']): readonly Kind[] {
    return this.host.offloadedObjects.filter((object) => object.layer === layer) as Kind[];
  }

  private async offload(conversations: readonly Conversation[], at: number): Promise<void> {
    const offered = conversations.filter(({ isInHost }) => isInHost);
    const bound = this.host.adapterNames;
    const adapterName = this.pick(bound, at);
    if (offered.length === 0 || adapterName === undefined) return;
    for (const conversation of offered) conversation.isOffering = true;
    const offloading = this.host.offloadAll(offered.map(({ state }) => present(state)), { adapterName }).then((results) => {
      results.forEach((result, index) => {
        pick(offered, index).offered(result);
      });
    });
    this.follow(`offload of ${offered.length}`, offloading);
    await Promise.resolve();
  }

  /** Those that can be offered. */
  private waiting(): readonly Conversation[] {
    this.conversations.forEach((conversation, at) => {
      if (conversation.isDone) this.conversations[at] = this.begin();
    });
    return this.conversations.filter(({ isInHost }) => isInHost);
  }

  async offloadOne(at: number, amount: number): Promise<void> {
    const waiting = this.waiting();
    const one = this.pick(waiting, amount);
    if (one !== undefined) await this.offload([one], at);
  }

  async offloadMany(at: number, amount: number): Promise<void> {
    const waiting = this.waiting();
    await this.offload(amount % 2 === 0 ? waiting : waiting.slice(0, amount % 20), at);
  }

  offloadNeighbor(at: number, amount: number): void {
    const adapterName = this.pick(this.host.adapterNames, at);
    if (adapterName !== undefined) this.follow('offload of a neighbor', this.host.offloadNeighbor(this.hop(amount), { adapterName }));
  }

  /** A next hop, one of a few. */
  private hop(at: number): ReturnType<typeof describeConnection>['neighbor'] {
    return describeConnection({ local: { address: '198.51.100.1', port: 1 }, remote: { address: '192.0.2.2', port: 1 }, nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 1 + (at % 9)) }).neighbor;
  }

  query(at: number, amount: number): void {
    const object = this.pick(this.host.offloadedObjects, at) as ChimneyConnection | HostPath | HostNeighbor | undefined;
    if (object !== undefined) this.follow(`query of a ${object.layer}`, object.query(pick(['all', 'const', 'cached', 'delegated'], amount)));
  }

  queryAll(at: number): void {
    for (const object of this.host.offloadedObjects.slice(0, 30)) this.query(this.host.offloadedObjects.indexOf(object), at);
  }

  updateConnection(at: number, amount: number): void {
    const { connection } = this.talking(at);
    if (connection === null) return;
    const changes: readonly ConnectionChange[] = [
      { initialRcvWnd: 1000 + amount },
      { rcvIndicationSize: amount % 2 === 0 ? 0 : 30 + (amount % 700) },
      { kaProbeCount: amount & 0xFF, kaTimeout: amount, isKeepAliveEnabled: amount % 8 > 3 },
      { isNaglingEnabled: amount % 8 > 3, ttlOrHopLimit: amount & 0xFF },
      { maxRT: amount, restartMaxRT: true, userPriority: amount % 8 },
    ];
    this.follow('update of a connection', connection.update(pick(changes, amount)));
  }

  updatePath(at: number, amount: number): void {
    const path = this.pick(this.objects<HostPath>('path'), at);
    if (path !== undefined) this.follow('update of a path', path.update({ pathMtu: 600 + (amount % 1000) }));
  }

  updateNeighbor(at: number, amount: number): void {
    const neighbor = this.pick(this.objects<HostNeighbor>('neighbor'), at);
    if (neighbor !== undefined) this.follow('update of a neighbor', neighbor.update(amount % 2 === 0 ? { macAddress: Uint8Array.of(2, 0, 0, 0, 1, amount & 0xFF) } : { hostReachabilityTicks: amount }));
  }

  relink(at: number, amount: number): void {
    this.moveTo(this.pick(this.objects<HostPath>('path'), at)?.neighbor ?? null, amount);
  }

  async relinkInvalid(at: number, amount: number): Promise<void> {
    const neighbor = this.pick(this.objects<HostNeighbor>('neighbor'), at);
    if (neighbor === undefined) return;
    const before = this.world.target.refusals;
    this.world.target.refusals = { ...before, invalidate: 0 };
    this.follow('invalidate of a neighbor', neighbor.invalidate());
    this.moveTo(neighbor, amount);
    await this.world.pass();
    this.world.target.refusals = before;
  }

  /** Links the paths of a neighbor to another one. */
  private moveTo(from: HostNeighbor | null, amount: number): void {
    const paths = from?.offloadedPaths.slice(0, 1 + (amount % 3)) ?? [];
    const [first] = paths;
    if (first === undefined) return;
    const others = this.objects<HostNeighbor>('neighbor').filter((neighbor) => neighbor.adapter === first.adapter && neighbor !== from);
    const other = amount % 2 === 0 ? this.pick(others, amount >> 1) : undefined;
    this.follow(`relink of ${paths.length} paths`, this.host.relink(paths, other ?? this.hop(amount >> 1)));
  }

  invalidate(at: number, amount: number): void {
    const { offloadedObjects } = this.host;
    const objects = offloadedObjects.slice(at % Math.max(1, offloadedObjects.length)).slice(0, 1 + (amount % 3));
    this.follow(`invalidate of ${objects.length}`, this.host.invalidate(objects));
  }

  terminateOne(at: number): void {
    const { connection } = this.talking(at);
    if (connection !== null) this.follow('terminate', connection.terminate());
  }

  terminateMany(at: number, amount: number): void {
    const { connections } = this.host;
    this.follow('terminate of many', this.host.terminate(connections.slice(at % Math.max(1, connections.length)).slice(0, 1 + (amount % 50)), 'lowActivity'));
  }

  terminateLayer(at: number, amount: number): void {
    const object = this.pick(this.objects<HostPath | HostNeighbor>(amount % 2 === 0 ? 'path' : 'neighbor'), at);
    if (object !== undefined) this.follow(`terminate of a ${object.layer}`, object.terminate());
  }

  terminateAll(): void {
    this.follow('terminate of all', this.host.terminate());
  }

  readBuffered(at: number): void {
    this.conversation(at).readBuffered();
  }

  send(at: number, amount: number): void {
    this.talking(at).send(1, 1, 1 + (amount % 3000));
  }

  sendPieces(at: number, amount: number): void {
    this.talking(at).send(1 + (amount % 8), 1 + (amount % 3), (amount * 7) % 900);
  }

  sendNothing(at: number): void {
    this.talking(at).send(1, 1, 0);
  }

  post(at: number, amount: number): void {
    this.talking(at).post(1 + (amount % 2500), false);
  }

  postFull(at: number, amount: number): void {
    this.talking(at).post(1 + (amount % 1500), true);
  }

  postNothing(at: number): void {
    this.talking(at).post(0, false);
  }

  accept(at: number): void {
    this.talking(at).subscribe(Infinity);
  }

  acceptSome(at: number, amount: number): void {
    this.talking(at).subscribe(amount % 1200);
  }

  acceptAndSend(at: number, amount: number): void {
    const conversation = this.talking(at);
    let isFirst = true;
    conversation.subscribe(Infinity, () => {
      if (isFirst) conversation.send(2, 1, amount % 300);
      isFirst = false;
    });
  }

  acceptAndTerminate(at: number): void {
    this.talking(at).subscribe(Infinity, (connection) => {
      this.follow('terminate', connection.terminate());
    });
  }

  refuse(at: number): void {
    this.talking(at).unsubscribe();
  }

  forward(at: number, amount: number): void {
    this.talking(at).forward(amount % 60);
  }

  close(at: number, amount: number): void {
    this.talking(at).close(amount % 5 === 0 ? 0 : amount % 500);
  }

  abort(at: number, amount: number): void {
    if (amount % 3 === 0) this.talking(at).abort();
  }

  write(at: number, amount: number): void {
    this.talking(at).write(1 + (amount % 3000));
  }

  read(at: number): void {
    this.talking(at).read();
  }

  end(at: number): void {
    this.talking(at).end();
  }

  reset(at: number, amount: number): void {
    if (amount % 3 === 0) this.talking(at).reset();
  }

  pause(at: number): void {
    this.world.pause(this.adapter(at));
  }

  restart(at: number): void {
    this.world.restart(this.adapter(at));
  }

  remove(at: number): void {
    const { adapters } = this.world;
    const adapter = this.adapter(at);
    if (adapters.filter(({ phase }) => phase !== 'gone' && phase !== 'removing').length < 2) {
      if (at % 8 !== 0) return;
      this.hasRemoved = true;
    }
    this.world.remove(adapter);
  }

  async add(at: number): Promise<void> {
    const adapter = this.adapter(at);
    if (adapter.phase === 'gone') await this.world.start(adapter);
  }

  offloadPause(at: number): void {
    this.world.target.indicate(this.adapter(at).name, NDIS_STATUS_OFFLOAD_PAUSE);
  }

  offloadResume(at: number): void {
    this.world.target.indicate(this.adapter(at).name, NDIS_STATUS_OFFLOAD_RESUME);
  }

  uploadAll(at: number): void {
    this.world.target.indicate(this.adapter(at).name, NDIS_STATUS_UPLOAD_ALL);
  }

  setParameters(at: number, amount: number): void {
    const adapterName = this.pick(this.host.adapterNames, at);
    if (adapterName !== undefined) this.follow('setting of parameters', this.host.setParameters(createOffloadParameters({ ticksPerSecond: pick([100, 1000], amount) }), adapterName));
  }

  statistics(at: number): void {
    const adapterName = this.pick(this.host.adapterNames, at);
    if (adapterName !== undefined) this.follow('statistics', this.host.statistics(adapterName));
  }

  resetStatistics(at: number, amount: number): void {
    const adapterName = this.pick(this.host.adapterNames, at);
    if (adapterName !== undefined) this.follow('reset of statistics', this.host.resetStatistics(amount % 2 === 0 ? 4 : 6, adapterName));
  }

  sleep(at: number): void {
    this.setPower(at, NdisDeviceStateD3);
  }

  wake(at: number): void {
    this.setPower(at, NdisDeviceStateD0);
  }

  private setPower(at: number, state: NDIS_DEVICE_POWER_STATE): void {
    const adapterName = this.pick(this.host.adapterNames, at);
    if (adapterName !== undefined) this.follow('power', this.host.setPower(state, adapterName));
  }

  async wait(_at: number, amount: number): Promise<void> {
    await this.world.advance(pick([1, 5, 40, 600, 31_000], amount));
  }

  /** At a quiet moment both sides know the same. */
  async check(at: number): Promise<void> {
    const { target } = this.world;
    await this.world.settle();
    const before = target.refusals;
    target.refusals = NO_REFUSALS;
    await this.world.advance(1);
    if (this.open.size > 0 && this.world.adapters.every(({ phase }) => phase === 'running' || phase === 'paused' || phase === 'gone')) this.faults.push(`without an end: ${[...this.open].join(', ')}`);
    await checkState(this.world, this.byPort, at, 12);
    target.refusals = before;
  }

  private readonly byPort = (port: number): Conversation | undefined => this.everyone[port - FIRST_PORT];

  // --- the end ---

  /** Lets both streams of every connection arrive, then takes everything back. */
  private async finish(): Promise<void> {
    const { world, plan } = this;
    world.target.refusals = NO_REFUSALS;
    await this.openUp();
    this.requireFaultless(() => 'when everything goes on');
    await this.check(0);
    this.requireFaultless(() => 'in the last check');
    const { limits } = plan.world;
    const batch = Math.max(1, Math.min(plan.world.target.connectionCapacity ?? 4096, Math.floor((limits.offloadEntries ?? 3000) / 3), limits.netBufferListContexts === undefined ? 4096 : 4));
    await this.takeBack();
    const unfinished = this.everyone.filter((conversation) => conversation.isLasting && !conversation.isQuiet);
    for (let at = 0; at < unfinished.length; at += batch) await this.drain(unfinished.slice(at, at + batch));
    await this.takeBack();
    for (const conversation of this.everyone) conversation.readBuffered();
    for (const conversation of this.everyone) {
      if (conversation.isLasting && !conversation.isQuiet) conversation.fault(`has not arrived: ${conversation.outRead} of ${conversation.outBytes} bytes out, ${conversation.inRead} of ${conversation.inBytes} in; ${conversation.standing}`);
    }
    this.hasRemoved = true;
    await world.close();
    if (this.open.size > 0) this.faults.push(`without an end: ${[...this.open].join(', ')}`);
    const left = this.everyone.filter(({ openRequests }) => openRequests > 0);
    if (left.length > 0) this.faults.push(`${left.length} connections have requests that never ended`);
  }

  /** Every adapter is there, runs, is awake, and takes offloads. */
  private async openUp(): Promise<void> {
    const { world } = this;
    await world.advance(1000);
    for (const adapter of world.adapters) {
      for (let round = 0; round < 50 && adapter.phase !== 'running'; round++) {
        world.restart(adapter);
        if (adapter.phase === 'gone') await world.start(adapter);
        await world.advance(1000);
      }
      if (adapter.phase !== 'running') this.faults.push(`adapter ${adapter.name} does not run again: it is ${adapter.phase}`);
      world.target.indicate(adapter.name, NDIS_STATUS_OFFLOAD_RESUME);
      this.follow('waking', this.host.setPower(NdisDeviceStateD0, adapter.topName).then((status) => {
        if (status !== NDIS_STATUS_SUCCESS) this.faults.push(`adapter ${adapter.name} does not wake`);
      }));
      await world.settle();
    }
  }

  private async takeBack(): Promise<void> {
    const { world } = this;
    this.follow('terminate of all', this.host.terminate());
    await world.advance(10);
    const left = this.host.offloadedObjects;
    if (left.length > 0) this.faults.push(`${left.length} objects did not come back: ${left.slice(0, 3).map(({ layer, offloadState }) => `${layer} ${offloadState}`).join(', ')}`);
    if (world.ledger.objects.length > 0) this.faults.push(`the target has ${world.ledger.objects.length} objects that nobody has offloaded`);
    if (world.memory.offloadedPeers().length > 0) this.faults.push('the target has connections that nobody has offloaded');
    this.requireFaultless(() => 'when everything came back');
  }

  private async drain(conversations: readonly Conversation[]): Promise<void> {
    const isOver = (): boolean => conversations.every((conversation) => !conversation.isLasting || conversation.isQuiet);
    const arrived = (): number => conversations.reduce((bytes, { outRead, inRead }) => bytes + outRead + inRead, 0);
    let progressAt = 0;
    for (let round = 0, before = arrived(); round - progressAt < MOST_ROUNDS && !isOver(); round++) {
      if (arrived() !== before) progressAt = round;
      before = arrived();
      for (const conversation of conversations) {
        if (!conversation.isInHost) continue;
        conversation.readBuffered();
        conversation.joinSendData();
      }
      await this.offload(conversations, round);
      await this.world.settle();
      for (const conversation of conversations) {
        conversation.read();
        conversation.subscribe(Infinity);
        if (round % 4 === 0) conversation.post(0, false);
      }
      await this.world.advance(round % 16 === 15 ? 1000 : 1);
      // A receive that is to be full waits for bytes that nobody will send: it ends with the upload.
      if (round % 100 === 99) await this.takeBack();
      this.requireFaultless(() => 'while the streams arrive');
    }
    await this.takeBack();
  }
}
