import { TCP_SEGMENT, seqAdd, seqDelta, type TcpSegment } from '@ndis-chimney/offload-target';

const { FIN } = TCP_SEGMENT;

/** What can be wrong with it. */
export interface ReassemblyFlaws {
  /** Segments behind a gap that are kept. Default 4. */
  readonly capacity?: number;
  /** What is kept is what comes next, without a look at where it belongs. */
  readonly ignoresOverlap?: boolean;
  /** What comes beyond a FIN that is kept does no harm to what is kept. */
  readonly toleratesBeyondKeptFin?: boolean;
  /** A FIN behind a gap is taken off its segment. */
  readonly forgetsKeptFin?: boolean;
}

/** Bytes of a segment, and perhaps a FIN behind them. */
export interface Piece {
  readonly seq: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly flags: number;
  readonly hasFin: boolean;
}

/** The segments of one connection that came out of sequence. */
export class Reassembly {
  private readonly flaws: ReassemblyFlaws;
  private kept: Piece[] = [];
  private isOver = false;

  constructor(flaws: ReassemblyFlaws) {
    this.flaws = flaws;
  }

  /** @returns what is next in sequence now that this segment has come, without bytes that were known. */
  take(segment: TcpSegment, buffer: Uint8Array, rcvNxt: number, room: number): Piece[] {
    const { seq, flags, payloadOffset, payloadBytes } = segment;
    if (this.isOver) return [];
    const piece: Piece = { seq, bytes: Uint8Array.from(buffer.subarray(payloadOffset, payloadOffset + payloadBytes)), flags, hasFin: (flags & FIN) !== 0 };
    if (segment.knownBytes(rcvNxt) < 0) {
      this.keep(piece);
      return [];
    }
    return this.deliver(piece, rcvNxt, room);
  }

  private keep(piece: Piece): void {
    const { capacity = 4, toleratesBeyondKeptFin, forgetsKeptFin } = this.flaws;
    const fin = this.kept.find(({ hasFin }) => hasFin);
    if (fin !== undefined && toleratesBeyondKeptFin !== true && seqDelta(endOf(piece), endOf(fin)) > 0) {
      this.kept = [];
      return;
    }
    if (this.kept.length < capacity) this.kept.push(forgetsKeptFin === true ? { ...piece, hasFin: false } : piece);
  }

  private deliver(first: Piece, rcvNxt: number, room: number): Piece[] {
    const pieces: Piece[] = [];
    let next: Piece | undefined = first;
    let end = rcvNxt;
    while (next !== undefined && !this.isOver) {
      const known = this.flaws.ignoresOverlap === true && next !== first ? 0 : seqDelta(end, next.seq);
      const left = room - seqDelta(end, rcvNxt);
      const bytes = next.bytes.subarray(Math.min(known, next.bytes.length), Math.min(next.bytes.length, known + left));
      const hasFin = next.hasFin && known + bytes.length === next.bytes.length;
      pieces.push({ ...next, bytes, hasFin });
      end = seqAdd(end, bytes.length);
      this.isOver = hasFin;
      if (hasFin) this.kept = [];
      next = this.takeKept(end);
    }
    return pieces;
  }

  private takeKept(rcvNxt: number): Piece | undefined {
    const at = this.kept.findIndex(({ seq }) => seqDelta(rcvNxt, seq) >= 0);
    if (at < 0) return undefined;
    const [piece] = this.kept.splice(at, 1);
    return piece !== undefined && seqDelta(rcvNxt, endOf(piece)) < 0 ? piece : this.takeKept(rcvNxt);
  }
}

function endOf({ seq, bytes, hasFin }: Piece): number {
  return seqAdd(seq, bytes.length + Number(hasFin));
}
