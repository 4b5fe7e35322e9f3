import { NDIS_STATUS_OFFLOAD_PAUSE, NDIS_STATUS_PAUSED, NDIS_STATUS_UPLOAD_ALL } from '@ndis-chimney/types';

import type { EdgeRecord } from '../record/edge-record.ts';
import type { ObjectRecord } from '../record/object-record.ts';
import type { Rule } from '../rule.ts';
import { isTargets, nameOf } from '../judge/trees.ts';

export const uploadAllRules: readonly Rule[] = [
  {
    id: 'CHIM-TRM-016',
    actors: ['target'],
    severity: 'error',
    page: 'handling-send-requests-during-a-terminate-offload-operation.md',
    holds: 'From the moment a target wants a connection uploaded, sends that are not handed back in the terminate end with UPLOAD_IN_PROGRESS, never with PAUSED.',
    why: 'UPLOAD_IN_PROGRESS tells the host to send the rest itself; PAUSED tells it nothing of the kind.',
    cause: 'Look for statuses of the ordinary path in the chimney.',
    example: 'After TcpIndicateRetrieve a send is completed with NDIS_STATUS_PAUSED.',
    observed: ['up'],
    decidedBy: 'verifier',
    missing: 'The other statuses of sends are judged by the rules about sends.',
    watch: ({ broken }) => ({
      requestUp: ({ object, nbl, isTakenBack }, { kind, edge }) => {
        if (kind !== 'send' || edge.lowerRole !== 'target' || isTakenBack || nbl.status !== NDIS_STATUS_PAUSED || !object.isLeaving) return;
        broken(edge.lower, `completes a send of ${object.name}, which is to be uploaded, with NDIS_STATUS_PAUSED`, nbl, object.handle);
      },
    }),
  },
  {
    id: 'CHIM-TRM-020',
    actors: ['host'],
    severity: 'error',
    page: 'ndis-status-offload-pause.md',
    holds: 'After OFFLOAD_PAUSE or UPLOAD_ALL nothing is offloaded until OFFLOAD_RESUME, and until the capabilities were queried again.',
    why: 'What the target can offload may have changed: that is often the reason for the pause.',
    cause: 'Look for a host that hears OFFLOAD_RESUME and goes on with the capabilities it knew.',
    example: 'A connection is offered between OFFLOAD_PAUSE and OFFLOAD_RESUME.',
    observed: ['status', 'down'],
    decidedBy: 'verifier',
    watch: ({ broken }) => {
      const told = new WeakSet<EdgeRecord>();
      return {
        status: (edge, { statusCode }) => {
          if (statusCode === NDIS_STATUS_OFFLOAD_PAUSE || statusCode === NDIS_STATUS_UPLOAD_ALL) told.add(edge);
        },
        treeDown: ({ operation, edge, root }) => {
          if (operation !== 'initiate' || edge.upperRole !== 'host' || !told.has(edge)) return;
          if (edge.mood !== 'normal') broken(edge.upper, `offloads through ${edge.lower}, which is ${edge.mood}`, root);
          else if (!edge.isCapabilityQueried) broken(edge.upper, `offloads through ${edge.lower} again without having queried its capabilities`, root);
        },
      };
    },
  },
  {
    id: 'CHIM-TRM-021',
    actors: ['host'],
    severity: 'error',
    page: 'ndis-status-upload-all.md',
    holds: 'After UPLOAD_ALL every connection, path and neighbor that is offloaded is terminated, in one call or several.',
    why: 'The target is about to go, or to be reset.',
    cause: 'Look for paths and neighbors that are kept for connections to come.',
    example: 'The connections are terminated, their path stays.',
    observed: ['status', 'down'],
    decidedBy: 'verifier',
    watch: ({ broken, edges }) => {
      const due = new WeakSet<ObjectRecord>();
      return {
        status: (edge, { statusCode }) => {
          if (statusCode !== NDIS_STATUS_UPLOAD_ALL || edge.upperRole !== 'host') return;
          for (const object of edge.objects.values()) due.add(object);
        },
        end: () => {
          for (const edge of edges) {
            for (const object of edge.objects.values()) {
              if (due.has(object) && object.state === 'offloaded') broken(edge.upper, `has not terminated ${object.name} after NDIS_STATUS_UPLOAD_ALL`, object.handle);
            }
          }
        },
      };
    },
  },
  {
    id: 'CHIM-TRM-022',
    actors: ['target'],
    severity: 'warning',
    page: 'ndis-status-offload-pause.md',
    holds: 'A target that has indicated OFFLOAD_PAUSE goes on serving what is offloaded, and keeps initiates that still reach it for later instead of failing them for the pause.',
    why: 'The pause is about new offloads only, and an initiate that was on its way is not the host’s mistake.',
    cause: 'Look for PAUSED, the status of adapters that NDIS has paused, where the chimney is.',
    example: 'A send is completed with NDIS_STATUS_PAUSED after the target has indicated OFFLOAD_PAUSE.',
    observed: ['status', 'up'],
    decidedBy: 'verifier',
    missing: 'For which reason an initiate fails is known only where its status says it.',
    watch: ({ broken }) => ({
      requestUp: ({ object, nbl, isTakenBack }, { kind, edge }) => {
        if (kind !== 'send' || edge.lowerRole !== 'target' || edge.mood !== 'paused' || isTakenBack || nbl.status !== NDIS_STATUS_PAUSED || object.isLeaving) return;
        broken(edge.lower, `completes a send of ${object.name} with NDIS_STATUS_PAUSED because it has indicated NDIS_STATUS_OFFLOAD_PAUSE`, nbl, object.handle);
      },
      treeUp: (tree) => {
        if (tree.operation !== 'initiate' || !isTargets(tree) || tree.edge.mood !== 'paused') return;
        const failed = tree.blocks.find(({ block }) => block.status === NDIS_STATUS_PAUSED);
        if (failed !== undefined) broken(tree.edge.lower, `fails ${nameOf(failed)} with NDIS_STATUS_PAUSED because it has indicated NDIS_STATUS_OFFLOAD_PAUSE`, tree.root);
      },
    }),
  },
];
