/**
 * Rules of the contract between a target and its engine: what holds, by the id that a violation carries. They are about
 * this library; no page of the DDI has them.
 */
export const ENGINE_RULES = {
  'CHIM-ENG-001': 'an event names a connection that is open',
  'CHIM-ENG-002': 'a command does not throw',
  'CHIM-ENG-003': 'bytes are acknowledged once, and only after they were lent; a FIN after all bytes before it',
  'CHIM-ENG-004': 'bytes are received inside their buffer and the window, while the connection runs, and not after the FIN or an RST',
  'CHIM-ENG-005': 'an answer comes once, and to a question',
  'CHIM-ENG-006': 'an answer comes in time',
  'CHIM-ENG-007': 'a report fits what was lent and acknowledged',
  'CHIM-ENG-008': 'statuses and reasons are those that the event allows',
} as const;
/** An id of {@link ENGINE_RULES}. */
export type EngineRule = keyof typeof ENGINE_RULES;

/** What an engine threw, in a message. */
export function textOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error ? String(error.message) : String(error);
}
