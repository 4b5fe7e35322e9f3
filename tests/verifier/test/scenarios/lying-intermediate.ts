import type { ProbeStackOptions } from '@ndis-chimney/kit';
import { PassThroughDriver, type PassThroughAdapter } from '@ndis-chimney/intermediate';
import type { MiniportOffloadBlockList, ProtocolOffloadBlockList } from '@ndis-chimney/types';

/** A pass-through driver that does something to the trees of a query before it passes them on. */
class QuerySpoiler extends PassThroughDriver {
  down: (tree: MiniportOffloadBlockList, adapter: PassThroughAdapter) => boolean = () => true;
  up: (tree: ProtocolOffloadBlockList) => boolean = () => true;

  override miniportQueryOffload(adapter: PassThroughAdapter, tree: MiniportOffloadBlockList): void {
    if (this.down(tree, adapter)) super.miniportQueryOffload(adapter, tree);
  }

  override protocolQueryOffloadComplete(adapter: PassThroughAdapter, tree: ProtocolOffloadBlockList): void {
    if (this.up(tree)) super.protocolQueryOffloadComplete(adapter, tree);
  }
}

/** What is done to the tree of a query on its way; an answer of false: it is not passed on. */
export interface QueryLies {
  readonly down?: (tree: MiniportOffloadBlockList, adapter: PassThroughAdapter) => boolean;
  readonly up?: (tree: ProtocolOffloadBlockList) => boolean;
}

/** One intermediate driver, `im1`, between host and target, that treats queries like this. */
export function withQueryLies({ down, up }: QueryLies): ProbeStackOptions {
  return {
    intermediates: 1,
    createIntermediate: (ndis, options) => {
      const driver = new QuerySpoiler(ndis, options);
      if (down !== undefined) driver.down = down;
      if (up !== undefined) driver.up = up;
      return driver;
    },
  };
}
