import { BACKLOG_SIZE_UNSUPPORTED, NDIS_STATUS_SUCCESS, type TcpOffloadState, type TcpOffloadStateDelegated } from '@ndis-chimney/types';

import type { ObjectRecord } from '../record/object-record.ts';
import type { BlockPicture, TreeRecord } from '../record/tree-record.ts';
import type { Rule } from '../rule.ts';
import { watchHardwareFailure } from '../judge/hardware-failure.ts';
import { isTargets } from '../judge/trees.ts';

/** How the stream of a connection stood when its query went down. */
interface Figures {
  readonly received: number;
  /** Receive requests posted so far, and whether some are pending, which may have been filled in part. */
  readonly posted: number;
  readonly hasRequests: boolean;
  readonly acknowledged: number;
  readonly undelivered: number;
  /** Whether the structure was given a pointer where the answer has a size. */
  readonly hasPointers: boolean;
}

function figuresOf({ object, state }: BlockPicture): Figures {
  const delegated = (state as TcpOffloadState | null)?.delegated ?? null;
  return {
    received: object?.bytesReceived ?? 0,
    posted: object?.receivesPosted ?? 0,
    hasRequests: (object?.pending.receive.size ?? 0) > 0,
    acknowledged: object?.bytesAcknowledged ?? 0,
    undelivered: object?.undelivered?.byteCount ?? 0,
    hasPointers: delegated !== null && pointersIn(delegated),
  };
}

function pointersIn({ sendDataHead, sendDataTail, bufferedData }: TcpOffloadStateDelegated): boolean {
  return sendDataHead !== null || sendDataTail !== null || bufferedData !== null;
}

/** What the delegated state of a connection cannot be, after what has crossed its edge; null when it can. */
function impossibleOf({ handedOver, bytesSent }: ObjectRecord, { sndUna, sndNxt, sndMax }: TcpOffloadStateDelegated, acknowledged: number): string | null {
  if (handedOver === null) return null;
  const unacknowledged = (handedOver.sndUna + acknowledged - sndUna) | 0;
  if (unacknowledged > 0) return `SndUna is ${unacknowledged} bytes behind what was completed as acknowledged`;
  if (((sndNxt - sndUna) | 0) < 0 || ((sndMax - sndNxt) | 0) < 0) return 'SndUna, SndNxt and SndMax do not follow each other';
  // A FIN takes a number behind the data.
  const beyond = (sndMax - handedOver.sndUna - bytesSent - 1) | 0;
  return beyond > 0 ? `SndMax is ${beyond} bytes behind all that was to be sent` : null;
}

/** What is no number of bytes. */
function isNoSize(size: number): boolean {
  return !Number.isInteger(size) || size < BACKLOG_SIZE_UNSUPPORTED || size > 0xFFFF_FFFF;
}

/** Runs a check for each connection that a query of a target succeeded for. */
function watchDelegated(check: (object: ObjectRecord, delegated: TcpOffloadStateDelegated, figures: Figures, tree: TreeRecord) => void): ReturnType<NonNullable<Rule['watch']>> {
  const figures = new WeakMap<TreeRecord, ReadonlyMap<BlockPicture, Figures>>();
  return {
    treeDown: (tree) => {
      if (tree.operation === 'query' && tree.edge.lowerRole === 'target') figures.set(tree, new Map(tree.blocks.map((picture) => [picture, figuresOf(picture)])));
    },
    treeUp: (tree) => {
      if (!isTargets(tree)) return;
      for (const [{ object, layer, block }, then] of figures.get(tree) ?? []) {
        const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
        if (object !== null && layer === 'tcp' && delegated !== null && block.status === NDIS_STATUS_SUCCESS) check(object, delegated, then, tree);
      }
    },
  };
}

export const queryRules: readonly Rule[] = [
  {
    id: 'CHIM-QRY-001',
    actors: ['target'],
    severity: 'error',
    page: 'filling-in-the-queried-state.md',
    holds: 'Every variable that a query returns with SUCCESS had that value at some moment between the call and the completion, and the query changes nothing.',
    why: 'Hosts decide by it what to do with a connection, and diagnose by it.',
    cause: 'Look for structures that are filled from a copy that is not kept up to date, or not at all.',
    example: '500 bytes of a connection were acknowledged, and SndUna is what it was when it was handed over.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    missing: 'Of the delegated variables only the positions in the two streams are known from what crosses an edge; RcvNxt is CHIM-RCV-008.',
    watch: ({ broken, followsRequests }) =>
      watchDelegated((object, delegated, { acknowledged }, { edge, root }) => {
        if (!followsRequests || object.isAborted) return;
        const impossible = impossibleOf(object, delegated, acknowledged);
        if (impossible !== null) broken(edge.lower, `query of ${object.name}: ${impossible}`, root, object.handle);
      }),
  },
  {
    id: 'CHIM-QRY-002',
    actors: ['target'],
    severity: 'error',
    page: 'query-offload-sequence.md',
    holds: 'Queries of one object that overlap are all accepted, and each is completed.',
    why: 'A query changes nothing: there is no reason why one should wait for another, or stand for it.',
    cause: 'Look for a target that keeps one pending query per object.',
    example: 'Of two queries of a connection the second is completed, the first never.',
    observed: ['down', 'up'],
    decidedBy: 'verifier',
    watch: ({ broken, edges, limits }) => {
      const reported = new WeakSet<TreeRecord>();
      const look = (isLate: (tree: TreeRecord) => boolean): void => {
        for (const edge of edges) {
          if (edge.lowerRole !== 'target') continue;
          for (const tree of edge.trees.values()) {
            if (!tree.isOverlapping || reported.has(tree) || !isLate(tree)) continue;
            reported.add(tree);
            broken(edge.lower, `has not completed one of several queries of an object, since ${tree.atMs} ms`, tree.root);
          }
        }
      };
      return {
        tick: (nowMs) => {
          look(({ atMs }) => nowMs - atMs > limits.stateMs);
        },
        end: () => {
          look(() => true);
        },
      };
    },
  },
  {
    id: 'CHIM-QRY-003',
    actors: ['target'],
    severity: 'error',
    page: 'ns-ndischimney-_tcp_offload_state_delegated.md',
    holds: 'A query returns the backlogs as numbers of bytes, or as 0xFFFFFFFF where they are not supported, and no pointers.',
    why: 'In C the sizes lie where an initiate has its pointers: what is not written is taken for a size.',
    cause: 'Look for delegated state that is copied whole, as for a terminate.',
    example: 'ReceiveBacklogSize is 0, and 300 bytes that the host refused are still with the target.',
    observed: ['up', 'memory'],
    decidedBy: 'verifier',
    watch: ({ broken, followsRequests }) =>
      watchDelegated((object, delegated, { received, posted, hasRequests, undelivered, hasPointers }, { edge, root }) => {
        const { sendBacklogSize, receiveBacklogSize } = delegated;
        const isSupported = receiveBacklogSize >>> 0 !== 0xFFFF_FFFF;
        if (isNoSize(sendBacklogSize) || isNoSize(receiveBacklogSize)) {
          broken(edge.lower, `query of ${object.name}: SendBacklogSize ${sendBacklogSize}, ReceiveBacklogSize ${receiveBacklogSize}`, root, object.handle);
        } else if (!hasPointers && pointersIn(delegated)) {
          broken(edge.lower, `query of ${object.name}: SendDataHead, SendDataTail or BufferedData where the sizes are`, root, object.handle);
        } else if (followsRequests && isSupported && !object.isAborted && !hasRequests && posted === object.receivesPosted && received === object.bytesReceived && receiveBacklogSize < undelivered) {
          broken(edge.lower, `query of ${object.name}: ReceiveBacklogSize is ${receiveBacklogSize}, and ${undelivered} bytes are with the target`, root, object.handle);
        }
      }),
  },
  {
    id: 'CHIM-QRY-004',
    actors: ['target'],
    severity: 'error',
    page: 'returning-the-completion-status-of-a-query-offload-operation.md',
    holds: 'A query that failed is followed by TcpIndicateRetrieve for HardwareFailure, by TcpIndicateAbort and, when the host terminates the connection, by REQUEST_ABORTED for its sends and receives.',
    why: 'State that cannot be read is lost: the connection cannot go on, in the target or in the host.',
    cause: 'Look for a target that fails a query for another reason than corrupt hardware.',
    example: 'A query fails and nothing else happens.',
    observed: ['up'],
    decidedBy: 'verifier',
    watch: watchHardwareFailure('query'),
  },
  {
    id: 'CHIM-QRY-005',
    actors: ['host'],
    severity: 'warning',
    page: 'nc-ndischimney-w_query_offload_handler.md',
    holds: 'An object whose query failed is terminated.',
    why: 'The target keeps resources for something that does not work any more.',
    cause: 'Look at what the host does with the status of a query.',
    example: 'A query fails, the connection stays offloaded to the end.',
    observed: ['down'],
    decidedBy: 'verifier',
    watch: ({ broken, edges }) => ({
      end: () => {
        for (const edge of edges) {
          if (edge.upperRole !== 'host') continue;
          for (const object of edge.objects.values()) {
            if (object.hardwareFailure === 'query' && object.state === 'offloaded') broken(edge.upper, `has not terminated ${object.name}, whose query failed`, object.handle);
          }
        }
      },
    }),
  },
];
