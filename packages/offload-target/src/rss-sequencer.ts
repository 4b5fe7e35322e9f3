/** One packet between its arrival and its turn. */
class Arrival<Packet> {
  readonly packet: Packet;
  isDelivered = false;

  constructor(packet: Packet) {
    this.packet = packet;
  }
}

/**
 * Keeps the order of each connection's packets when receive-side scaling moves the connection from one CPU's queue to
 * another: a CPU that is ahead delivers what is still in the other's queue first. Packets of other connections stay
 * where they are.
 *
 * Source: `receive-side-scaling-on-an-offloaded-tcp-connection.md`.
 */
export class RssSequencer<Packet> {
  private readonly cpus = new Map<number, { readonly id: number; readonly arrival: Arrival<Packet> }[]>();
  private readonly connections = new Map<number, Arrival<Packet>[]>();

  /** A packet of connection `id` arrived and was put into the queue of a CPU. */
  enqueue(id: number, cpu: number, packet: Packet): void {
    const arrival = new Arrival(packet);
    listOf(this.cpus, cpu).push({ id, arrival });
    listOf(this.connections, id).push(arrival);
  }

  /** A CPU works off its queue. @param deliver called for each packet, in the order the connection received them. */
  run(cpu: number, deliver: (id: number, packet: Packet) => void): void {
    const queue = this.cpus.get(cpu) ?? [];
    this.cpus.delete(cpu);
    for (const { id, arrival } of queue) {
      const waiting = this.connections.get(id) ?? [];
      while (!arrival.isDelivered) {
        const first = waiting.shift();
        if (first === undefined) break;
        first.isDelivered = true;
        deliver(id, first.packet);
      }
      if (waiting.length === 0) this.connections.delete(id);
    }
  }
}

function listOf<T>(lists: Map<number, T[]>, key: number): T[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}
