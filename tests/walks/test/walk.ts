import { NDIS_DEVICE_POWER_STATE, NDIS_STATUS_OFFLOAD_RESUME, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import type { Command } from './commands.ts';
import type { Conversation } from './conversation.ts';
import { Steps } from './steps.ts';
import { NO_REFUSALS } from './watched-target.ts';

const { NdisDeviceStateD0 } = NDIS_DEVICE_POWER_STATE;

/** Rounds of both sides reading and time passing, without a byte arriving, after which none ever will. */
const MOST_ROUNDS = 400;

/** One walk: commands, and at the end everything is brought home and counted. */
export class Walk extends Steps {
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

  private async step([name, at, amount]: Command): Promise<void> {
    await this[name](at, amount);
    // Commands come while others are at every stage.
    if (amount % 4 === 1) await this.world.pass();
    else if (amount % 4 >= 2) await this.world.settle();
  }

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
