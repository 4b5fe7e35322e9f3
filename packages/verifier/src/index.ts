export { formatFinding, type Finding } from './finding.ts';
export { DEFAULT_LIMITS, type VerifierLimits, type VerifierOptions, type VerifyLevel, type VerifyMode } from './options.ts';
export type { Outstanding } from './outstanding.ts';
export { formatOutstanding } from './pending-report.ts';
export type { Actor, DecidedBy, ObservationPoint, Rule, RuleHooks, Severity } from './rule.ts';
export { RULES } from './rules/index.ts';
export { Verifier, attachVerifier } from './verifier.ts';
export type { Watch } from './watch.ts';
