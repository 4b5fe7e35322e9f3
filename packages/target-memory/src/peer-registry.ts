import { TCP_OFFLOAD_CONNECTION_STATE, type Random } from '@ndis-chimney/types';

import { addressText, socketAddressText } from './address-text.ts';
import type { ConnectionEngine } from './connection-engine.ts';
import { MemoryPeer } from './memory-peer.ts';
import type { ResolvedOptions } from './options.ts';
import { PeerEndpoint, type PeerSettings } from './peer-endpoint.ts';
import type { TcpObject } from './tcp-object.ts';

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
  private readonly unaccepted = new Set<TcpObject>();
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

  /** True when the peer of this connection has something to do before the host does anything. */
  isEager(tcp: TcpObject): boolean {
    return this.settings.mode === 'source' || this.waitingFor(tcp) !== null;
  }

  /** The endpoint a connection leads to: one that was left behind by an upload, or a new one. */
  endpointFor(engine: ConnectionEngine): PeerEndpoint {
    const { tcp } = engine;
    const known = this.waitingFor(tcp);
    if (known !== null) {
      this.uploaded.delete(known.name);
      return known;
    }
    const endpoint = new PeerEndpoint(engine, nameOf(tcp), this.settings, tcp.sndUna, tcp.rcvNxt);
    endpoint.startClosed(tcp.state === TCP_OFFLOAD_CONNECTION_STATE.TcpConnectionFinWait2, tcp.hasPeerFin);
    return endpoint;
  }

  /** The endpoint that waits for this connection to come back, or null. */
  private waitingFor(tcp: TcpObject): PeerEndpoint | null {
    if (this.uploaded.size === 0) return null;
    const endpoint = this.uploaded.get(nameOf(tcp));
    return endpoint?.continues(tcp.sndUna, tcp.sndMax, tcp.rcvNxt) === true ? endpoint : null;
  }

  /** A connection was offloaded. Whoever waits for one gets it, unless its peer is an old acquaintance. */
  offer(tcp: TcpObject): void {
    if (tcp.engine !== null && tcp.engine.peer.face !== null) return;
    const acceptor = this.acceptors.shift();
    if (acceptor === undefined) this.unaccepted.add(tcp);
    else acceptor(this.faceOf(tcp));
  }

  /** The peer of the next connection that nobody has accepted; null when none will come. */
  accept(): Promise<MemoryPeer | null> {
    const { value: tcp } = this.unaccepted.values().next();
    if (tcp !== undefined) return Promise.resolve(this.faceOf(tcp));
    if (!this.isOpen) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.acceptors.push(resolve);
    });
  }

  /** What people hold of a connection's peer. Whoever has it has accepted the connection. */
  faceOf(tcp: TcpObject): MemoryPeer {
    this.unaccepted.delete(tcp);
    const { peer } = tcp.openEngine();
    const { sourceAddress, destinationAddress } = tcp.path.constState;
    peer.face ??= new MemoryPeer(
      peer,
      { address: addressText(destinationAddress), port: tcp.remotePort },
      { address: addressText(sourceAddress), port: tcp.localPort },
    );
    return peer.face;
  }

  /** A connection was uploaded: its peer, if it has got so far as to have one, stays for when it comes back. */
  keep(tcp: TcpObject): void {
    this.unaccepted.delete(tcp);
    const endpoint = tcp.engine?.peer;
    if (endpoint === undefined || endpoint.isOver) return;
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
  forgetUploaded(): void {
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

function nameOf(tcp: TcpObject): string {
  const { sourceAddress, destinationAddress } = tcp.path.constState;
  return `${socketAddressText(destinationAddress, tcp.remotePort)}-${socketAddressText(sourceAddress, tcp.localPort)}`;
}
