/** Why a binding does not simply let data down; 0 does. */
export const GATE = {
  open: 0,
  /** `openAdapterEx` has not completed. */
  opening: 1,
  /** Not restarted yet, or paused. */
  paused: 2,
  /** A driver of this edge registered no chimney handlers: NDIS blocks the chimney here. */
  blocked: 4,
  /** `closeAdapterEx` was called: the handle is dead. */
  closed: 8,
  /** Somebody observes: nothing is refused, but every call goes the way that notifies. */
  observed: 16,
} as const;
