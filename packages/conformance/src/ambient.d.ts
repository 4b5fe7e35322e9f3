// Globals of every browser and of Node that are in no ECMAScript library file.
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  decode(bytes: Uint8Array): string;
}
declare const console: { warn(text: string): void };
