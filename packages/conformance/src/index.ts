export { ABILITY, type Ability, type ConformanceCase } from './case.ts';
export { ConformanceFailure } from './check.ts';
export { offloadTargetConformance } from './offload-target-conformance.ts';
export { REQUIREMENTS, type Requirement, type RequirementId } from './requirements.ts';
export type {
  ConformancePeer,
  ConformanceRuntime,
  IntermediateFactory,
  IntermediateUnderTest,
  OffloadTargetAbilities,
  OffloadTargetConformanceOptions,
  TargetUnderTest,
  TargetWishes,
} from './subject.ts';
