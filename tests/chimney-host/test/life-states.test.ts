import type { OffloadState, OffloadStateChange } from '@ndis-chimney/host';
import {
  NDIS_STATUS_FAILURE,
  NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES,
  NDIS_STATUS_SUCCESS,
  TCP_OFFLOAD_EVENT_TYPE,
  TCP_UPLOAD_REASON,
} from '@ndis-chimney/types';
import { expect, test } from 'vitest';

import { createHostStack, from, refuse, type HostStack } from './host-stack.ts';

/** One situation of the life cycle, and what becomes of the objects in it: `layer: from > to (reason)`. */
interface Situation {
  readonly rule: string;
  readonly what: string;
  readonly act: (stack: HostStack) => Promise<void>;
  readonly changes: readonly string[];
}

const all = (change: string): string[] => ['neighbor', 'path', 'tcp'].map((layer) => `${layer}: ${change}`);
const back = (change: string): string[] => ['tcp', 'path', 'neighbor'].map((layer) => `${layer}: ${change}`);
const OFFERED = all('InHost > Offloading (offered)');
const OFFLOADED = [...OFFERED, ...all('Offloading > Offloaded (accepted)')];

const requested = (from: OffloadState): string[] => [
  `tcp: ${from} > Uploading (requested)`,
  'path: Offloaded > Uploading (lastDependentGone)',
  'neighbor: Offloaded > Uploading (lastDependentGone)',
];

const SITUATIONS: readonly Situation[] = [
  {
    rule: 'LC1, LC2',
    what: 'an offload that is accepted',
    act: async (stack) => { await stack.connect(); },
    changes: OFFLOADED,
  },
  {
    rule: 'LC3',
    what: 'an offload that is refused',
    act: async (stack) => {
      void stack.host.offload(from(1));
      await stack.rest();
      await stack.complete('initiate', { change: (block) => { refuse(block, NDIS_STATUS_OFFLOAD_NEIGHBOR_ENTRIES); } });
    },
    changes: [...OFFERED, ...all('Offloading > InHost (refused)')],
  },
  {
    rule: 'LC4, LC5',
    what: 'queries and updates that succeed change nothing',
    act: async (stack) => {
      const connection = await stack.connect();
      void connection.query();
      void connection.update({ kaProbeCount: 1 });
      await stack.complete('query');
      await stack.complete('update');
    },
    changes: OFFLOADED,
  },
  {
    rule: 'LC6, LC9, LC10',
    what: 'an update that fails',
    act: async (stack) => {
      void (await stack.connect()).update({ kaProbeCount: 1 });
      await stack.complete('update', { status: NDIS_STATUS_FAILURE });
      await stack.complete('terminate');
    },
    changes: [
      ...OFFLOADED,
      'tcp: Offloaded > Uploading (updateFailed)',
      'path: Offloaded > Uploading (lastDependentGone)',
      'neighbor: Offloaded > Uploading (lastDependentGone)',
      ...back('Uploading > InHost (uploaded)'),
    ],
  },
  {
    rule: 'LC7, LC9',
    what: 'an invalidate, and the terminate of what is invalid',
    act: async (stack) => {
      const connection = await stack.connect();
      void connection.invalidate();
      await stack.complete('invalidate');
      void connection.terminate();
      await stack.complete('terminate');
    },
    changes: [...OFFLOADED, 'tcp: Offloaded > Invalid (invalidated)', ...requested('Invalid'), ...back('Uploading > InHost (uploaded)')],
  },
  {
    rule: 'LC8',
    what: 'an invalidate that fails',
    act: async (stack) => {
      void (await stack.connect()).invalidate();
      await stack.complete('invalidate', { status: NDIS_STATUS_FAILURE });
    },
    changes: OFFLOADED,
  },
  {
    rule: 'LC9, LC10',
    what: 'a terminate',
    act: async (stack) => {
      void (await stack.connect()).terminate();
      await stack.complete('terminate');
    },
    changes: [...OFFLOADED, ...requested('Offloaded'), ...back('Uploading > InHost (uploaded)')],
  },
  {
    rule: 'LC11, LC12',
    what: 'a terminate that fails, and the one after the events of the target (AMB-29)',
    act: async (stack) => {
      void (await stack.connect()).terminate();
      await stack.complete('terminate', { status: NDIS_STATUS_FAILURE });
      stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateRetrieve, TCP_UPLOAD_REASON.HardwareFailure);
      stack.target.event(stack.handle, TCP_OFFLOAD_EVENT_TYPE.TcpIndicateAbort);
      await stack.rest();
      await stack.complete('terminate');
    },
    changes: [
      ...OFFLOADED,
      ...requested('Offloaded'),
      ...back('Uploading > Lost (lost)'),
      'tcp: Lost > Uploading (requested)',
      'path: Lost > Uploading (lastDependentGone)',
      'neighbor: Lost > Uploading (lastDependentGone)',
      ...back('Uploading > InHost (uploaded)'),
    ],
  },
  {
    rule: 'LC13',
    what: 'an invalid neighbor whose path goes to another',
    act: async (stack) => {
      const { path } = await stack.connect();
      void path?.neighbor?.invalidate();
      await stack.complete('invalidate');
      void stack.host.relink(path === null ? [] : [path], from(1, { nextHopMac: Uint8Array.of(2, 0, 0, 0, 0, 7) }).neighbor);
      await stack.complete('initiate');
      await stack.complete('update');
      await stack.complete('terminate');
    },
    changes: [
      ...OFFLOADED,
      'neighbor: Offloaded > Invalid (invalidated)',
      'neighbor: InHost > Offloading (offered)',
      'neighbor: Offloading > Offloaded (accepted)',
      'neighbor: Invalid > Uploading (lastDependentGone)',
      'neighbor: Uploading > InHost (uploaded)',
    ],
  },
];

/** Every step there is (`behaviour` of LC1 to LC12), and giving up, which is the host's own. */
const STEPS: readonly [OffloadState, OffloadState][] = [
  ['InHost', 'Offloading'],
  ['Offloading', 'Offloaded'],
  ['Offloading', 'InHost'],
  ['Offloaded', 'Invalid'],
  ['Offloaded', 'Uploading'],
  ['Invalid', 'Uploading'],
  ['Uploading', 'InHost'],
  ['Uploading', 'Lost'],
  ['Lost', 'Uploading'],
];

const nameOf = ({ object, from: before, to, reason }: OffloadStateChange): string => `${object.layer}: ${before} > ${to} (${reason})`;

test.each(SITUATIONS)('$rule: $what (CHIM-ST-001)', async ({ act, changes }) => {
  const stack = createHostStack();
  const seen: string[] = [];
  const subscription = stack.host.stateChanges$.subscribe((change) => seen.push(nameOf(change)));
  await act(stack);
  subscription.unsubscribe();
  expect(seen).toEqual(changes);
  await stack.close();
});

test('the situations above take every step there is, and no other', async () => {
  const seen = new Set<string>();
  for (const { act } of SITUATIONS) {
    const stack = createHostStack();
    stack.host.stateChanges$.subscribe(({ from: before, to }) => seen.add(`${before} > ${to}`));
    await act(stack);
    await stack.close();
  }
  expect([...seen].sort()).toEqual(STEPS.map(([before, to]) => `${before} > ${to}`).sort());
});

test('a change says what status it came with, and an object tells of its own changes', async () => {
  const stack = createHostStack();
  const connection = await stack.connect();
  const own: OffloadStateChange[] = [];
  connection.stateChanges$.subscribe((change) => own.push(change));
  void connection.terminate('lowActivity');
  await stack.complete('terminate', { status: NDIS_STATUS_FAILURE });
  expect(own.map(({ to, reason, status }) => [to, reason, status])).toEqual([
    ['Uploading', 'lowActivity', NDIS_STATUS_SUCCESS],
    ['Lost', 'lost', NDIS_STATUS_FAILURE],
  ]);
  await stack.close();
});

test('what a subscriber does in a change happens after the change: objects are never seen half moved', async () => {
  const stack = createHostStack();
  const states: string[] = [];
  stack.host.stateChanges$.subscribe(({ object, to }) => {
    states.push(object.offloadState === to ? 'moved' : 'not moved');
    if (to === 'Offloaded' && object.layer === 'tcp') void stack.host.terminate();
  });
  const { connection } = await (async () => {
    const offloading = stack.host.offload(from(1));
    await stack.rest();
    stack.accept();
    return offloading;
  })();
  expect(connection?.offloadState).toBe('Uploading');
  await stack.complete('terminate');
  expect(new Set(states)).toEqual(new Set(['moved']));
  expect(stack.host.offloadedObjects).toEqual([]);
  await stack.close();
});
