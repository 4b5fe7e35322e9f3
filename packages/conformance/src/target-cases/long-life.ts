import { NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_SUCCESS, NDIS_STATUS_UPLOAD_IN_PROGRESS, TCP_OFFLOAD_CONNECTION_STATE, TCP_OFFLOAD_EVENT_TYPE, formatNdisStatus, netBufferListBytes, type NetBufferList, type ProtocolOffloadBlockList, type Random, type TcpOffloadState } from '@ndis-chimney/types';

import { check, checkBytes, checkEqual } from '../check.ts';
import { present } from '../probes/present.ts';
import type { ConformancePeer } from '../subject.ts';
import { HUNGRY } from '../world/case-host.ts';
import { pattern } from '../world/pattern.ts';
import type { TargetWorld } from '../world/target-world.ts';
import { concat, type WorldConnection } from '../world/world-connection.ts';
import { checkInTurn } from './received.ts';
import { stateBlock } from './state-pictures.ts';
import type { TargetCase } from './target-case.ts';

/** What is done to all connections together, before they are closed. */
const STEPS = 160;
const CONNECTIONS = 3;
const LIVES = 4;

/** A connection through several offloads, and both of its streams as they should be. */
class Life {
  readonly world: TargetWorld;
  readonly random: Random;
  connection: WorldConnection;
  peer: ConformancePeer;
  /** Bytes of the host's stream before the present offload that are acknowledged, and all that there are. */
  private sentBefore = 0;
  private sent = 0;
  private readonly sends: { readonly nbl: NetBufferList; readonly length: number }[] = [];
  /** The same of the peer's stream: what the host has got. */
  private receivedBefore = 0;
  written = 0;
  private readonly arrived: Uint8Array[] = [];
  private isReading = false;
  /** Queries that were made, and how many bytes the host had got then. */
  private readonly queries: { readonly root: ProtocolOffloadBlockList; readonly least: number }[] = [];
  /** Bytes of BufferedData that the present offload began with. */
  private inherited = 0;
  private isFirst = true;

  constructor(world: TargetWorld, connection: WorldConnection, peer: ConformancePeer, random: Random) {
    this.world = world;
    this.connection = connection;
    this.peer = peer;
    this.random = random;
  }

  /** Some bytes to a call that has taken them, as often as not in several pieces. */
  send(): void {
    const { random } = this;
    const sizes = Array.from({ length: 1 + random.nextInt(3) }, () => (random.nextInt(5) === 0 ? random.nextInt(2) : random.nextInt(2500)));
    this.sendSizes(sizes);
  }

  private sendSizes(sizes: readonly number[]): void {
    const contents = sizes.map((size) => {
      const bytes = pattern(this.sent, size);
      this.sent += size;
      return bytes;
    });
    this.connection.send(...contents).forEach((nbl, at) => {
      this.sends.push({ nbl, length: present(sizes[at]) });
    });
  }

  post(): void {
    const { random } = this;
    this.connection.post(Array.from({ length: 1 + random.nextInt(2) }, () => random.nextInt(3000)), { isNoPush: random.nextInt(3) === 0 });
  }

  write(): void {
    const count = 1 + this.random.nextInt(6000);
    // Whether it arrives is seen at the host.
    this.peer.write(pattern(this.written, count)).catch(() => undefined);
    this.written += count;
  }

  /** What the peer has sent comes another way too. */
  forward(): void {
    const at = Math.max(0, this.connection.received.length - this.random.nextInt(500));
    const length = Math.min(1 + this.random.nextInt(1000), this.written - at);
    if (length <= 0 || !this.isFirst) return;
    this.connection.forward({ at, length, flags: this.random.nextInt(2) * 8 });
  }

  /** One read at the far end, unless there is one. */
  read(): void {
    if (this.isReading) return;
    this.isReading = true;
    const { peer } = this;
    peer.read().then(
      (bytes) => {
        this.isReading = false;
        if (bytes !== null) this.arrived.push(bytes);
      },
      () => undefined,
    );
  }

  /** Asks how the connection stands, without waiting for the answer. */
  look(): void {
    const root = stateBlock(this.connection.block, 'delegated');
    this.queries.push({ root, least: this.connection.received.length });
    this.world.begin('query', root);
  }

  /** Waits for the answers, which come before a terminate: they can be true. */
  private async checkQueries(): Promise<void> {
    const { connection, world } = this;
    for (const { root, least } of this.queries.splice(0)) {
      await world.completed('query', root);
      checkEqual(root.status, NDIS_STATUS_SUCCESS, 'status of a query');
      const { rcvNxt, sndUna } = present((root.state as TcpOffloadState).delegated);
      const got = ((rcvNxt - connection.rcvNxt) | 0) + this.inherited;
      check(got >= least, `RcvNxt counts ${got} bytes, and the host has got ${least}`);
      const acked = (sndUna - connection.sndUna) | 0;
      check(acked >= 0 && acked <= this.sent - this.sentBefore, `SndUna counts ${acked} bytes of ${this.sent - this.sentBefore} that were sent`);
    }
  }

  /** Takes the connection back with whatever is under way, and offers it again with what it came back with. */
  async offloadAgain(isInvalid: boolean): Promise<void> {
    const { world, connection } = this;
    if (isInvalid) checkEqual(await connection.invalidate(), NDIS_STATUS_SUCCESS, 'status of an invalidate');
    await this.checkQueries();
    const uploaded = await connection.terminate();
    this.isFirst = false;
    const acked = (uploaded.delegated.sndUna - connection.sndUna) | 0;
    this.checkSends(acked, uploaded.chain);
    const got = connection.received;
    checkEqual((uploaded.delegated.rcvNxt - connection.rcvNxt) | 0, got.length + uploaded.buffered.length - this.inherited, 'bytes that RcvNxt counts');
    checkBytes(concat([got, uploaded.buffered]), pattern(this.receivedBefore, got.length + uploaded.buffered.length), 'what the host got, and BufferedData');
    this.receivedBefore += got.length;
    this.inherited = uploaded.buffered.length;
    this.sentBefore += acked;
    const again = [...connection.unsent, ...uploaded.chain];
    this.sends.splice(0, this.sends.length, ...again.map((nbl) => ({ nbl, length: netBufferListBytes(nbl).length })));
    this.connection = await world.reconnect(connection, uploaded);
    this.peer = await this.connection.peer();
  }

  /** Every send has ended, in order: with SUCCESS and all of its bytes, or back with those that are not acknowledged. */
  private checkSends(acked: number, chain: readonly NetBufferList[]): void {
    const completed = this.connection.sendCompletions;
    const places = [...completed.map(({ nbl }) => nbl), ...chain].map((nbl) => this.sends.findIndex((send) => send.nbl === nbl));
    checkEqual(places, this.sends.map((_, at) => at), 'sends as they ended, and then those in the chain of a terminate');
    let left = acked;
    completed.forEach(({ status, bytesTransferred }, at) => {
      const { length } = present(this.sends[at]);
      const expected = status === NDIS_STATUS_SUCCESS ? length : Math.min(left, length);
      check(status === NDIS_STATUS_SUCCESS || status === NDIS_STATUS_UPLOAD_IN_PROGRESS, `send ${at} ended with ${formatNdisStatus(status)}`);
      checkEqual(bytesTransferred, expected, `bytes of send ${at} of ${length} that ended with ${formatNdisStatus(status)}`);
      left -= bytesTransferred;
    });
    const given = concat(chain.map(netBufferListBytes));
    if (chain.length === 0) checkEqual(left, 0, 'bytes that SndUna counts, and no send that went back');
    else checkBytes(given, pattern(this.sentBefore + acked, given.length), 'the chain of a terminate');
  }

  /** Both streams to their ends. */
  async close(): Promise<void> {
    const { world, connection } = this;
    const total = (): number => this.receivedBefore + this.connection.received.length;
    // What is in a non-push request comes no sooner.
    this.peer.end().catch(() => undefined);
    const arrived = (): number => this.arrived.reduce((sum, { length }) => sum + length, 0);
    for (let rounds = 0; total() < this.written || arrived() < this.sent; rounds++) {
      check(rounds < 2000, `${this.written - total()} bytes to the host and ${this.sent - arrived()} to its peer did not come`);
      if (total() < this.written) connection.post([1 + this.random.nextInt(4000)]);
      this.read();
      await world.advance(5);
    }
    checkBytes(connection.received, pattern(this.receivedBefore, connection.received.length), 'what was received');
    checkBytes(concat(this.arrived), pattern(0, this.sent), 'what the far end got');
    const last = connection.disconnect(pattern(this.sent, 10));
    await world.until(() => connection.disconnectCompletions.length > 0, 'the completion of a disconnect');
    const [ended] = connection.disconnectCompletions;
    checkEqual([ended?.nbl === last, ended?.status, ended?.bytesTransferred], [true, NDIS_STATUS_SUCCESS, 10], 'the NBL, status and bytes of a disconnect');
    await world.until(() => connection.events.some(({ eventType }) => eventType === TCP_OFFLOAD_EVENT_TYPE.TcpIndicateDisconnect), 'TcpIndicateDisconnect');
    await this.checkQueries();
    const { delegated, chain } = await connection.terminate();
    this.sent += 10;
    checkEqual(chain.length, 0, 'sends that came back from a connection that was closed');
    checkEqual((delegated.sndUna - connection.sndUna) | 0, this.sent - this.sentBefore + 1, 'numbers that SndUna counts, with a FIN');
    checkEqual((delegated.rcvNxt - connection.rcvNxt) | 0, this.written - this.receivedBefore - this.inherited + 1, 'numbers that RcvNxt counts, with a FIN');
    const states: readonly number[] = [TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionTimeWait, TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionClosed];
    check(states.includes(delegated.state), `a connection that both sides have closed came back in state ${delegated.state}`);
  }

  /** The end of a connection with everything under way. */
  async break(): Promise<void> {
    const { connection, world } = this;
    if (this.random.nextInt(2) === 0) connection.abort();
    else this.peer.reset();
    connection.post([100]);
    if (this.random.nextInt(2) === 0) await world.advance(20);
    await this.checkQueries();
    const { chain } = await connection.terminate();
    const completed = connection.sendCompletions;
    checkEqual([...completed.map(({ nbl }) => nbl), ...chain].map((nbl) => this.sends.findIndex((send) => send.nbl === nbl)), this.sends.map((_, at) => at), 'sends as they ended with a reset');
    const lawful: readonly number[] = [NDIS_STATUS_SUCCESS, NDIS_STATUS_REQUEST_ABORTED, NDIS_STATUS_UPLOAD_IN_PROGRESS];
    for (const { status } of completed) check(lawful.includes(status), `a send ended with ${formatNdisStatus(status)}`);
    checkBytes(connection.received, pattern(this.receivedBefore, connection.received.length), 'what was received before a reset');
  }
}

/** Everything at once, for a while. */
export const longLifeCases: readonly TargetCase[] = [
  {
    id: 'target-long-life',
    title: 'Whatever the host does in whatever order, through several offloads both streams of its connections arrive whole, and every request ends once',
    rules: ['CHIM-ST-007', 'CHIM-ST-008', 'CHIM-SND-011', 'CHIM-TRM-007', 'CHIM-TRM-013', 'CHIM-NBL-001', 'CHIM-BLK-008'],
    requirement: 'C-NDIS-ST',
    requires: ['peer'],
    run: async (world) => {
      for (let life = 0; life < LIVES; life++) await live(world, world.runtime.random.fork(`life ${life}`));
    },
  },
];

async function live(world: TargetWorld, random: Random): Promise<void> {
  const lives: Life[] = [];
  for (let at = 0; at < CONNECTIONS; at++) {
    const connection = await world.connect();
    lives.push(new Life(world, connection, await connection.peer(), random.fork(`connection ${at}`)));
  }
  world.host.keepsIndicated = true;
  world.host.appetite = ({ length }, handle) => {
    if (random.nextInt(6) === 0) lives.find(({ connection }) => connection.handle === handle)?.post();
    return random.nextInt(3) === 0 ? random.nextInt(length + 1) : length;
  };
  for (let step = 0; step < STEPS; step++) {
    const life = present(lives[random.nextInt(lives.length)]);
    const what = random.nextInt(20);
    if (what < 6) life.send();
    else if (what < 10) life.post();
    else if (what < 13) life.write();
    else if (what < 15) life.read();
    else if (what < 16) life.forward();
    else if (what < 17) life.look();
    else if (what < 18) world.host.returnKept();
    else if (random.nextInt(4) === 0) await life.offloadAgain(random.nextInt(3) === 0);
    if (random.nextInt(2) === 0) await world.advance(random.nextInt(12));
  }
  world.host.appetite = HUNGRY;
  world.host.keepsIndicated = false;
  world.host.returnKept();
  await present(lives.pop()).break();
  for (const life of lives) {
    await life.close();
    checkInTurn(life.connection);
  }
}
