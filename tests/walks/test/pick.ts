import { present } from '@ndis-chimney/kit';

/** One of the items: any number names one. @throws Error when there are none. */
export function pick<Item>(items: readonly Item[], at: number): Item {
  return present(items[at % items.length]);
}
