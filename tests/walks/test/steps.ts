import { createOffloadParameters } from '@ndis-chimney/host';
import { NDIS_DEVICE_POWER_STATE, NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_OFFLOAD_RESUME, NDIS_STATUS_UPLOAD_ALL } from '@ndis-chimney/types';

import { ObjectSteps } from './object-steps.ts';
import { pick } from './pick.ts';
import { checkState } from './state-check.ts';
import { NO_REFUSALS } from './watched-target.ts';

const { NdisDeviceStateD0, NdisDeviceStateD3 } = NDIS_DEVICE_POWER_STATE;

/** All commands: those about objects, traffic both ways, adapters, and time. */
export abstract class Steps extends ObjectSteps {
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
}
