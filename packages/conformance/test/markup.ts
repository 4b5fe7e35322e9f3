// A strict XML parser's view of a document: what it holds, or the error that makes it none.
import { SaxesParser } from 'saxes';

/** An element of a document. */
export interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  /** All text in it, also that of its children. */
  text: string;
}

/** Reads a well-formed document. @throws Error when it is none. */
export function parseXml(document: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes, children: [], text: '' };
    open.at(-1)?.children.push(element);
    open.push(element);
  });
  parser.on('text', (text) => {
    for (const element of open) element.text += text;
  });
  parser.on('closetag', () => {
    open.pop();
  });
  parser.write(document).close();
  const [only, ...others] = root.children;
  if (only === undefined || others.length > 0) throw new Error(`${root.children.length} roots`);
  return only;
}

/** All elements of this name, in document order. */
export function elements(root: Element, name: string): Element[] {
  return root.children.flatMap((child) => [...(child.name === name ? [child] : []), ...elements(child, name)]);
}
