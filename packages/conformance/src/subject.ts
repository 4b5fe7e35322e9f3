import type { Ndis } from '@ndis-chimney/core';
import type { Clock, DpcQueue, MiniportDriver, NdisMiniportDriverHandle, NdisProtocolHandle, OffloadTargetEnvironment, Random } from '@ndis-chimney/types';
import type { VerifyLevel } from '@ndis-chimney/verifier';

import type { Ability } from './case.ts';

/** The far end of a connection, in the hands of the kit. `MemoryPeer` of the memory target is one. */
export interface ConformancePeer {
  /**
   * Sends bytes, the last segment with PSH. The kit does not change them. The promise resolves when all of them are
   * acknowledged, and rejects when the connection was reset.
   */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<unknown>;
  /** What has arrived, at least one byte, or null after the host's FIN; waits for it. Rejects when the connection was reset. */
  read(): Promise<Uint8Array<ArrayBufferLike> | null>;
  /** Sends a FIN after everything written. Resolves when it is acknowledged. */
  end(): Promise<unknown>;
  /** Sends an acceptable RST. */
  reset(): void;
}

/** What a case asks a target to be made like, as far as its abilities say it can. */
export interface TargetWishes {
  /** With the ability `connection-capacity`: room for so many connections. */
  readonly connectionCapacity?: number;
  /** With the ability `path-capacity`: room for so many paths. */
  readonly pathCapacity?: number;
  /** With the ability `neighbor-capacity`: room for so many neighbors. */
  readonly neighborCapacity?: number;
  /** With the ability `vlan-capacity`: so many VLANs besides the untagged one. */
  readonly vlanCapacity?: number;
  /** With the ability `admission-limits`: room for so many source MACs besides the interface's own. */
  readonly hardwareAddressCapacity?: number;
  /** With the ability `admission-limits`: room for so many source IP addresses. */
  readonly ipAddressCapacity?: number;
  /** With the ability `admission-limits`: the largest path MTU, in bytes. */
  readonly maxPathMtuBytes?: number;
  /** With the ability `admission-limits`: the largest `InitialRcvWnd`, in bytes. */
  readonly maxReceiveWindowBytes?: number;
  /** With the ability `admission-limits`: the most send data that a connection may bring along, in bytes. */
  readonly maxInheritedSendBytes?: number;
  /** With the ability `admission-limits`: the most received data that a connection may bring along, in bytes. */
  readonly maxInheritedReceiveBytes?: number;
  /** With the ability `interface-vlans`: the VLANs the interface is configured for. Without the wish, for none or for all. */
  readonly interfaceVlanIds?: readonly number[];
  /** With the ability `round-trip`: milliseconds from a segment's transmission to the arrival of its acknowledgment. */
  readonly roundTripMs?: number;
}

/** One target, made for one case. */
export interface TargetUnderTest {
  /** The miniport driver, not yet registered. */
  readonly target: MiniportDriver<never>;
  /**
   * With the ability `peer`: the far end of the connection between these ports, once it is offloaded. At first it has
   * everything before the `sndUna` of the initiate, and nothing from there on. It does not notice an upload, and goes on
   * when the connection is offloaded again with what it came back with.
   */
  peer?(hostPort: number, peerPort: number): ConformancePeer | Promise<ConformancePeer>;
  /** With the ability `control`: what the target does when its maker says so. */
  pauseOffload?(): void;
  uploadAll?(): void;
  resumeOffload?(): void;
  /**
   * With the ability `hardware-failure`: the record of the connection between these ports is lost. The target finds that
   * out when it is asked something about it, not before.
   */
  failHardware?(hostPort: number, peerPort: number): void;
  /** With the ability `hardware-alarm`: the same, and the target finds it out at once. */
  alarmHardware?(hostPort: number, peerPort: number): void;
  /** With the ability `send-backlog`: for full speed so many bytes should be posted on the connection between these ports. */
  changeBacklog?(hostPort: number, peerPort: number, byteCount: number): void;
  /** When the case is over, however it ended. */
  dispose?(): void | Promise<void>;
}

/** Where time, chance and deferred work of a case come from, and how they go on. */
export interface ConformanceRuntime {
  readonly clock: Clock;
  readonly random: Random;
  readonly dpcQueue: DpcQueue;
  /** Everything that is due now happens, also in other threads. */
  settle(): Promise<void>;
  /** So much time passes, and everything that falls due meanwhile happens. */
  advance(ms: number): Promise<void>;
  /** When the case is over, however it ended, after everything that was made with the runtime. */
  dispose?(): void | Promise<void>;
}

/** What a target's maker tells the kit about it. */
export interface OffloadTargetAbilities {
  /** What it can do besides its duty. Cases that need more are skipped. */
  readonly abilities?: readonly Ability[];
  /** With the ability `peer`: bytes a far end takes while nobody reads it. */
  readonly peerWindowBytes?: number;
  /** Bytes of one connection the target can hold that nobody has received. Default 65536. */
  readonly bufferBytes?: number;
}

/** Options of `offloadTargetConformance`. */
export interface OffloadTargetConformanceOptions extends OffloadTargetAbilities {
  /**
   * Makes one target; called once per case. Every connection that is offered to it has a far end that acknowledges what it
   * is sent, a FIN too, with the ability `peer` or without.
   */
  create(environment: OffloadTargetEnvironment, wishes: TargetWishes): TargetUnderTest | Promise<TargetUnderTest>;
  /** Intermediate drivers to try it behind, from the host down. Default none. */
  readonly intermediates?: readonly IntermediateFactory[];
  /** Default: a manual clock, a seeded DPC queue, everything in this thread. */
  readonly createRuntime?: () => ConformanceRuntime | Promise<ConformanceRuntime>;
  /**
   * How closely the verifier follows what crosses edges while a case runs; what it finds wrong with the subject fails the
   * case. `off`: only the case itself decides. Default `history`.
   */
  readonly verify?: 'off' | VerifyLevel;
  /** Order of DPCs and what the target draws. Default 1. */
  readonly seed?: string | number;
}

/** An intermediate driver, as far as the kit has to know it; `PassThroughDriver` and what is derived from it have it. */
export interface IntermediateUnderTest {
  readonly name: string;
  /** Registers both edges with NDIS. */
  register(): unknown;
  /** The upper edge; valid after `register`. */
  readonly ndisDriverHandle: NdisMiniportDriverHandle;
  /** The lower edge; valid after `register`. */
  readonly ndisProtocolHandle: NdisProtocolHandle;
  /** Name of the virtual miniport above an adapter; the first, where there are several. */
  virtualNameOf(adapterName: string): string;
  /** With the ability `several-upper-edges`: names of all virtual miniports, the one of `virtualNameOf` first. */
  upperNames?(): readonly string[];
  /** When the case is over, however it ended. */
  dispose?(): void | Promise<void>;
}

/** What a case asks an intermediate driver to be made like, as far as its abilities say it can. */
export interface IntermediateWishes {
  /** Names it and its virtual miniports: no two drivers of a stack have the same. */
  readonly name: string;
  /** With the ability `several-upper-edges`: so many virtual miniports above one adapter. Default 1. */
  readonly upperEdges?: number;
  /** With the ability `nbl-shortage`: memory for so many NET_BUFFER_LISTs on their way, each way. Default: enough. */
  readonly netBufferLists?: number;
  /** With the ability `state-shortage`: memory for so many state operations on their way. Default: enough. */
  readonly operations?: number;
  /** With the ability `state-shortage`: memory for so many offloaded objects. Default: enough. */
  readonly objects?: number;
}

/** Options of `intermediateConformance`. */
export interface IntermediateConformanceOptions {
  /** Makes one driver, not yet registered; called for each driver of each case. */
  create(ndis: Ndis, wishes: IntermediateWishes): IntermediateUnderTest | Promise<IntermediateUnderTest>;
  /** What it can do besides its duty. Cases that need more are skipped. */
  readonly abilities?: readonly Ability[];
  /** Drivers one above the other in every case; some cases have two of them at least. Default 1. */
  readonly drivers?: number;
  /** Adapters that the lowest driver is bound to in every case that does not say how many it has. Default 1. */
  readonly adapters?: number;
  /** Default: a manual clock, a seeded DPC queue, everything in this thread. */
  readonly createRuntime?: () => ConformanceRuntime | Promise<ConformanceRuntime>;
  /**
   * How closely the verifier follows what crosses edges while a case runs; what it finds wrong with the subject fails the
   * case. `off`: only the case itself decides. Default `history`.
   */
  readonly verify?: 'off' | VerifyLevel;
  /** Order of DPCs. Default 1. */
  readonly seed?: string | number;
}

/** Makes an intermediate driver, not yet registered. */
export type IntermediateFactory = (ndis: Ndis) => IntermediateUnderTest | Promise<IntermediateUnderTest>;
