// TCP segments made by hand, for tests that need to say exactly what arrives and when: they are forwarded by the host.
import type { HostConnection } from './host-connection.ts';
import { FIRST_RECEIVE_SEQ, FIRST_SEND_SEQ } from './world.ts';

export const FLAG = { FIN: 0x01, SYN: 0x02, RST: 0x04, PSH: 0x08, ACK: 0x10, URG: 0x20 } as const;

export interface SegmentSettings {
  readonly seq?: number;
  readonly ack?: number;
  readonly flags?: number;
  readonly bytes?: Uint8Array;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly optionBytes?: number;
}

export function segment(settings: SegmentSettings = {}): Uint8Array {
  const { seq = FIRST_RECEIVE_SEQ, ack = FIRST_SEND_SEQ, flags = FLAG.ACK, bytes = new Uint8Array(0), sourcePort = 80, destinationPort = 40_000, optionBytes = 0 } = settings;
  const packet = new Uint8Array(20 + optionBytes + bytes.length);
  const view = new DataView(packet.buffer);
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setInt32(4, seq);
  view.setInt32(8, ack);
  view.setUint8(12, ((20 + optionBytes) / 4) << 4);
  view.setUint8(13, flags);
  view.setUint16(14, 65_535);
  packet.set(bytes, 20 + optionBytes);
  return packet;
}

/** Segments of one stream, one after the other. */
export class Arrivals {
  private readonly connection: HostConnection;
  private at = 0;

  constructor(connection: HostConnection) {
    this.connection = connection;
  }

  /** The next `length` bytes of the stream arrive; byte n of it is n modulo 251. */
  arrive(length: number, flags = 0): void {
    const bytes = Uint8Array.from({ length }, (_, index) => (this.at + index) % 251);
    const seq = (FIRST_RECEIVE_SEQ + this.at) | 0;
    this.connection.forward(segment({ seq, flags: flags | FLAG.ACK, bytes }));
    this.at += length;
    this.connection.world.settle();
  }
}
