/** What XML 1.0 allows in no form: most control characters, lone surrogates, two noncharacters. */
// eslint-disable-next-line no-control-regex -- it is what the expression is for
const NOT_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Any text as content or as a quoted attribute of XML or HTML. What XML cannot hold becomes U+FFFD. */
export function escapeMarkup(text: string): string {
  return text.replaceAll(NOT_XML, '\uFFFD').replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}

/** Text as an attribute that keeps its line breaks and tabs, which a parser would turn into spaces. */
export function escapeAttribute(text: string): string {
  return escapeMarkup(text).replaceAll(/[\n\r\t]/g, (character) => `&#${character.charCodeAt(0)};`);
}
