import type { RequirementId } from './requirements.ts';

/**
 * One thing the contract asks for, as data that any test runner can run. Nothing is shared between cases: each makes a
 * world of its own, in which time and chance are the kit's.
 */
export interface ConformanceCase {
  /** Stable: `target-send-order`, `intermediate-terminate-relay`. */
  readonly id: string;
  /** A sentence about behavior, for reports. */
  readonly title: string;
  /** The rules the case decides, `CHIM-…`; see docs/reference/rules.md. */
  readonly rules: readonly string[];
  /** The clause of the certification requirements it belongs to. */
  readonly requirement: RequirementId;
  /** What the subject has to be able to do for the case to be decidable. */
  readonly requires: readonly Ability[];
  /** Those of `requires` that this subject lacks: unless it is empty, the case is not run. */
  readonly missing: readonly Ability[];
  /**
   * True: run and reported, and fails nobody. A case is advisory in the minor version of the kit that brings it, and for
   * good where the rules only recommend, the pages they are from disagree, or a limit is the kit's own.
   */
  readonly isAdvisory: boolean;
  /** Resolves when the subject did right. @throws ConformanceFailure that says what it did wrong. */
  readonly run: () => Promise<void>;
}

/** What a subject may be able to do, for the cases that need it. */
export const ABILITY = {
  /** The kit can speak for the far end of a connection: write, read, end, reset. */
  peer: 'the far end of a connection is at the kit\'s command',
  /** Segments that the host forwards are processed. */
  forward: 'forwarded segments are processed',
  /** Time is what `advance` says, so that timers can be waited for and silence can be proved. */
  'virtual-time': 'time is injected',
  /** The kit can make it indicate OFFLOAD_PAUSE, UPLOAD_ALL and OFFLOAD_RESUME. */
  control: 'pause, upload-all and resume are at the kit\'s command',
  /** Can be made with room for so many connections. */
  'connection-capacity': 'the connection capacity can be set',
  /** Can be made with room for so many paths. */
  'path-capacity': 'the path capacity can be set',
  /** Can be made with room for so many neighbors. */
  'neighbor-capacity': 'the neighbor capacity can be set',
  /** Can be made to track so many VLANs. */
  'vlan-capacity': 'the VLAN capacity can be set',
  /** Can be made to refuse objects for what they bring along. */
  'admission-limits': 'limits on what new objects bring along can be set',
  /** Can be made with an interface that is configured for these VLANs. */
  'interface-vlans': 'the VLANs of the interface can be set',
  /** Stops what depends on something invalid, rather than go on until the host takes it back, which is allowed too. */
  'strict-invalidate': 'connections that depend on something invalid stop at once',
  /** Can be made to ask about stale neighbors. */
  'neighbor-query': 'stale neighbors are asked about before a transmission',
  /** How long the far end takes to acknowledge can be set. */
  'round-trip': 'how long an acknowledgment takes can be set',
  /** Segments that come out of sequence are kept until what is missing comes. */
  reassembly: 'segments that come out of sequence are kept',
  /** Keepalive, retransmit, persist and FIN_WAIT_2 timers run. */
  timers: 'keepalive, retransmit, persist and FIN_WAIT_2 timers run',
  /** The kit can break the hardware under a connection. */
  'hardware-failure': 'hardware failures are at the kit\'s command',
  /** The kit can make it find out by itself that the hardware under a connection is broken. */
  'hardware-alarm': 'hardware failures that the target finds by itself are at the kit\'s command',
  /** The kit can change how many bytes should be posted on a connection. */
  'send-backlog': 'the send backlog of a connection is at the kit\'s command',
  /** Counts what OID_TCP_OFFLOAD_STATS and its like ask for. */
  statistics: 'statistics are counted',
  /** Intermediate driver: passes every tree, list and indication on as it is; nothing is split, added or changed. */
  transparent: 'everything is passed on as it is',
  /** Intermediate driver: can be made with several virtual miniports above one adapter. */
  'several-upper-edges': 'there can be several virtual miniports above one adapter',
  /** Intermediate driver: can be made with memory for so many NET_BUFFER_LISTs on their way. */
  'nbl-shortage': 'memory for NET_BUFFER_LISTs on their way can be limited',
  /** Intermediate driver: can be made with memory for so many state operations and offloaded objects. */
  'state-shortage': 'memory for state operations and offloaded objects can be limited',
  /** Intermediate driver: tells observers what it keeps per state operation and per object, and when it frees it. */
  'reports-memory': 'call entries and offload entries are reported to observers',
  /** Intermediate driver: a call of it that an observer stops loses nothing; completions are made again. */
  'stopped-calls': 'calls that an observer stops lose nothing',
} as const;
export type Ability = keyof typeof ABILITY;
