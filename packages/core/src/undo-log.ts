/** Above this many entries the log's memory is given back after use. */
const KEEP_ENTRIES = 256;

/**
 * What a walk over a tree changed, in the order it changed it. A second walk in the same order reads it from the start
 * and puts everything back. One log serves one walk at a time.
 */
export class UndoLog {
  private entries: unknown[] = [];
  private count = 0;
  private cursor = 0;

  push(entry: unknown): void {
    this.entries[this.count++] = entry;
  }

  /** The next entry, oldest first. */
  shift(): unknown {
    return this.entries[this.cursor++];
  }

  /** Forgets everything. */
  clear(): void {
    if (this.count > KEEP_ENTRIES) this.entries = [];
    else this.entries.fill(null, 0, this.count);
    this.count = 0;
    this.cursor = 0;
  }
}
