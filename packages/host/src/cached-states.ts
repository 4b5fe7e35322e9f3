import { TcpOffloadStateCached } from '@ndis-chimney/types';

/**
 * Cached state that connections share while it is the same: nearly all of an adapter have equal options. A structure that
 * is shared is never changed; an update puts another in its place.
 */
export class CachedStates {
  private last: TcpOffloadStateCached = new TcpOffloadStateCached();
  private lastValues = '';

  /** A structure with these values, which is nobody's to change. */
  copyOf(cached: TcpOffloadStateCached): TcpOffloadStateCached {
    // The header is the same in all of them, and prints alike.
    const values = Object.values(cached).join();
    if (values !== this.lastValues) {
      this.last = new TcpOffloadStateCached().copyFrom(cached);
      this.lastValues = values;
    }
    return this.last;
  }
}
