// The ways in which a source file is broken: small mistakes that read like code and that a reviewer could overlook.
import ts from 'typescript';

/** @typedef {'drop' | 'swap' | 'negate' | 'bound' | 'reorder' | 'constant'} Operator */

/**
 * @typedef {object} Edit one mistake: this stretch of the text becomes that
 * @property {Operator} operator
 * @property {number} start
 * @property {number} end
 * @property {string} text
 */

/**
 * What each operator does, for reports.
 * @type {Record<Operator, string>}
 */
export const OPERATORS = {
  drop: 'a call, an assignment, a return, a break or a continue is left out',
  swap: 'two neighboring arguments change places',
  negate: 'a condition is turned around',
  bound: 'a comparison or a number is off by one',
  reorder: 'two neighboring calls change places',
  constant: 'another constant of the same family',
};

const { SyntaxKind } = ts;

/** @type {Partial<Record<ts.SyntaxKind, string>>} */
const NEIGHBORING_BOUND = {
  [SyntaxKind.LessThanToken]: '<=',
  [SyntaxKind.LessThanEqualsToken]: '<',
  [SyntaxKind.GreaterThanToken]: '>=',
  [SyntaxKind.GreaterThanEqualsToken]: '>',
};

/** @type {Partial<Record<ts.SyntaxKind, string>>} */
const OPPOSITE_EQUALITY = {
  [SyntaxKind.EqualsEqualsEqualsToken]: '!==',
  [SyntaxKind.ExclamationEqualsEqualsToken]: '===',
  [SyntaxKind.EqualsEqualsToken]: '!=',
  [SyntaxKind.ExclamationEqualsToken]: '==',
};

const BIT_OPERATORS = new Set([
  SyntaxKind.BarToken,
  SyntaxKind.AmpersandToken,
  SyntaxKind.CaretToken,
  SyntaxKind.LessThanLessThanToken,
  SyntaxKind.GreaterThanGreaterThanToken,
  SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
]);

/** Calls whose arguments may stand in any order. */
const COMMUTATIVE = new Set(['Math.max', 'Math.min', 'Math.imul', 'seqAdd', 'timestampAt']);

/** `seqLess(a, b)` is `<` of sequence numbers. */
const SEQUENCE_LESS = 'seqLess';

/** Constants are told apart from other names by their spelling; a family has its first two words in common. */
const CONSTANT = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;
const FAMILY = /^[A-Z0-9]+_[A-Z0-9]+_/;

/**
 * Every edit of a source, in the order of the text. Whether the result is a program at all is for others to find out.
 * @param {ts.SourceFile} source with parents
 * @returns {Edit[]}
 */
export function editsOf(source) {
  /** @type {Edit[]} */
  const edits = [];
  const families = familiesOf(source);
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    if (isUnheard(node, source)) return;
    drop(node, source, edits);
    swap(node, source, edits);
    negate(node, source, edits);
    bound(node, source, edits);
    reorder(node, source, edits);
    constant(node, source, families, edits);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return edits.sort((a, b) => a.start - b.start || a.end - b.end);
}

/** Calls that only tell a reader of the log what goes on. */
const TELLS_THE_LOG = /\b(observer|accuse|faults\.report)\b[^()]*$/;

/**
 * Is it what nobody is promised: the text of messages, and what is said to observers?
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 */
function isUnheard(node, source) {
  if (ts.isTemplateExpression(node) || ts.isThrowStatement(node)) return true;
  const call = ts.isExpressionStatement(node) ? node.expression : node;
  return ts.isCallExpression(call) && TELLS_THE_LOG.test(call.expression.getText(source));
}

/**
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @param {Edit[]} edits
 */
function drop(node, source, edits) {
  const isLeftOut =
    ts.isReturnStatement(node) ||
    ts.isBreakOrContinueStatement(node) ||
    (ts.isExpressionStatement(node) && !ts.isStringLiteral(node.expression));
  if (isLeftOut) edits.push({ operator: 'drop', start: node.getStart(source), end: node.end, text: ';' });
}

/**
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @param {Edit[]} edits
 */
function swap(node, source, edits) {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return;
  if (COMMUTATIVE.has(node.expression.getText(source))) return;
  const args = node.arguments ?? [];
  for (const [at, first] of args.entries()) {
    const second = args[at + 1];
    if (second === undefined || ts.isSpreadElement(first) || ts.isSpreadElement(second)) continue;
    pushExchange('swap', first, second, source, edits);
  }
}

/**
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @param {Edit[]} edits
 */
function reorder(node, source, edits) {
  if (!ts.isBlock(node) && !ts.isCaseOrDefaultClause(node) && !ts.isSourceFile(node)) return;
  for (const [at, first] of node.statements.entries()) {
    const second = node.statements[at + 1];
    if (second !== undefined && [first, second].every((each) => isCall(each) && !isUnheard(each, source))) pushExchange('reorder', first, second, source, edits);
  }
}

/** @param {ts.Statement} statement */
function isCall(statement) {
  if (!ts.isExpressionStatement(statement)) return false;
  const { expression } = statement;
  return ts.isCallExpression(ts.isAwaitExpression(expression) ? expression.expression : expression);
}

/**
 * @param {Operator} operator
 * @param {ts.Node} first
 * @param {ts.Node} second
 * @param {ts.SourceFile} source
 * @param {Edit[]} edits
 */
function pushExchange(operator, first, second, source, edits) {
  const [one, two] = [first.getText(source), second.getText(source)];
  if (one === two) return;
  const start = first.getStart(source);
  const between = source.text.slice(first.end, second.getStart(source));
  edits.push({ operator, start, end: second.end, text: two + between + one });
}

/**
 * Equalities anywhere, and whatever else decides something: the operands of `&&` and `||` one by one.
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @param {Edit[]} edits
 */
function negate(node, source, edits) {
  if (ts.isBinaryExpression(node)) {
    const opposite = OPPOSITE_EQUALITY[node.operatorToken.kind];
    if (opposite !== undefined) {
      edits.push({ operator: 'negate', start: node.operatorToken.getStart(source), end: node.operatorToken.end, text: opposite });
    }
  }
  const condition = conditionOf(node);
  if (condition !== undefined) negateOperands(condition, source, edits);
}

/** @param {ts.Node} node */
function conditionOf(node) {
  if (ts.isIfStatement(node) || ts.isWhileStatement(node) || ts.isDoStatement(node)) return node.expression;
  if (ts.isForStatement(node) || ts.isConditionalExpression(node)) return node.condition;
  // `a && b` that is a value: assigned, returned, passed.
  if (ts.isBinaryExpression(node) && isLogical(node) && !isOperand(node)) return node;
  return undefined;
}

/** @param {ts.BinaryExpression} node */
const isLogical = ({ operatorToken: { kind } }) =>
  kind === SyntaxKind.AmpersandAmpersandToken || kind === SyntaxKind.BarBarToken;

/**
 * Is the expression part of a condition that is visited as a whole?
 * @param {ts.Expression} node
 * @returns {boolean}
 */
function isOperand(node) {
  const { parent } = node;
  if (ts.isParenthesizedExpression(parent)) return isOperand(parent);
  if (ts.isPrefixUnaryExpression(parent)) return parent.operator === SyntaxKind.ExclamationToken && isOperand(parent);
  if (ts.isBinaryExpression(parent)) return isLogical(parent);
  return conditionOf(parent) === node;
}

/**
 * @param {ts.Expression} node
 * @param {ts.SourceFile} source
 * @param {Edit[]} edits
 * @returns {void}
 */
function negateOperands(node, source, edits) {
  if (ts.isParenthesizedExpression(node)) return negateOperands(node.expression, source, edits);
  if (ts.isBinaryExpression(node)) {
    if (isLogical(node)) {
      negateOperands(node.left, source, edits);
      return negateOperands(node.right, source, edits);
    }
    if (OPPOSITE_EQUALITY[node.operatorToken.kind] !== undefined) return;
  }
  const [start, end] = [node.getStart(source), node.end];
  if (ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.ExclamationToken) {
    edits.push({ operator: 'negate', start, end, text: node.operand.getText(source) });
  } else if (node.kind !== SyntaxKind.TrueKeyword && node.kind !== SyntaxKind.FalseKeyword) {
    edits.push({ operator: 'negate', start, end, text: `!(${node.getText(source)})` });
  }
}

/**
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @param {Edit[]} edits
 */
function bound(node, source, edits) {
  const start = node.getStart(source);
  if (ts.isBinaryExpression(node)) {
    const neighbor = NEIGHBORING_BOUND[node.operatorToken.kind];
    if (neighbor !== undefined) {
      edits.push({ operator: 'bound', start: node.operatorToken.getStart(source), end: node.operatorToken.end, text: neighbor });
    }
  } else if (ts.isNumericLiteral(node) && isCount(node)) {
    edits.push({ operator: 'bound', start, end: node.end, text: String(Number(node.text) + 1) });
  } else if (ts.isCallExpression(node) && node.expression.getText(source) === SEQUENCE_LESS) {
    const [less, than] = node.arguments;
    if (less === undefined || than === undefined) return;
    const orEqual = `!${SEQUENCE_LESS}(${than.getText(source)}, ${less.getText(source)})`;
    edits.push({ operator: 'bound', start, end: node.end, text: orEqual });
  }
}

/**
 * Does the number count something? Bits, sentinels, the values of an enumeration and what a field holds before it is set
 * do not, nor does what is compared for equality: to turn that around is the smaller mistake.
 * @param {ts.NumericLiteral} node
 */
function isCount({ parent }) {
  if (ts.isBinaryExpression(parent)) {
    const { kind } = parent.operatorToken;
    return !BIT_OPERATORS.has(kind) && OPPOSITE_EQUALITY[kind] === undefined;
  }
  return !(
    ts.isPrefixUnaryExpression(parent) ||
    ts.isPropertyAssignment(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isLiteralTypeNode(parent) ||
    ts.isComputedPropertyName(parent)
  );
}

/**
 * @param {ts.Node} node
 * @param {ts.SourceFile} source
 * @param {Map<string, string[]>} families
 * @param {Edit[]} edits
 */
function constant(node, source, families, edits) {
  const family = familyOf(node);
  const members = family === undefined ? undefined : families.get(family);
  if (members === undefined || members.length < 2) return;
  const name = node.getText(source);
  const other = members[(members.indexOf(name) + 1) % members.length];
  if (other !== undefined) edits.push({ operator: 'constant', start: node.getStart(source), end: node.end, text: other });
}

/**
 * The constants that a source uses, by family, in the order in which they appear.
 * @param {ts.SourceFile} source
 */
function familiesOf(source) {
  /** @type {Map<string, string[]>} */
  const families = new Map();
  const visit = (/** @type {ts.Node} */ node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return;
    const family = familyOf(node);
    if (family !== undefined) {
      const members = families.get(family) ?? [];
      const name = node.getText(source);
      if (!members.includes(name)) members.push(name);
      families.set(family, members);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return families;
}

/**
 * `NDIS_STATUS` of `NDIS_STATUS_SUCCESS`, `STATE` of `STATE.TcpConnectionClosed`, or undefined when it is no constant.
 * @param {ts.Node} node
 */
function familyOf(node) {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(node)) {
    return ts.isIdentifier(node.expression) && CONSTANT.test(node.expression.text) ? node.expression.text : undefined;
  }
  if (!ts.isIdentifier(node) || !CONSTANT.test(node.text)) return undefined;
  const isName =
    (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
    ((ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)) && parent.name === node);
  return isName ? undefined : FAMILY.exec(node.text)?.[0];
}
