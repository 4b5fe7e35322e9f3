import { RULES } from '@ndis-chimney/core';
import { ChimneyViolation, NDIS_STATUS_PENDING, NDIS_STATUS_SUCCESS, NdisOidRequest, isChimneyViolation } from '@ndis-chimney/types';
import { describe, expect, test } from 'vitest';

import { bind, createHost, createTarget, createTestNdis, deferred, start } from './drivers.ts';

/** The next error that nobody catches, which the test runner does not get to see. */
function nextUncaught(): Promise<unknown> {
  return new Promise((resolve) => {
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => {
      for (const other of others) process.on('uncaughtException', other);
      resolve(error);
    });
  });
}

describe('violations', () => {
  test('one that a driver finds is counted, told to every listener, and given back to be thrown', () => {
    const { ndis, violations } = createTestNdis();
    const heard: ChimneyViolation[] = [];
    const stop = ndis.onViolationReported((violation) => {
      heard.push(violation);
    });
    const violation = ndis.reportViolation({ rule: 'CHIM-SND-006', actor: 'somebody', detail: 'did it', objects: [ndis], page: 'page.md' });
    expect(isChimneyViolation(violation)).toBe(true);
    expect(violation).toMatchObject({ rule: 'CHIM-SND-006', actor: 'somebody', detail: 'did it', objects: [ndis], page: 'page.md' });
    expect(violation.message).toBe('CHIM-SND-006: somebody: did it');
    expect([heard, violations, ndis.violationCount]).toEqual([[violation], [violation], 1]);
    stop();
    ndis.reportViolation({ rule: 'CHIM-SND-006', actor: 'somebody', detail: 'did it again' });
    expect([heard.length, ndis.violationCount]).toEqual([1, 2]);
  });

  test('one that escapes from a handler is reported once: by whoever found it', () => {
    const { ndis, violations } = createTestNdis();
    const target = createTarget('target', {
      miniportPause() {
        throw ndis.reportViolation({ rule: 'CHIM-SND-006', actor: 'somebody', detail: 'did it' });
      },
    });
    start(ndis, target);
    ndis.pauseAdapter(target.miniport);
    expect(violations.map(({ rule }) => rule)).toEqual(['CHIM-SND-006']);
  });

  test('CHIM-LIF-005: one that a driver made and never reported counts as an exception of the driver', () => {
    const { ndis, violations } = createTestNdis();
    const forged = new ChimneyViolation({ rule: 'CHIM-SND-006', actor: 'somebody else', detail: 'did it' });
    const target = createTarget('target', {
      miniportPause() {
        throw forged;
      },
    });
    start(ndis, target);
    ndis.pauseAdapter(target.miniport);
    expect(violations).toMatchObject([{ rule: 'CHIM-LIF-005', actor: 'target', cause: forged }]);
  });

  test('CHIM-LIF-005: what a DPC throws is reported, whatever it is', () => {
    const { ndis, settle, violations } = createTestNdis();
    for (const thrown of [new Error('boom'), 'text', undefined, null]) {
      deferred(ndis, () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- hostile drivers throw anything
        throw thrown;
      });
      settle();
      expect(violations.at(-1)).toMatchObject({ rule: 'CHIM-LIF-005', actor: 'a DPC' });
      expect(violations.at(-1)?.cause).toBe(thrown);
    }
  });

  test('with onViolation "throw", what no caller is there to be told of becomes an uncaught error', async () => {
    const { ndis } = createTestNdis({ onViolation: 'throw' });
    const target = createTarget('target', {
      miniportHaltEx() {
        throw new Error('boom');
      },
    });
    start(ndis, target);
    const uncaught = nextUncaught();
    ndis.removeAdapter(target.miniport);
    expect(await uncaught).toMatchObject({ rule: 'CHIM-LIF-005', actor: 'target' });
  });

  test('CHIM-PWR-002: with onViolation "throw", so does what a driver is accused of after it has returned', async () => {
    const { ndis, rules } = createTestNdis({ onViolation: 'throw' });
    const target = createTarget('target', {
      miniportOidRequest(_context, request) {
        target.miniport.oidRequestComplete(request, NDIS_STATUS_SUCCESS);
        return NDIS_STATUS_SUCCESS;
      },
    });
    start(ndis, target);
    const host = createHost(ndis);
    bind(ndis, host);
    const uncaught = nextUncaught();
    // The caller did nothing wrong, and is thrown nothing.
    expect(host.binding.oidRequest(Object.assign(new NdisOidRequest(), { requestType: 0, oid: 0x77 }))).toBe(NDIS_STATUS_PENDING);
    expect(await uncaught).toMatchObject({ rule: 'CHIM-PWR-002', actor: 'target' });
    expect(rules()).toEqual(['CHIM-PWR-002']);
  });

  test('a listener that throws is heard of as an uncaught error; the others are told, and so is who broke the rule', async () => {
    const { ndis } = createTestNdis();
    const target = createTarget();
    start(ndis, target);
    const boom = new Error('boom');
    const heard: string[] = [];
    ndis.onViolationReported(() => {
      throw boom;
    });
    ndis.onViolationReported(({ rule }) => {
      heard.push(rule);
    });
    const uncaught = nextUncaught();
    expect(() => {
      target.miniport.pauseComplete();
    }).toThrow(/^CHIM-LIF-006: target:/);
    expect(heard).toEqual(['CHIM-LIF-006']);
    expect(await uncaught).toBe(boom);
  });

  test('every rule NDIS checks names the page it is written on', () => {
    for (const [rule, page] of Object.entries(RULES)) {
      expect(rule).toMatch(/^CHIM-[A-Z]{2,3}-\d{3}$/);
      expect(page).toMatch(/^[a-z0-9_-]+\.md$/);
    }
  });

  test('two of NDIS in one process have nothing in common', () => {
    const one = createTestNdis();
    const other = createTestNdis();
    const target = createTarget();
    expect(start(one.ndis, target)).toBe(NDIS_STATUS_SUCCESS);
    expect(start(other.ndis, createTarget())).toBe(NDIS_STATUS_SUCCESS);
    const host = createHost(one.ndis);
    bind(one.ndis, host);
    expect(() => {
      target.miniport.pauseComplete();
    }).toThrow();
    expect([one.ndis.violationCount, other.ndis.violationCount]).toEqual([1, 0]);
  });
});
