// The one global that is everywhere and in no ECMAScript library file.
declare class URL {
  readonly href: string;
}
