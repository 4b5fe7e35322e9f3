/** Bytes of a TCP header without options (RFC 793 section 3.1). */
const TCP_HEADER_BYTES = 20;

/**
 * What is wrong with a segment that is to be forwarded: it begins with its TCP header, options included, without an IP
 * header, and is of the connection. @returns an empty text when it is right.
 *
 * Source: `nc-ndischimney-w_tcp_offload_forward_handler.md` (CHIM-FWD-002).
 */
export function segmentProblem(segment: Uint8Array<ArrayBufferLike>, localPort: number, remotePort: number): string {
  if (segment.byteLength < TCP_HEADER_BYTES) return `has ${segment.byteLength} bytes, less than a TCP header`;
  const headerBytes = (segment[12]! >> 4) * 4;
  if (headerBytes < TCP_HEADER_BYTES || headerBytes > segment.byteLength) return `says that its header has ${headerBytes} of its ${segment.byteLength} bytes`;
  const from = (segment[0]! << 8) | segment[1]!;
  const to = (segment[2]! << 8) | segment[3]!;
  if (from !== remotePort || to !== localPort) return `goes from port ${from} to ${to}, and the connection's peer sends from ${remotePort} to ${localPort}`;
  return '';
}
