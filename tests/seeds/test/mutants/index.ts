import type { Mutant } from '../mutant.ts';
import { contexts } from './contexts.ts';
import { disconnectEdges } from './disconnect-edges.ts';
import { disconnectFree } from './disconnect-free.ts';
import { disconnectNbl } from './disconnect-nbl.ts';
import { inOrder } from './in-order.ts';
import { relayIdentity } from './relay-identity.ts';
import { relayUp } from './relay-up.ts';
import { sendAsync } from './send-async.ts';
import { sendComplete } from './send-complete.ts';
import { sendDown } from './send-down.ts';
import { sendHandle } from './send-handle.ts';
import { sendNbl } from './send-nbl.ts';
import { sendPending } from './send-pending.ts';
import { sendShape } from './send-shape.ts';
import { terminateRelayBlock } from './terminate-relay-block.ts';
import { terminateRoot } from './terminate-root.ts';
import { terminateState } from './terminate-state.ts';

/** Every mutant; each group has at least one. */
export const MUTANTS: readonly Mutant[] = [
  ...sendComplete,
  ...contexts,
  ...sendNbl,
  ...relayUp,
  ...relayIdentity,
  ...sendHandle,
  ...sendShape,
  ...sendPending,
  ...sendAsync,
  ...sendDown,
  ...inOrder,
  ...terminateRoot,
  ...terminateState,
  ...terminateRelayBlock,
  ...disconnectNbl,
  ...disconnectFree,
  ...disconnectEdges,
];
