// Rules of the house that no other tool checks: the size of files, places where text could become code or markup,
// the environment read outside config.ts, and the console of programs that have a log.
// It reads syntax trees, so a word in a comment or a string is not a finding. A comment cannot switch a rule off.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRequire } from 'node:module';
import { root } from './run.mjs';
import { codeFiles, projectFiles } from './sources.mjs';

const maxLines = 400;
// A table of attacks or routes is long by its rows, not by its jobs.
const maxTestLines = 700;

const isTest = (file) => /\.test\.(?:tsx?|mjs)$|^(?:tests|bench)\/|\/testing\//.test(file);
const isScript = (file) => /^(?:scripts\/|[^/]+$)/.test(file);
const readsEnvironment = (file) => file.endsWith('/config.ts') || file === 'scripts/lib/child-env.mjs';
const writesConsole = (file) =>
  isScript(file) || /^(?:apps\/cli|bench)\/|^packages\/scripted-model\/src\/main\.ts$/.test(file);

/** Names that turn text into markup or code, wherever they stand. */
const sinks = new Set([
  'innerHTML',
  'outerHTML',
  'insertAdjacentHTML',
  'dangerouslySetInnerHTML',
  'setHTMLUnsafe',
  'parseHTMLUnsafe',
  'createContextualFragment',
  'srcDoc',
  'srcdoc',
]);
/** The same as members of one object: [object, member]. */
const sinkMembers = [
  ['document', 'write'],
  ['document', 'writeln'],
];

/** `object.member` and `object['member']` as a pair of names. */
function memberOf(ts, node) {
  if (ts.isPropertyAccessExpression(node)) return [node.expression.getText(), node.name.text];
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return [node.expression.getText(), node.argumentExpression.text];
  }
  return undefined;
}

function findingOf(ts, node, file) {
  const shipped = !isTest(file) && !isScript(file);
  if (shipped && ts.isIdentifier(node) && sinks.has(node.text)) return `${node.text} makes markup of text`;
  if (
    shipped &&
    (ts.isCallExpression(node) || ts.isNewExpression(node)) &&
    /^(?:eval|Function)$/.test(node.expression.getText())
  ) {
    return `${node.expression.getText()} makes code of text`;
  }
  const member = memberOf(ts, node);
  if (member === undefined) return undefined;
  const [object, name] = member;
  if (shipped && (sinks.has(name) || sinkMembers.some((sink) => sink[0] === object && sink[1] === name))) {
    return ts.isPropertyAccessExpression(node) && sinks.has(name)
      ? undefined
      : `${object}.${name} makes markup of text`;
  }
  if (object === 'process' && name === 'env' && !readsEnvironment(file))
    return 'process.env is read only in a config.ts';
  if (object === 'console' && shipped && !writesConsole(file)) return 'console: take the log that is handed in';
  return undefined;
}

/** `import { env } from 'node:process'` is process.env by another name. */
function importsEnvironment(ts, node) {
  if (!ts.isImportDeclaration(node) || !/^(?:node:)?process$/.test(node.moduleSpecifier.text)) return false;
  return node.importClause !== undefined;
}

/** The findings in one file's text, as `file:line: what`. */
export function houseFindings(ts, file, text) {
  const kind = file.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS;
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, kind);
  const findings = [];
  const report = (node, what) => {
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    findings.push(`${file}:${line + 1}: ${what}`);
  };
  const visit = (node) => {
    const what = findingOf(ts, node, file);
    if (what !== undefined) report(node, what);
    if (importsEnvironment(ts, node) && !readsEnvironment(file)) report(node, 'take process as the global it is');
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return findings;
}

export function sizeFindings(file, text) {
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  const most = /\.test\.(?:tsx?|mjs)$/.test(file) ? maxTestLines : maxLines;
  return lines > most ? [`${file}: ${lines} lines, and ${most} is the limit: split it by its jobs`] : [];
}

const hasSizeLimit = (file) => /\.(?:css|sh)$/.test(file);

export async function checkHouseRules() {
  const ts = createRequire(import.meta.url)('typescript');
  const files = await codeFiles();
  const problems = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return [...sizeFindings(file, text), ...houseFindings(ts, file, text)];
  });
  for (const file of (await projectFiles()).filter(hasSizeLimit)) {
    problems.push(...sizeFindings(file, readFileSync(join(root, file), 'utf8')));
  }
  return { problems, summary: `${files.length} files` };
}
