import { copyBytes, type ByteSource } from './byte-queue.ts';

const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Bytes that lie in one region, as an engine passes them. It is pointed elsewhere for each region. */
export class RegionSource implements ByteSource {
  private buffer: Uint8Array<ArrayBufferLike> = NO_BYTES;
  private at = 0;

  point(buffer: Uint8Array<ArrayBufferLike>, byteOffset: number): void {
    this.buffer = buffer;
    this.at = byteOffset;
  }

  read(target: Uint8Array<ArrayBufferLike>, targetOffset: number, byteCount: number): void {
    copyBytes(this.buffer, this.at, target, targetOffset, byteCount);
    this.at += byteCount;
  }

  unread(byteCount: number): void {
    this.at -= byteCount;
  }
}
