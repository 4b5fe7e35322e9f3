import { createOffloadParameters } from '@ndis-chimney/host';
import { NDIS_DEVICE_POWER_STATE, NDIS_STATUS_CLOSING } from '@ndis-chimney/types';
import { expect, test } from 'vitest';

import { createHostStack } from './host-stack.ts';

test('adapter requests during an unbind end with NDIS_STATUS_CLOSING: NDIS never sees them (CHIM-LIF-002)', async () => {
  const stack = createHostStack();
  await stack.connect();
  let isHalted = false;
  stack.ndis.removeAdapter(stack.target.miniport, () => {
    isHalted = true;
  });
  stack.settle();
  const before = stack.target.calls.count('miniportOidRequest');
  const { host } = stack;
  const statuses = Promise.all([host.resetStatistics(4), host.setParameters(createOffloadParameters()), host.setPower(NDIS_DEVICE_POWER_STATE.NdisDeviceStateD0)]);
  const statistics = host.statistics();
  expect(await statuses).toEqual([NDIS_STATUS_CLOSING, NDIS_STATUS_CLOSING, NDIS_STATUS_CLOSING]);
  expect(await statistics).toEqual({ tcp4: null, tcp6: null, ip4: null, ip6: null });
  expect(stack.target.calls.count('miniportOidRequest')).toBe(before);
  expect(isHalted).toBe(false);
  await stack.complete('terminate');
  expect([isHalted, stack.takeViolations()]).toEqual([true, []]);
});
