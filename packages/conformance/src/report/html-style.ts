/**
 * Style of the page: two color schemes with contrasts of at least 4.5 to 1, no color without a word beside it, and
 * tables that stay whole on paper. No markup characters, so that it is the same in HTML and XML.
 */
export const STYLE: string = `
:root { color-scheme: light dark; --text: #1b1b1b; --ground: #ffffff; --faint: #595959; --line: #c8c8c8; --panel: #f4f4f4; --good: #0a6b2d; --bad: #b00020; --warn: #7a4b00; }
@media (prefers-color-scheme: dark) { :root { --text: #ececec; --ground: #16181b; --faint: #a9a9a9; --line: #44484d; --panel: #202327; --good: #6fd48f; --bad: #ff8f9c; --warn: #f0b95b; } }
body { margin: 0 auto; padding: 1.5rem; max-width: 70rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2rem; } h3 { font: 600 1rem ui-monospace, monospace; margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; } caption { text-align: left; font-weight: 600; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th[scope=row] { font: 0.9rem ui-monospace, monospace; } .count { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
small, .rules { color: var(--faint); font-size: 0.85rem; font-weight: 400; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); padding: 0.6rem; margin: 0.5rem 0; }
article { border-left: 4px solid var(--line); padding: 0.2rem 1rem; margin: 1rem 0; } article.failed { border-color: var(--bad); } article.advisory { border-color: var(--warn); }
.verdict { font-size: 1.15rem; font-weight: 700; } .passed { color: var(--good); } .failed { color: var(--bad); } .advisory, .undecided, .partly { color: var(--warn); }
article.failed, article.advisory { color: inherit; } .skipped, .undecidable, .untested { color: var(--faint); }
@media print { :root { color-scheme: light; --text: #000000; --ground: #ffffff; --faint: #333333; --good: #000000; --bad: #000000; --warn: #000000; --panel: #ffffff; } body { max-width: none; padding: 0; font-size: 10pt; } article, tr { break-inside: avoid; } thead { display: table-header-group; } }
`;
