import { Mdl, netBufferListBytes, type NetBuffer, type NetBufferList } from '@ndis-chimney/types';

import { areSame, isSame } from '../check.ts';
import { ANY_DEPTH, type Group } from '../group.ts';

export const sendShape: Group = {
  id: 'SND-SHAPE',
  seeds: ['S2.4', 'S2.6', 'S2.7', 'S2.8'],
  rules: ['CHIM-SND-003'],
  says: 'every NET_BUFFER of every NET_BUFFER_LIST, with its MDL chain, offsets and bytes, is what the driver below gets to see',
  depths: ANY_DEPTH,
  test(build) {
    const world = build();
    const { host, journal } = world;
    // Each NBL has two NBs; their chains have one or two MDLs, and the data begins inside the first.
    const list = host.list('first', 'second');
    for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
      nbl.firstNetBuffer?.describe(chain('...fir', 'st'), 3, 5);
      if (nbl.firstNetBuffer !== null) nbl.firstNetBuffer.next = host.pool.allocateNetBuffer(chain('+second'), 1, 6);
    }
    const before = picturesOf(list);
    const seen = new Map<string, Map<NetBufferList, Picture>>();
    journal.onEnter('MiniportTcpOffloadSend', ({ driver, args }) => {
      seen.set(driver, new Map([...(seen.get(driver) ?? []), ...picturesOf(args[2] as NetBufferList)]));
    });
    world.connection.binding.offloadTcpSend(world.connection, list);
    world.completeSends();
    for (const driver of world.uppers.map((upper) => world.below(upper))) {
      for (const [nbl, { objects, numbers, text }] of before) {
        const there = seen.get(driver)?.get(nbl);
        areSame(there?.objects ?? [], objects, `NET_BUFFERs and MDLs at ${driver}`);
        areSame(there?.numbers ?? [], numbers, `offsets and lengths at ${driver}`);
        isSame(there?.text, text, `bytes at ${driver}`);
      }
    }
    for (const nbl of before.keys()) freeSecondNetBuffer(nbl, host.pool);
  },
};

/** What one NBL describes. */
interface Picture {
  readonly objects: readonly object[];
  readonly numbers: readonly number[];
  readonly text: string;
}

function picturesOf(list: NetBufferList): Map<NetBufferList, Picture> {
  const pictures = new Map<NetBufferList, Picture>();
  for (let nbl: NetBufferList | null = list; nbl !== null; nbl = nbl.next) {
    const objects: object[] = [];
    const numbers: number[] = [];
    for (let nb = nbl.firstNetBuffer; nb !== null; nb = nb.next) {
      objects.push(nb);
      numbers.push(nb.dataOffset, nb.dataLength, nb.currentMdlOffset);
      for (let mdl = nb.mdlChain; mdl !== null; mdl = mdl.next) {
        objects.push(mdl, mdl.buffer);
        numbers.push(mdl.byteOffset, mdl.byteCount);
      }
    }
    pictures.set(nbl, { objects, numbers, text: new TextDecoder().decode(netBufferListBytes(nbl)) });
  }
  return pictures;
}

/** MDLs with these texts, linked, each in the middle of a buffer. */
function chain(...texts: string[]): Mdl {
  const mdls = texts.map((text) => new Mdl(new TextEncoder().encode(`<${text}>`), 1, text.length));
  mdls.forEach((mdl, at) => {
    mdl.next = mdls[at + 1] ?? null;
  });
  return mdls[0] ?? new Mdl(new Uint8Array(0));
}

function freeSecondNetBuffer({ firstNetBuffer }: NetBufferList, pool: { freeNetBuffer(netBuffer: NetBuffer): void }): void {
  const second = firstNetBuffer?.next ?? null;
  if (firstNetBuffer === null || second === null) return;
  firstNetBuffer.next = null;
  pool.freeNetBuffer(second);
}
