import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_SUCCESS,
  OFFLOAD_TARGET_API_VERSION,
  type MiniportDriver,
  type NDIS_STATUS,
  type OffloadTargetPlugin,
} from '@ndis-chimney/types';

/** What {@link brokenTarget} does wrong. */
export type Fault = 'set options' | 'initialize';

/** A plugin whose target does not come up. `calls` are the entries that were called. */
export function brokenTarget(fault: Fault): { readonly plugin: OffloadTargetPlugin; readonly calls: string[] } {
  const calls: string[] = [];
  const answer = (entry: string, isWrong: boolean): NDIS_STATUS => {
    calls.push(entry);
    return isWrong ? NDIS_STATUS_FAILURE : NDIS_STATUS_SUCCESS;
  };
  const driver = {
    name: 'broken',
    miniportSetOptions: () => answer('miniportSetOptions', fault === 'set options'),
    miniportInitializeEx: () => answer('miniportInitializeEx', fault === 'initialize'),
    miniportRestart: () => answer('miniportRestart', false),
    miniportPause: () => answer('miniportPause', false),
    miniportHaltEx: () => calls.push('miniportHaltEx'),
    miniportDriverUnload: () => calls.push('miniportDriverUnload'),
    miniportOidRequest: () => answer('miniportOidRequest', false),
    miniportSendNetBufferLists: () => calls.push('miniportSendNetBufferLists'),
    miniportReturnNetBufferLists: () => calls.push('miniportReturnNetBufferLists'),
  } as unknown as MiniportDriver<never>;
  const plugin: OffloadTargetPlugin = { name: 'broken', apiVersion: OFFLOAD_TARGET_API_VERSION, optionsSchema: { type: 'object' }, create: () => driver };
  return { plugin, calls };
}
