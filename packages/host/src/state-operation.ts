import type { NDIS_STATUS, ProtocolOffloadBlockList } from '@ndis-chimney/types';

import type { OffloadedObject } from './offloaded-object.ts';

/** What an operation that wants to begin is told: go, not yet, or the status that it ends with. */
export type Readiness = 'go' | 'wait' | NDIS_STATUS;

/**
 * One state-manipulation operation of the host, from the wish to the completion. The root of its tree names it in
 * `protocolReserved0`.
 */
export interface StateOperation {
  /** What it names; of two operations that share an object the one wished for first goes first. */
  readonly objects: readonly OffloadedObject[];
  readiness(): Readiness;
  /** Builds the tree and passes it down. */
  begin(): void;
  /** Ends it before it began. */
  refuse(status: NDIS_STATUS): void;
  /** The tree came back. */
  completed(root: ProtocolOffloadBlockList): void;
}

/** Operations that have to wait: for an object to be offloaded, or for another operation on it to end. */
export class OperationQueue {
  private waiting: StateOperation[] = [];

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  add(operation: StateOperation): void {
    this.waiting.push(operation);
  }

  /** Begins or refuses whatever need not wait any more. @returns false when all of them do. */
  run(): boolean {
    const before = this.waiting;
    if (before.length === 0) return false;
    this.waiting = [];
    const taken = new Set<OffloadedObject>();
    const left: StateOperation[] = [];
    for (const operation of before) {
      const isBehind = operation.objects.some((object) => taken.has(object));
      const readiness = isBehind ? 'wait' : operation.readiness();
      if (readiness === 'wait') {
        for (const object of operation.objects) taken.add(object);
        left.push(operation);
      } else if (readiness === 'go') {
        operation.begin();
      } else {
        operation.refuse(readiness);
      }
    }
    // What was asked for meanwhile comes after what has been waiting.
    this.waiting = [...left, ...this.waiting];
    return left.length < before.length;
  }
}
