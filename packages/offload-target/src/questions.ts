import type { MiniportOffloadBlockList } from '@ndis-chimney/types';

import type { StateOperation } from './state-operations.ts';
import type { TcpObject } from './tcp-object.ts';

/** What an engine was asked, and has yet to answer. */
export const QUESTION = { open: 0, update: 1, hold: 2, query: 3, export: 4 } as const;
/** A value of {@link QUESTION}. */
export type QuestionKind = (typeof QUESTION)[keyof typeof QUESTION];

/** One question to the engine, on behalf of a block of a state operation, or of the target itself. */
export class Question {
  kind: QuestionKind = QUESTION.open;
  /** Who waits for the answer; null when only the target itself does. */
  operation: StateOperation | null = null;
  /** The block the answer is for. */
  block: MiniportOffloadBlockList | null = null;
  tcp: TcpObject | null = null;
  /** The next one of the same connection. */
  next: Question | null = null;
}

/** Questions that are not in use, so that a terminate of a hundred thousand connections makes one. */
export class QuestionPool {
  private free: Question | null = null;

  /** Notes a question at its connection, behind those that are open there. */
  ask(tcp: TcpObject, kind: QuestionKind, operation: StateOperation | null, block: MiniportOffloadBlockList | null): void {
    const question = this.free ?? new Question();
    this.free = question.next;
    question.kind = kind;
    question.operation = operation;
    question.block = block;
    question.tcp = tcp;
    question.next = null;
    if (operation !== null) operation.pending++;
    if (tcp.questions === null) {
      tcp.questions = question;
      return;
    }
    let last = tcp.questions;
    while (last.next !== null) last = last.next;
    last.next = question;
  }

  /** Takes the oldest question of a kind off its connection. @returns null when there is none. */
  take(tcp: TcpObject, kind: QuestionKind): Question | null {
    let before: Question | null = null;
    for (let question = tcp.questions; question !== null; question = question.next) {
      if (question.kind === kind) {
        if (before === null) tcp.questions = question.next;
        else before.next = question.next;
        question.next = null;
        return question;
      }
      before = question;
    }
    return null;
  }

  /** Takes a question back that has been dealt with. */
  release(question: Question): void {
    question.operation = null;
    question.block = null;
    question.tcp = null;
    question.next = this.free;
    this.free = question;
  }
}
