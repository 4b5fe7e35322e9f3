import { completionIncidents } from './completions.ts';
import { dataIncidents } from './data.ts';
import type { Incident } from './incident.ts';
import { offloadIncidents } from './offload.ts';

/** Every incident, by the order of the guide. */
export const INCIDENTS: readonly Incident[] = [...completionIncidents, ...offloadIncidents, ...dataIncidents];

/** The incident of an id, or undefined. */
export function incidentOf(id: string): Incident | undefined {
  return INCIDENTS.find((incident) => incident.id === id);
}
