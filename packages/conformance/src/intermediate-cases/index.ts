import { chainedDataCases } from './chained-data.ts';
import { dataDownCases } from './data-down.ts';
import { dataUpCases } from './data-up.ts';
import { indicationCases } from './indications.ts';
import type { IntermediateCase } from './intermediate-case.ts';
import { lifeCycleCases } from './life-cycle.ts';
import { longLifeCases } from './long-life.ts';
import { memoryCases } from './memory.ts';
import { oidCases } from './oids.ts';
import { ordinaryCases } from './ordinary.ts';
import { registrationCases } from './registration.ts';
import { dataShortageCases } from './shortage-data.ts';
import { stateShortageCases } from './shortage-state.ts';
import { spreadLinkCases } from './spread-links.ts';
import { spreadTreeCases } from './spread-trees.ts';
import { spreadTroubleCases } from './spread-troubles.ts';
import { stateDownCases } from './state-down.ts';
import { stateStatusCases } from './state-statuses.ts';
import { stateUpCases } from './state-up.ts';
import { stoppedCallCases } from './stopped-calls.ts';
import { upperEdgeCases } from './upper-edges.ts';

/** All cases for intermediate drivers, by area. */
export const intermediateCases: readonly IntermediateCase[] = [
  ...registrationCases,
  ...lifeCycleCases,
  ...oidCases,
  ...stateDownCases,
  ...stateUpCases,
  ...stateStatusCases,
  ...chainedDataCases,
  ...dataDownCases,
  ...dataUpCases,
  ...indicationCases,
  ...ordinaryCases,
  ...upperEdgeCases,
  ...spreadTreeCases,
  ...spreadLinkCases,
  ...spreadTroubleCases,
  ...dataShortageCases,
  ...stateShortageCases,
  ...memoryCases,
  ...stoppedCallCases,
  ...longLifeCases,
];
