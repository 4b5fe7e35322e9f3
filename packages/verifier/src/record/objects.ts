import { NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS, NDIS_STATUS_SUCCESS } from '@ndis-chimney/types';

import { ObjectRecord } from './object-record.ts';
import { SuppliedState } from './supplied-state.ts';
import type { BlockPicture, TreeRecord } from './tree-record.ts';

/** A state operation goes down: new objects get their records, the others count it. */
export function begin(tree: TreeRecord): void {
  for (const picture of tree.blocks) {
    if (tree.operation === 'initiate') offer(tree, picture);
    else name(tree, picture);
  }
}

function offer({ edge }: TreeRecord, picture: BlockPicture): void {
  const { handle, layer, role } = picture;
  if (handle === null || layer === null || role !== 'new') return;
  const object = new ObjectRecord(handle, edge, layer);
  picture.object = object;
  if (edge.lowerRole === 'target' && picture.state !== null) object.supplied = new SuppliedState(picture.state);
  link(object, picture.parent?.object ?? null);
  edge.objects.set(handle, object);
}

function name({ operation }: TreeRecord, { object }: BlockPicture): void {
  if (object === null) return;
  if (operation === 'query') object.queries++;
  else if (operation === 'update') {
    object.updates++;
    object.supplied?.updating();
  } else if (operation === 'invalidate') object.invalidates++;
  else object.state = 'terminating';
}

/** A state operation is over, or never was: each object is where that leaves it. */
export function end(tree: TreeRecord): void {
  for (const picture of tree.blocks) {
    const { object, block } = picture;
    if (object === null) continue;
    const isDone = block.status === NDIS_STATUS_SUCCESS || block.status === NDIS_STATUS_OFFLOAD_PARTIAL_SUCCESS;
    switch (tree.operation) {
      case 'initiate':
        if (picture.role !== 'new') break;
        if (isDone) {
          object.state = 'offloaded';
          object.context = object.handle.miniportOffloadContext;
        } else {
          forget(object);
        }
        break;
      case 'query':
        object.queries--;
        break;
      case 'update':
        object.updates--;
        object.supplied?.updated(picture.state, isDone);
        if (isDone && picture.parent?.object != null) link(object, picture.parent.object);
        break;
      case 'invalidate':
        object.invalidates--;
        if (isDone) object.isInvalid = true;
        break;
      case 'terminate':
        if (isDone) forget(object);
        else object.state = 'lost';
    }
  }
}

/** A state operation that was begun did not happen: somebody stopped it. @param wasLost those that were lost before. */
export function undo(tree: TreeRecord, wasLost: ReadonlySet<ObjectRecord>): void {
  for (const { object, role } of tree.blocks) {
    if (object === null) continue;
    if (tree.operation === 'initiate') {
      if (role === 'new') forget(object);
    } else if (tree.operation === 'query') object.queries--;
    else if (tree.operation === 'update') object.updates--;
    else if (tree.operation === 'invalidate') object.invalidates--;
    else object.state = wasLost.has(object) ? 'lost' : 'offloaded';
  }
}

function link(object: ObjectRecord, parent: ObjectRecord | null): void {
  if (object.parent === parent) return;
  object.parent?.dependents.delete(object);
  object.parent = parent;
  parent?.dependents.add(object);
}

function forget(object: ObjectRecord): void {
  object.state = 'back';
  object.parent?.dependents.delete(object);
  object.edge.objects.delete(object.handle);
}
