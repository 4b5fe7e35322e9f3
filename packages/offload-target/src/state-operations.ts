import { NDIS_STATUS_FAILURE, type MiniportOffloadBlockList } from '@ndis-chimney/types';

import type { ConnectionReport } from './connection-record.ts';
import { beginInitiate, finishInitiate, opened } from './initiate.ts';
import { beginInvalidate, finishInvalidate } from './invalidate.ts';
import type { OffloadAdapter } from './offload-adapter.ts';
import type { NeighborObject, PathObject } from './offload-objects.ts';
import { beginQuery, queried } from './query.ts';
import { QUESTION, type Question } from './questions.ts';
import { beginTerminate, exported, finishTerminate } from './terminate.ts';
import type { TcpObject } from './tcp-object.ts';
import { beginUpdate, finishUpdate, updated } from './update.ts';

/** What a tree came down for. */
export type OperationKind = 'initiate' | 'terminate' | 'update' | 'invalidate' | 'query';

/** A tree that came down, until it goes up again. It waits for every question that it has made the engine. */
export class StateOperation {
  readonly kind: OperationKind;
  readonly tree: MiniportOffloadBlockList;
  /** Questions to the engine that have not been answered. */
  pending = 0;
  /** When the engine is taken for dead, in the clock's milliseconds. */
  deadlineMs = 0;
  /** Connections that the operation has to do with. */
  readonly connections: TcpObject[] = [];
  /** Blocks whose status depends on those below them, deepest first; with linkers marked. */
  readonly parents: { readonly block: MiniportOffloadBlockList; readonly isLinker: boolean }[] = [];
  /** Paths and neighbors that go back with the tree. */
  readonly released: (NeighborObject | PathObject)[] = [];
  /** True when a path got another neighbor. */
  hasRelinked = false;
  /** True once the tree is back with the host. */
  isFinished = false;

  constructor(kind: OperationKind, tree: MiniportOffloadBlockList) {
    this.kind = kind;
    this.tree = tree;
  }
}

/** Does all that can be done before the engine answers. */
export function beginOperation(adapter: OffloadAdapter, operation: StateOperation): void {
  switch (operation.kind) {
    case 'initiate':
      beginInitiate(adapter, operation);
      break;
    case 'terminate':
      beginTerminate(adapter, operation);
      break;
    case 'update':
      beginUpdate(adapter, operation);
      break;
    case 'invalidate':
      beginInvalidate(adapter, operation);
      break;
    case 'query':
      beginQuery(adapter, operation);
      break;
  }
}

/** An answer of the engine, for one block. @param status NDIS_STATUS_FAILURE when there will be none. */
export function takeAnswer(adapter: OffloadAdapter, question: Question, status: number, report: ConnectionReport): void {
  const { block, tcp } = question;
  if (tcp === null) return;
  switch (question.kind) {
    case QUESTION.open:
      opened(adapter, tcp, block!, status);
      break;
    case QUESTION.update:
      updated(block, status);
      break;
    case QUESTION.hold:
      if (status !== 0 && block !== null) block.status = NDIS_STATUS_FAILURE;
      break;
    case QUESTION.query:
      queried(tcp, block!, status, report);
      break;
    case QUESTION.export:
      exported(question.operation!, tcp, block!, status, report);
      break;
  }
}

/**
 * Completes an operation. Requests that ended before go back before; what it leads to afterwards (data, events) comes
 * after.
 */
export function finishOperation(adapter: OffloadAdapter, operation: StateOperation): void {
  if (operation.kind === 'initiate') finishInitiate(operation);
  adapter.completions.flush();
  operation.isFinished = true;
  adapter.upcalls.complete(adapter.miniport, operation.kind, operation.tree);
  switch (operation.kind) {
    case 'initiate':
      adapter.enable(operation.connections);
      break;
    case 'terminate':
      finishTerminate(adapter, operation);
      break;
    case 'update':
      finishUpdate(adapter, operation);
      break;
    case 'invalidate':
      finishInvalidate(adapter);
      break;
    case 'query':
      break;
  }
}
