import type { Group } from '../group.ts';
import { disconnectComplete } from './disconnect-complete.ts';
import { disconnectContext } from './disconnect-context.ts';
import { disconnectEdges } from './disconnect-edges.ts';
import { disconnectFree } from './disconnect-free.ts';
import { disconnectNbl } from './disconnect-nbl.ts';
import { disconnectRelayIdentity } from './disconnect-relay-identity.ts';
import { disconnectRelayUp } from './disconnect-relay-up.ts';
import { sendAsync } from './send-async.ts';
import { sendComplete } from './send-complete.ts';
import { sendContext } from './send-context.ts';
import { sendDown } from './send-down.ts';
import { sendHandle } from './send-handle.ts';
import { sendNbl } from './send-nbl.ts';
import { sendPending } from './send-pending.ts';
import { sendRelayIdentity } from './send-relay-identity.ts';
import { sendRelayUp } from './send-relay-up.ts';
import { sendShape } from './send-shape.ts';
import { terminateComplete } from './terminate-complete.ts';
import { terminateContext } from './terminate-context.ts';
import { terminateRelayBlock } from './terminate-relay-block.ts';
import { terminateRelayUp } from './terminate-relay-up.ts';
import { terminateRoot } from './terminate-root.ts';
import { terminateState } from './terminate-state.ts';

/** Every group, in the order of the pages. */
export const GROUPS: readonly Group[] = [
  sendComplete,
  sendContext,
  sendNbl,
  sendRelayUp,
  sendRelayIdentity,
  sendHandle,
  sendShape,
  sendPending,
  sendAsync,
  sendDown,
  terminateComplete,
  terminateContext,
  terminateRoot,
  terminateState,
  terminateRelayUp,
  terminateRelayBlock,
  disconnectComplete,
  disconnectContext,
  disconnectNbl,
  disconnectRelayUp,
  disconnectRelayIdentity,
  disconnectFree,
  disconnectEdges,
];
