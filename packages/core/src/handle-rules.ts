import { OFFLOAD_HANDLE_STATE, type OffloadHandle } from '@ndis-chimney/types';

import type { CoreRule } from './rules.ts';

/** The rule a call breaks that names an object in this state and needs an offloaded one. */
export function ruleForState(state: number): CoreRule {
  switch (state) {
    case OFFLOAD_HANDLE_STATE.offloading:
      return 'CHIM-ST-002';
    case OFFLOAD_HANDLE_STATE.terminating:
    case OFFLOAD_HANDLE_STATE.terminatingLost:
      return 'CHIM-TRM-003';
    case OFFLOAD_HANDLE_STATE.dead:
      return 'CHIM-ST-003';
    default:
      return 'CHIM-ST-001';
  }
}

/** Moves a handle to another state of its life. */
export function setHandleState(handle: OffloadHandle, state: number): void {
  handle.ndisState = state;
  handle.ndisReserved0 = state === OFFLOAD_HANDLE_STATE.offloaded ? handle.binding : null;
}
