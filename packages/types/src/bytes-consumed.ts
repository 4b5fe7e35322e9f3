/**
 * Where the answer to a receive indication is written: the `PULONG BytesConsumed` of
 * `NdisTcpOffloadReceiveHandler`. The indicating party owns the cell and uses it again for its next indication.
 */
export class BytesConsumed {
  /** Bytes of the indication the upper driver consumed. */
  value = 0;
}
