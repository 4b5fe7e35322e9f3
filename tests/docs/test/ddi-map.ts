/** A row of one of the map's tables. */
interface MapRow {
  /** The second-level heading above the table. */
  readonly section: string;
  /** The DDI name; that of a member with its structure in front. */
  readonly name: string;
  /** Symbols, spelled out; empty for aliases and for names without a counterpart. */
  readonly symbols: readonly string[];
  readonly package: string;
  /** Names that an alias stands for. */
  readonly standsFor: readonly string[];
  readonly page: string;
  readonly remark: string;
  readonly reason: string;
}

/** What a symbol like `binding.offloadTcpSend` begins with. */
interface Receiver {
  readonly name: string;
  readonly type: string;
  readonly package: string;
}

/** The map, as data. */
export interface DdiMap {
  readonly receivers: readonly Receiver[];
  readonly rows: readonly MapRow[];
}

const ALIASES = 'Aliases';
const NOT_MODELLED = 'Not modelled';
const COLUMNS = new Set(['DDI name', 'Symbol', 'Package', 'Page', 'Remark', 'Stands for', 'Reason']);

/** Reads the map. @throws Error at a table that is none of its own. */
export function parseMap(markdown: string): DdiMap {
  const receivers: Receiver[] = [];
  const rows: MapRow[] = [];
  let section = '';
  let columns: readonly string[] | null = null;
  let structure = '';
  let pageAbove = '';
  for (const line of markdown.split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3).trim();
    if (!line.startsWith('|')) {
      columns = null;
      continue;
    }
    const cells = cellsOf(line);
    if (columns === null) {
      columns = cells;
      pageAbove = '';
      continue;
    }
    if (cells.every((cell) => /^-+$/.test(cell))) continue;
    if (cells.length !== columns.length) {
      throw new Error(`the map has a row of ${cells.length} cells under ${columns.length} columns: ${line}`);
    }
    const cell = (column: string): string => cells[columns?.indexOf(column) ?? -1] ?? '';
    if (columns[0] === 'Receiver') {
      receivers.push({ name: plain(cell('Receiver')), type: plain(cell('Type')), package: cell('Package') });
      continue;
    }
    const foreign = columns.find((column) => !COLUMNS.has(column));
    if (foreign !== undefined) throw new Error(`the map has a table with a column ${foreign}`);
    const written = plain(cell('DDI name'));
    if (!written.startsWith('.')) structure = written;
    pageAbove = plain(cell('Page')) || pageAbove;
    rows.push({
      section,
      name: written.startsWith('.') ? structure + written : written,
      symbols: spellOut(spans(cell('Symbol'))),
      package: cell('Package'),
      standsFor: spans(cell('Stands for')),
      page: pageAbove,
      remark: cell('Remark'),
      reason: cell('Reason'),
    });
  }
  return { receivers, rows };
}

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim());

const plain = (cell: string): string => cell.replaceAll('`', '');

const spans = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');

/** Puts the owner of the symbol before in front of one that begins with a dot. */
function spellOut(symbols: readonly string[]): string[] {
  let owner = '';
  return symbols.map((symbol) => {
    const whole = symbol.startsWith('.') ? owner + symbol : symbol;
    owner = whole.slice(0, whole.lastIndexOf('.'));
    return whole;
  });
}

/** What is wrong between the rows of the map and the names it has to have, heading by heading. */
export function nameProblems(map: DdiMap, names: ReadonlyMap<string, readonly string[]>): string[] {
  const problems: string[] = [];
  const found = new Map<string, string>();
  for (const { name, section } of map.rows) {
    const before = found.get(name);
    if (before !== undefined) problems.push(`${name}: a second row, under ${section}`);
    else found.set(name, section);
  }
  const wanted = new Map<string, string>();
  for (const [section, group] of names) {
    for (const name of group) {
      if (wanted.has(name)) problems.push(`${name}: twice in the list`);
      wanted.set(name, section);
    }
  }
  for (const [name, section] of wanted) {
    const place = found.get(name);
    if (place === undefined) problems.push(`${name}: no row under ${section}`);
    else if (place !== section) problems.push(`${name}: under ${place}, belongs under ${section}`);
  }
  for (const [name, section] of found) {
    if (!wanted.has(name)) problems.push(`${name}: under ${section}, but not in the list`);
  }
  return problems;
}

/** What is wrong with the cells of the rows, whatever the names. */
export function rowProblems(map: DdiMap): string[] {
  return map.rows.flatMap((row) => {
    const problems: string[] = [];
    if (!/^[\w.-]+\.(md|h|c)$/.test(row.page)) problems.push(`${row.name}: no page`);
    if (row.section === NOT_MODELLED) {
      if (row.reason === '') problems.push(`${row.name}: no reason`);
    } else if (row.section === ALIASES) {
      if (row.standsFor.length === 0) problems.push(`${row.name}: stands for nothing`);
    } else if (row.symbols.length === 0) {
      problems.push(`${row.name}: no symbol`);
    }
    return problems;
  });
}

/** What is wrong with the aliases: they name what they should, and that has a row of its own that is no alias. */
export function aliasProblems(map: DdiMap, aliases: Readonly<Record<string, readonly string[]>>): string[] {
  const canonical = new Set(map.rows.filter((row) => row.section !== ALIASES).map((row) => row.name));
  return map.rows
    .filter((row) => row.section === ALIASES)
    .flatMap(({ name, standsFor }) => {
      const wanted = aliases[name] ?? [];
      const problems = standsFor.filter((target) => !canonical.has(target)).map((target) => `${name}: ${target} is not a name of the map`);
      if (standsFor.join() !== wanted.join()) problems.push(`${name}: stands for ${wanted.join(', ')}, not ${standsFor.join(', ')}`);
      return problems;
    });
}

/** Says what is wrong with a symbol of a package, or null. */
export type SymbolCheck = (packageName: string, symbol: string) => string | null;

/** Symbols of the map, receivers among them, that a check finds fault with. */
export function symbolProblems(map: DdiMap, check: SymbolCheck): string[] {
  const receivers = new Map(map.receivers.map((receiver) => [receiver.name, receiver]));
  const problems = map.receivers.flatMap(({ name, type, package: home }) => about(name, check(home, type)));
  for (const { name, symbols, package: home } of map.rows) {
    for (const symbol of symbols) {
      const [head = ''] = symbol.split(/[.(]/, 1);
      const receiver = receivers.get(head);
      const isElsewhere = receiver !== undefined && receiver.package !== home;
      if (isElsewhere) problems.push(`${name}: ${head} is of ${receiver.package}, not ${home}`);
      else problems.push(...about(name, check(home, (receiver?.type ?? head) + symbol.slice(head.length))));
    }
  }
  return problems;
}

const about = (name: string, problem: string | null): string[] => (problem === null ? [] : [`${name}: ${problem}`]);

/** The doc comment of a function, or null when the symbol is no function. */
export type FunctionComment = (packageName: string, symbol: string) => string | null;

/**
 * Rows that pair a name with the wrong symbol. The doc comment of a function names its DDI function; a member and a
 * constant keep their names, and a remark says so where they do not.
 */
export function pairingProblems(map: DdiMap, commentOf: FunctionComment): string[] {
  const types = new Map(map.receivers.map(({ name, type }) => [name, type]));
  return map.rows.flatMap(({ name, section, symbols: [symbol = ''], package: home, remark }) => {
    const [head = ''] = symbol.split('.', 1);
    const isFunction = /^(Ndis|Miniport|Protocol)\w+$/.test(name) && FUNCTIONS.has(section);
    const comment = isFunction ? commentOf(home, (types.get(head) ?? head) + symbol.slice(head.length)) : null;
    if (comment !== null) return comment.includes(`\`${name}\``) ? [] : [`${name}: the doc comment of ${symbol} does not name it`];
    const keepsName = (section === 'Structures' && name.includes('.')) || (section === 'Constants' && /^\w+$/.test(name));
    if (!keepsName || remark !== '' || bare(name) === bare(symbol)) return [];
    return [`${name}: ${symbol} has another name, and no remark says why`];
  });
}

const FUNCTIONS = new Set(['Functions', 'Entries and callbacks', 'Net buffers', 'Life cycle']);

/** The last part of a name without what marks a handler or an element of an array. */
const bare = (name: string): string =>
  name
    .slice(name.lastIndexOf('.') + 1)
    .toLowerCase()
    .replace(/^(ndis|miniport|protocol)(?=[a-z])/, '')
    .replace(/handler/, '')
    .replace(/ex$/, '')
    .replace(/(?<=reserved|scratch)0$/, '');

/** Exported names that the map has neither as a DDI name nor as a symbol. */
export function undocumented(map: DdiMap, exported: readonly string[]): string[] {
  const documented = new Set(map.rows.flatMap(({ name, symbols }) => [name, ...symbols]));
  return exported.filter((name) => !documented.has(name));
}
