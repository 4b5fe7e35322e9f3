/** What a maker of subjects may have made for one case. */
interface Disposable {
  dispose?(): void | Promise<void>;
}

/** What the world of one case has to dispose of. */
export class Owned {
  private readonly members: Disposable[] = [];

  /** @returns what is owned from now on. */
  add<Member extends Disposable>(member: Member): Member {
    this.members.push(member);
    return member;
  }

  /** Disposes of everything, the last made first, also when some throw. @throws what the first of those threw. */
  async dispose(): Promise<void> {
    const failed: Promise<void>[] = [];
    for (const member of this.members.splice(0).reverse()) {
      const disposal = disposeOf(member);
      await disposal.catch(() => {
        failed.push(disposal);
      });
    }
    await failed[0];
  }
}

async function disposeOf(member: Disposable): Promise<void> {
  await member.dispose?.();
}

/** Makes a world that owns what it is made of. When that fails, what was made is disposed of. */
export async function openOwning<World>(open: (owned: Owned) => Promise<World>): Promise<World> {
  const owned = new Owned();
  try {
    return await open(owned);
  } catch (error) {
    await owned.dispose().catch(() => undefined);
    throw error;
  }
}
