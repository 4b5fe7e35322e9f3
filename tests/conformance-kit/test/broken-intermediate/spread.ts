import { blocksOf } from '@ndis-chimney/conformance/probes';
import { NDIS_STATUS_FAILURE, NDIS_STATUS_RESOURCES, type PathOffloadState } from '@ndis-chimney/types';

import { tapped, type BrokenIntermediate } from './broken-intermediate.ts';

export const brokenSpread: readonly BrokenIntermediate[] = [
  {
    does: 'forgets the port number of blocks',
    fails: 'spread-initiate',
    says: /PortNumber of the connection \d+ at the target: expected \d+, found 0/u,
    subject: tapped({
      lower: {
        initiateOffload: (next, tree) => {
          for (const block of blocksOf(tree)) block.portNumber = 0;
          next(tree);
        },
      },
    }),
  },
  {
    does: 'has one status for all refusals',
    fails: 'spread-refusals',
    says: /status and state of a connection below an adapter that refused it/u,
    subject: tapped({
      upper: {
        initiateOffloadComplete: (next, tree) => {
          for (const block of blocksOf(tree)) if (block.status === NDIS_STATUS_RESOURCES) block.status = NDIS_STATUS_FAILURE;
          next(tree);
        },
      },
    }),
  },
  {
    does: 'passes no path MTU on',
    fails: 'spread-operations',
    says: /what targets were told by an update/u,
    subject: tapped({
      lower: {
        updateOffload: (next, tree) => {
          for (const { state } of blocksOf(tree)) {
            const cached = (state as PathOffloadState | null)?.cached ?? null;
            if (cached !== null && 'pathMtu' in cached) cached.pathMtu = 1500;
          }
          next(tree);
        },
      },
    }),
  },
  {
    does: 'fails queries after an initiate without memory',
    fails: 'spread-without-memory',
    says: /a query after an initiate without memory failed/u,
    subject: tapped({
      upper: {
        queryOffloadStateComplete: (next, tree) => {
          for (const block of blocksOf(tree)) block.status = NDIS_STATUS_FAILURE;
          next(tree);
        },
      },
    }),
  },
  {
    does: 'fails queries after additions that were refused',
    fails: 'spread-additions',
    says: /a query after additions that were refused failed/u,
    subject: tapped({
      upper: {
        queryOffloadStateComplete: (next, tree) => {
          for (const block of blocksOf(tree)) block.status = NDIS_STATUS_FAILURE;
          next(tree);
        },
      },
    }),
  },
  {
    does: 'takes it that a terminate went down whatever happens',
    fails: 'spread-stopped',
    says: /completions of an operation of which a part was stopped: expected 1, found 0/u,
    subject: tapped({
      upper: {
        miniportTerminateOffload: (next, context, tree) => {
          try {
            next(context, tree);
          } catch {
            // What it does wrong.
          }
        },
      },
    }),
  },
  {
    does: 'makes placeholders of linkers',
    fails: 'spread-links',
    says: /a connection went to target 0 without a path/u,
    subject: tapped({
      lower: {
        initiateOffload: (next, tree) => {
          for (const block of blocksOf(tree)) if (block.state === null) block.offloadHandle = null;
          next(tree);
        },
      },
    }),
  },
  {
    does: 'fails ordinary sends that the adapter has sent',
    fails: 'without-medium',
    says: /success of ordinary sends is not what came of them/u,
    subject: tapped({
      upper: {
        sendNetBufferListsComplete: (next, list, flags) => {
          list.status = NDIS_STATUS_FAILURE;
          next(list, flags);
        },
      },
    }),
  },
];
