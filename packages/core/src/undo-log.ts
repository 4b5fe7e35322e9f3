/** Above this many entries the log's memory is given back after use. */
const KEEP_ENTRIES = 4096;

/**
 * What a walk over a tree changed and the tree itself does not tell, in the order of the walk. A second walk in the same
 * order reads it from the start and puts everything back. One log serves one walk at a time.
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

  /** Takes the next entry if it is this one. */
  shiftIf(entry: unknown): boolean {
    if (this.cursor >= this.count || this.entries[this.cursor] !== entry) return false;
    this.cursor++;
    return true;
  }

  /** Forgets everything. */
  clear(): void {
    if (this.count > KEEP_ENTRIES) this.entries = [];
    else this.entries.fill(null, 0, this.count);
    this.count = 0;
    this.cursor = 0;
  }
}
