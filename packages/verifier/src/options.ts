import type { Finding } from './finding.ts';
import type { Rule } from './rule.ts';

/**
 * How closely NET_BUFFER_LISTs are followed, in the words of NDIS's own owner tracking. `lastOwner`: who has each, since
 * when. `history`: every edge it has crossed since it was last nobody's. `stacks`: and where from in the code.
 */
export type VerifyLevel = 'lastOwner' | 'history' | 'stacks';

/**
 * What happens when a rule is found broken. It is counted and reported to NDIS (`violations$`) in every mode. `throw`:
 * the call that breaks it does not happen, where it can still be stopped, and throws to its caller. `collect`: nothing
 * else. `log`: one line of text.
 */
export type VerifyMode = 'throw' | 'collect' | 'log';

/** Options of `attachVerifier`. */
export interface VerifierOptions {
  /** Default `history`. */
  readonly level?: VerifyLevel;
  /** Default `collect`. */
  readonly mode?: VerifyMode;
  /** Where mode `log` writes; needed for it. */
  readonly log?: (line: string) => void;
  /** Told of every finding. */
  readonly onFinding?: (finding: Finding) => void;
  /** Rules to leave out, by id. Default none. */
  readonly except?: readonly string[];
  /** Names of the drivers that are judged. Default: all. */
  readonly actors?: readonly string[];
  /** Which rules to check. Default all. */
  readonly rules?: readonly Rule[];
  /** Hops of one NBL that are kept, the newest. Default 64. */
  readonly hops?: number;
  /** The time limits, in milliseconds; defaults are those of the NDIS verifier. */
  readonly limits?: Partial<VerifierLimits>;
}

/** Time limits, in milliseconds. */
export interface VerifierLimits {
  /** A request is completed within: NdisTimedDataSend. */
  readonly dataMs: number;
  /** Of the requests of a connection some complete within: NdisTimedDataHang. */
  readonly hangMs: number;
  /** An OID request is completed within: NdisTimedOidComplete. */
  readonly oidMs: number;
  /** A state operation is completed within. */
  readonly stateMs: number;
}

/** The limits that users of the NDIS verifier know. */
export const DEFAULT_LIMITS: VerifierLimits = { dataMs: 30_000, hangMs: 22_000, oidMs: 12_000, stateMs: 30_000 };
