import { addressText, socketAddressText } from '@ndis-chimney/offload-target';
import { TCP_OFFLOAD_CONNECTION_STATE, type Random } from '@ndis-chimney/types';

import type { MemoryConnection } from './memory-connection.ts';
import type { MemoryEngine } from './memory-engine.ts';
import { MemoryPeer } from './memory-peer.ts';
import type { ResolvedOptions } from './options.ts';
import { PeerEndpoint, type PeerSettings } from './peer-endpoint.ts';

const STATE = TCP_OFFLOAD_CONNECTION_STATE;

/** A prime, so that no power of two divides the distance at which the pattern repeats. */
const PATTERN_BYTES = 65_521;

/**
 * The far side of one target: whom connections lead to. New connections wait here to be accepted; the peers of uploaded
 * ones wait here for their connections to come back.
 */
export class PeerRegistry {
  private readonly random: Random;
  private patternBytes: Uint8Array<ArrayBuffer> | null = null;
  private readonly settings: PeerSettings;
  /** Most peers of uploaded connections that are kept; then the oldest has to go. */
  private readonly uploadedLimit: number;
  private readonly engines = new Set<MemoryEngine>();
  private readonly uploaded = new Map<string, PeerEndpoint>();
  private acceptors: ((peer: MemoryPeer | null) => void)[] = [];
  private isOpen = true;

  constructor(options: ResolvedOptions, random: Random) {
    this.random = random;
    this.uploadedLimit = Math.max(1, options.connectionCapacity);
    this.settings = {
      mode: options.peer,
      windowBytes: options.peerWindowBytes,
      maxSegmentBytes: options.maxSegmentBytes,
      sourceBytes: options.sourceBytes,
      pattern: options.peer === 'source' ? this.pattern : new Uint8Array(0),
    };
  }

  /** What peers in mode `source` send, over and over; made when it is first wanted. */
  get pattern(): Uint8Array<ArrayBuffer> {
    if (this.patternBytes !== null) return this.patternBytes;
    const bytes = new Uint8Array(PATTERN_BYTES);
    for (let i = 0; i < PATTERN_BYTES; i++) bytes[i] = this.random.nextUint32();
    this.patternBytes = bytes;
    return bytes;
  }

  /** An adapter came up. */
  add(engine: MemoryEngine): void {
    this.engines.add(engine);
  }

  /** An adapter was halted. After the last of them no connection can come back. */
  remove(engine: MemoryEngine): void {
    this.engines.delete(engine);
    if (this.engines.size === 0) this.forgetUploaded();
  }

  /** True when the peer of this connection has something to do before the host does anything. */
  isEager(engine: MemoryEngine, id: number): boolean {
    return this.settings.mode === 'source' || (this.uploaded.size > 0 && this.uploaded.has(nameOf(engine, id)));
  }

  /** The endpoint a connection leads to: one that was left behind by an upload, or a new one. */
  endpointFor(engine: MemoryEngine, connection: MemoryConnection, state: number): PeerEndpoint {
    const name = nameOf(engine, connection.id);
    const known = this.uploaded.get(name);
    if (known?.continues(connection.sndUna, connection.sndMax, connection.rcvNxt) === true) {
      this.uploaded.delete(name);
      return known;
    }
    const endpoint = new PeerEndpoint(connection, name, this.settings, connection.sndUna, connection.rcvNxt);
    endpoint.startClosed(state === STATE.TcpConnectionFinWait2, hasPeerFin(state));
    return endpoint;
  }

  /** A connection runs. Whoever waits for one gets it, unless its peer is an old acquaintance. */
  offer(engine: MemoryEngine, id: number): void {
    if (engine.usedConnection(id)?.peer.face != null) return;
    const acceptor = this.acceptors.shift();
    if (acceptor === undefined) engine.unaccepted.append(id);
    else acceptor(this.faceOf(engine, id));
  }

  /** The peer of the next connection that nobody has accepted; null when none will come. */
  accept(): Promise<MemoryPeer | null> {
    for (const engine of this.engines) {
      const { first } = engine.unaccepted;
      if (first >= 0) return Promise.resolve(this.faceOf(engine, first));
    }
    if (!this.isOpen) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.acceptors.push(resolve);
    });
  }

  /** The peers of all connections that run, adapter by adapter. */
  faces(): MemoryPeer[] {
    const faces: MemoryPeer[] = [];
    for (const engine of this.engines) {
      for (let id = engine.live.first; id >= 0; id = engine.live.after(id)) faces.push(this.faceOf(engine, id));
    }
    return faces;
  }

  /** The peer of the connection that has these ports; any port at the peer's end when that is undefined. */
  faceAt(hostPort: number, peerPort: number | undefined): MemoryPeer | null {
    for (const engine of this.engines) {
      for (let id = engine.live.first; id >= 0; id = engine.live.after(id)) {
        if (engine.localPortOf(id) === hostPort && (peerPort ?? engine.remotePortOf(id)) === engine.remotePortOf(id)) return this.faceOf(engine, id);
      }
    }
    return null;
  }

  /** What people hold of a connection's peer. Whoever has it has accepted the connection. */
  private faceOf(engine: MemoryEngine, id: number): MemoryPeer {
    engine.unaccepted.remove(id);
    const { peer } = engine.connectionOf(id);
    const { source, destination } = engine.addressesOf(id);
    peer.face ??= new MemoryPeer(
      peer,
      { address: addressText(destination), port: engine.remotePortOf(id) },
      { address: addressText(source), port: engine.localPortOf(id) },
    );
    return peer.face;
  }

  /** A connection was uploaded: its peer stays for when it comes back. */
  keep(endpoint: PeerEndpoint): void {
    if (endpoint.isOver) return;
    const { name } = endpoint;
    this.uploaded.get(name)?.reset(new Error(`connection ${name} was taken over by another of the same addresses and ports`));
    this.uploaded.delete(name);
    this.uploaded.set(name, endpoint);
    if (this.uploaded.size <= this.uploadedLimit) return;
    const { value: oldest } = this.uploaded.values().next();
    if (oldest === undefined) return;
    this.uploaded.delete(oldest.name);
    oldest.reset(new Error(`connection ${oldest.name} was uploaded, and its peer given up for lack of room`));
  }

  /** No connection can come back. */
  private forgetUploaded(): void {
    for (const endpoint of this.uploaded.values()) {
      endpoint.reset(new Error(`connection ${endpoint.name} was uploaded, and the target's last adapter was halted`));
    }
    this.uploaded.clear();
  }

  /** The driver is registered: connections may come. */
  open(): void {
    this.isOpen = true;
  }

  /** The driver is unloaded: no connection will come. */
  close(): void {
    this.isOpen = false;
    const { acceptors } = this;
    this.acceptors = [];
    for (const acceptor of acceptors) acceptor(null);
  }
}

function nameOf(engine: MemoryEngine, id: number): string {
  const { source, destination } = engine.addressesOf(id);
  return `${socketAddressText(destination, engine.remotePortOf(id))}-${socketAddressText(source, engine.localPortOf(id))}`;
}

/** True in the states in which the peer's FIN has arrived. */
function hasPeerFin(state: number): boolean {
  return state === STATE.TcpConnectionCloseWait || state === STATE.TcpConnectionClosing || state === STATE.TcpConnectionLastAck;
}
