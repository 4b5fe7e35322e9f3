import { present } from '@ndis-chimney/conformance/probes';
import { OFFLOAD_STATE_TYPE, type MiniportOffloadBlockList, type NeighborOffloadState } from '@ndis-chimney/types';

import { sinkSubject } from '../subjects.ts';
import type { Broken } from './broken-target.ts';

/** The neighbor state of a block, if it is one. */
function neighborStateOf(block: MiniportOffloadBlockList): NeighborOffloadState | null {
  return block.header.type === OFFLOAD_STATE_TYPE.NeighborOffloadState ? (block.state as NeighborOffloadState | null) : null;
}

/** Changes the age of neighbors that a query reports. */
function reports(change: (ticks: number) => number): Broken['taps'] {
  return () => ({
    queryOffloadStateComplete: (next, root) => {
      const delegated = neighborStateOf(root)?.delegated;
      if (delegated != null) delegated.nicReachabilityDelta = change(delegated.nicReachabilityDelta);
      next(root);
    },
  });
}

export const brokenEventsNeighbor: readonly Broken[] = [
  {
    does: 'asks about neighbors a tick early',
    fails: 'target-neighbor-query',
    says: /queries about a neighbor that was heard of 100 ticks ago: expected 0, found 1/,
    taps: () => ({
      miniportInitiateOffload: (next, adapter, root) => {
        const { cached, delegated } = present(neighborStateOf(root));
        if (cached !== null) cached.hostReachabilityDelta++;
        if (delegated !== null) delegated.nicReachabilityDelta++;
        next(adapter, root);
      },
    }),
  },
  {
    does: 'never asks about neighbors',
    fails: 'target-neighbor-query',
    says: /queries about a neighbor that was heard of 101 ticks ago: expected 1, found 0/,
    taps: () => ({ offloadEventIndicate: () => undefined }),
  },
  {
    does: 'asks with the age of the offload',
    fails: 'target-neighbor-query',
    says: /HostReachabilityDelta and NicReachabilityDelta of the query/,
    taps: () => ({
      offloadEventIndicate: (next, block, code) => {
        const delegated = neighborStateOf(block)?.delegated;
        if (delegated != null) delegated.nicReachabilityDelta = 50;
        next(block, code);
      },
    }),
  },
  {
    does: 'asks with another code',
    fails: 'target-neighbor-query',
    says: /indication code/,
    taps: () => ({
      offloadEventIndicate: (next, block) => {
        next(block, 77);
      },
    }),
  },
  {
    does: 'asks about each neighbor with the const state of the same one',
    fails: 'target-neighbor-query-of-two',
    says: /VLANs and addresses of the neighbors that were asked about/,
    taps: () => ({
      offloadEventIndicate: (next, block, code) => {
        present(present(neighborStateOf(block)).const).vlanId = 9;
        next(block, code);
      },
    }),
    subject: sinkSubject,
  },
  {
    does: 'does not hear the answer',
    fails: 'target-neighbor-answer',
    says: /queries 100 ticks after the host answered 0: expected 0, found 1/,
    taps: () => ({
      offloadEventIndicate: (next, block, code) => {
        const cached = present(present(neighborStateOf(block)).cached);
        const { hostReachabilityDelta } = cached;
        next(block, code);
        cached.hostReachabilityDelta = hostReachabilityDelta;
      },
    }),
  },
  {
    does: 'takes every answer for 0',
    fails: 'target-neighbor-answer',
    says: /queries 81 ticks after the host answered 20: expected 1, found 0/,
    taps: () => ({
      offloadEventIndicate: (next, block, code) => {
        next(block, code);
        present(present(neighborStateOf(block)).cached).hostReachabilityDelta = 0;
      },
    }),
  },
  {
    does: 'takes an acknowledgment for nothing that shows a neighbor\'s presence',
    fails: 'target-neighbor-progress',
    says: /NicReachabilityDelta is 60 ticks right after an acknowledgment/,
    taps: reports((ticks) => Math.max(60, ticks)),
  },
  {
    does: 'reports the age of neighbors in other ticks than were set',
    fails: 'target-neighbor-progress',
    says: /NicReachabilityDelta 30 ticks later/,
    taps: reports((ticks) => Math.floor(ticks / 10)),
  },
  {
    does: 'does not note acknowledgments',
    fails: 'target-neighbor-progress-noted',
    says: /NicReachabilityDelta is 20\d\d\d ticks right after an acknowledgment/,
    taps: reports((ticks) => Math.max(20_000, ticks)),
  },
  {
    does: 'counts ages in 16 bits',
    fails: 'target-neighbor-wrap',
    says: /NicReachabilityDelta went on by -?\d+ in 300 ticks, from 1879048192/,
    taps: reports((ticks) => ticks & 0xFFFF),
  },
];
