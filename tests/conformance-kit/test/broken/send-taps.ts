// What deliberately broken targets have in common that are wrong about NET_BUFFER_LISTs or about what a terminate gives.
import { blocksOf, link, membersOf } from '@ndis-chimney/conformance/probes';
import type { MiniportTaps } from '@ndis-chimney/target-faulty';
import { TcpOffloadStateDelegated, type MiniportOffloadBlockList, type NetBufferList, type TcpOffloadState } from '@ndis-chimney/types';

/** Completes sends with something changed about each; `at` counts them. */
export function eachSendComplete(change: (nbl: NetBufferList, at: number) => void): MiniportTaps {
  let count = 0;
  return {
    tcpOffloadSendComplete: (next, list) => {
      for (const nbl of membersOf(list)) change(nbl, count++);
      next(list);
    },
  };
}

/** Completes the sends of a call in another order, or not all of them. */
export function rearrangedSendComplete(rearrange: (nbls: NetBufferList[]) => NetBufferList[]): MiniportTaps {
  return {
    tcpOffloadSendComplete: (next, list) => {
      const nbls = rearrange(membersOf(list));
      if (nbls.length > 0) next(link(nbls));
    },
  };
}

/** Calls this for the delegated state of every connection in a tree. */
export function eachDelegated(tree: MiniportOffloadBlockList, change: (delegated: TcpOffloadStateDelegated, block: MiniportOffloadBlockList) => void): void {
  for (const block of blocksOf(tree)) {
    const delegated = (block.state as TcpOffloadState | null)?.delegated ?? null;
    if (delegated instanceof TcpOffloadStateDelegated) change(delegated, block);
  }
}

/** Gives connections back with something changed about them. */
export function eachTerminated(change: (delegated: TcpOffloadStateDelegated, block: MiniportOffloadBlockList) => void): MiniportTaps {
  return {
    terminateOffloadComplete: (next, tree) => {
      eachDelegated(tree, change);
      next(tree);
    },
  };
}

/** Answers queries of connections with something changed about them. */
export function eachQueried(change: (delegated: TcpOffloadStateDelegated, block: MiniportOffloadBlockList) => void): MiniportTaps {
  return {
    queryOffloadStateComplete: (next, tree) => {
      eachDelegated(tree, change);
      next(tree);
    },
  };
}

/** Takes connections over with something changed about them. */
export function eachInitiated(change: (delegated: TcpOffloadStateDelegated, block: MiniportOffloadBlockList) => void): MiniportTaps {
  return {
    miniportInitiateOffload: (next, context, tree) => {
      eachDelegated(tree, change);
      next(context, tree);
    },
  };
}

/** Completes disconnects with something changed about them. */
export function eachDisconnectComplete(change: (nbl: NetBufferList) => void): MiniportTaps {
  return {
    tcpOffloadDisconnectComplete: (next, nbl) => {
      change(nbl);
      next(nbl);
    },
  };
}

/** Completes sends after the disconnect that they were passed down before. */
export function sendsAfterDisconnect(): MiniportTaps {
  let held: (() => void)[] = [];
  return {
    tcpOffloadSendComplete: (next, list) => {
      held.push(() => {
        next(list);
      });
    },
    tcpOffloadDisconnectComplete: (next, nbl) => {
      const due = held;
      held = [];
      next(nbl);
      for (const complete of due) complete();
    },
  };
}

/** What may be completed late. */
type DataCompletion = 'tcpOffloadSendComplete' | 'tcpOffloadReceiveComplete' | 'tcpOffloadForwardComplete' | 'tcpOffloadDisconnectComplete';

/** Completes requests of one kind that are pending at a terminate when that has completed. */
export function completedAfterTerminate(completion: DataCompletion): MiniportTaps {
  let isTerminating = false;
  let held: (() => void)[] = [];
  return {
    miniportTerminateOffload: (next, ...args) => {
      isTerminating = true;
      next(...args);
    },
    [completion]: (next: (list: NetBufferList) => void, list: NetBufferList) => {
      if (!isTerminating) {
        next(list);
        return;
      }
      held.push(() => {
        next(list);
      });
    },
    terminateOffloadComplete: (next, tree) => {
      next(tree);
      const due = held;
      held = [];
      for (const complete of due) complete();
    },
  };
}
