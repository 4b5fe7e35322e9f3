export { ABILITY, type Ability, type ConformanceCase } from './case.ts';
export { ConformanceFailure } from './check.ts';
export { pluginSubject } from './module/conformance-abilities.ts';
export type { ConformanceAbilities, ConformanceAbilitiesExport, IntermediateAbilities, PluginOptions } from './module/conformance-abilities.ts';
export { casesOfModule } from './module/module-cases.ts';
export type { ConformanceExport, ModuleSettings, ModuleSubject } from './module/module-cases.ts';
export { intermediateConformance } from './intermediate-conformance.ts';
export { offloadTargetConformance } from './offload-target-conformance.ts';
export { certify } from './report/certification.ts';
export type { CertificationReport, ClauseReport, ClauseState, UndecidedRule, Verdict } from './report/certification.ts';
export { htmlPage } from './report/html-page.ts';
export { junitXml } from './report/junit-xml.ts';
export { textReport } from './report/text-report.ts';
export { REQUIREMENTS, type Requirement, type RequirementId } from './requirements.ts';
export type { CaseCounts, CaseOutcome, CaseResult } from './run/case-result.ts';
export { defineConformance } from './run/define-conformance.ts';
export type { DefineConformanceOptions, DescribeAndTest } from './run/define-conformance.ts';
export { runCases } from './run/run-cases.ts';
export type { CasesRun, RunCasesOptions, UncaughtWatch } from './run/run-cases.ts';
export type {
  ConformancePeer,
  ConformanceRuntime,
  IntermediateConformanceOptions,
  IntermediateFactory,
  IntermediateUnderTest,
  IntermediateWishes,
  OffloadTargetAbilities,
  OffloadTargetConformanceOptions,
  TargetUnderTest,
  TargetWishes,
} from './subject.ts';
export { UNDECIDED_RULES } from './undecided-rules.ts';
