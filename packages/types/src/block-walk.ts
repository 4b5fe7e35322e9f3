/** What a walk needs of a block; both views and the record behind them have it. */
interface Linked<Block> {
  readonly nextBlock: Block | null;
  readonly dependentBlockList: Block | null;
}

/**
 * Visits the blocks of a tree depth first, breadth next: a block, then what depends on it, then its neighbor in the
 * layer. That is the order in which an offload target takes state over. Legal trees are three layers deep, bad ones may
 * be anything, so the walk keeps a stack of its own and never recurses.
 *
 * ```
 * for (let block = walk.start(root); block !== null; block = walk.next(block)) visit(block);
 * ```
 *
 * One object serves one walk at a time and is used again and again. The links of blocks that were visited may change
 * during a walk, those of blocks to come must not. To leave a subtree out, go on with {@link skipDependents}.
 *
 * Source: `traversing-a-state-tree.md`.
 */
export class BlockWalk<Block extends Linked<Block>> {
  private readonly stack: Block[] = [];
  private depth = 0;

  /** Begins at `root`. @returns the root, the first block to visit. */
  start(root: Block): Block {
    this.depth = 0;
    return root;
  }

  /** The block after `block`, or null when that was the last. */
  next(block: Block): Block | null {
    const { dependentBlockList, nextBlock } = block;
    if (dependentBlockList != null) {
      if (nextBlock != null) this.stack[this.depth++] = nextBlock;
      return dependentBlockList;
    }
    return nextBlock ?? this.pop();
  }

  /** As {@link next}, without visiting what depends on `block`. */
  skipDependents(block: Block): Block | null {
    return block.nextBlock ?? this.pop();
  }

  private pop(): Block | null {
    return this.depth === 0 ? null : (this.stack[--this.depth] ?? null);
  }
}
