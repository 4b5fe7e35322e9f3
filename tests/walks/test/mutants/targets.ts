import {
  NDIS_STATUS_PENDING,
  NDIS_STATUS_SUCCESS,
  offloadLayerOf,
  type MiniportOffloadBlockList,
  type NDIS_STATUS,
  type NdisTcpOffloadEventHandlers,
  type NetBufferList,
  type PathOffloadState,
  type TcpOffloadState,
} from '@ndis-chimney/types';

import { visit, type StateOperationName } from '../object-ledger.ts';
import { WatchedTarget, interpose } from '../watched-target.ts';

/** Says that updates succeeded, and goes on with what it had. */
export class ForgetsUpdates<Context> extends WatchedTarget<Context> {
  override miniportUpdateOffload(context: Context, tree: MiniportOffloadBlockList): void {
    if (tree.state === null) {
      super.miniportUpdateOffload(context, tree);
      return;
    }
    this.settings.ledger.begin('update', tree);
    tree.status = NDIS_STATUS_SUCCESS;
    this.completeLater(context, 'update', tree, false);
  }
}

/** Drops the last byte of data that nobody has read when a connection is taken back. */
export class DropsUnreadByte<Context> extends WatchedTarget<Context> {
  protected override completed(operation: StateOperationName, tree: MiniportOffloadBlockList): void {
    if (operation === 'terminate') visit(tree, ({ header, state }) => {
      const buffered = offloadLayerOf(header.type) === 'tcp' ? (state as TcpOffloadState).delegated?.bufferedData?.firstNetBuffer : null;
      if (buffered != null && buffered.dataLength > 0) buffered.dataLength--;
    });
    super.completed(operation, tree);
  }
}

/** Says at the end that one byte more was acknowledged than was. */
export class AcknowledgesTooMuch<Context> extends WatchedTarget<Context> {
  protected override completed(operation: StateOperationName, tree: MiniportOffloadBlockList): void {
    if (operation === 'terminate') visit(tree, ({ header, state }) => {
      const delegated = offloadLayerOf(header.type) === 'tcp' ? (state as TcpOffloadState).delegated : null;
      if (delegated !== null && delegated.sndUna === delegated.sndNxt) delegated.sndUna = (delegated.sndUna + 1) | 0;
    });
    super.completed(operation, tree);
  }
}

/** Answers queries of paths with another MTU. */
export class ReportsOtherState<Context> extends WatchedTarget<Context> {
  protected override completed(operation: StateOperationName, tree: MiniportOffloadBlockList): void {
    if (operation === 'query') visit(tree, ({ header, state }) => {
      const cached = offloadLayerOf(header.type) === 'path' ? (state as PathOffloadState).cached : null;
      if (cached !== null) cached.pathMtu++;
    });
    super.completed(operation, tree);
  }
}

/** Forgets every third list of posted receives. */
export class LosesReceives<Context> extends WatchedTarget<Context> {
  private lists = 0;

  override miniportTcpOffloadReceive(context: Context, connection: unknown, netBufferList: NetBufferList): NDIS_STATUS {
    return ++this.lists % 3 === 0 ? NDIS_STATUS_PENDING : super.miniportTcpOffloadReceive(context, connection, netBufferList);
  }
}

/** Indicates once more what was not taken whole: what was taken of it comes twice. */
export class IndicatesTwice<Context> extends WatchedTarget<Context> {
  protected override handlersFor(handlers: NdisTcpOffloadEventHandlers): NdisTcpOffloadEventHandlers {
    return interpose(handlers, {
      tcpOffloadReceiveHandler: (handle, netBufferList, status, bytesConsumed) => {
        const first = handlers.tcpOffloadReceiveHandler(handle, netBufferList, status, bytesConsumed);
        return first === NDIS_STATUS_SUCCESS ? first : handlers.tcpOffloadReceiveHandler(handle, netBufferList, status, bytesConsumed);
      },
    });
  }
}
