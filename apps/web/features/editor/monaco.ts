/** Monaco with the features and languages that the page uses, loaded when a file is first shown. It does not know files. */
import 'monaco-editor/features/register.all.js';
import 'monaco-editor/languages/definitions/register.all.js';
import 'monaco-editor/languages/features/json/register.js';
import * as monaco from 'monaco-editor/editor/editor.api.js';

import { readThemeTokens } from '../../lib/theme-tokens';

export { monaco };
export type Monaco = typeof monaco;

// Each worker is written out, so that the bundler finds it; none comes from elsewhere.
const workers: Record<string, () => Worker> = {
  json: () =>
    new Worker(new URL('monaco-editor/languages/features/json/json.worker.js', import.meta.url), { type: 'module' }),
  editor: () => new Worker(new URL('monaco-editor/editor/editor.worker.js', import.meta.url), { type: 'module' }),
};
const editorWorker = workers['editor'];
self.MonacoEnvironment = {
  getWorker: (_id: string, label: string) => {
    const create = workers[label] ?? editorWorker;
    if (create === undefined) throw new Error('There is no worker for the editor.');
    return create();
  },
};

const themeName = 'page';

/** The page's colours with six digits each: Monaco reads no other form, and a minifier shortens them. */
const sixDigitTokens = (): ReturnType<typeof readThemeTokens> => {
  const tokens = readThemeTokens();
  const canvas = document.createElement('canvas').getContext('2d');
  if (canvas === null) return tokens;
  const normal = (color: string): string => {
    canvas.fillStyle = color;
    return canvas.fillStyle;
  };
  return Object.fromEntries(Object.entries(tokens).map(([name, color]) => [name, normal(color)])) as typeof tokens;
};

/** Tokens of Monaco's grammars, by the page's colours. */
const rulesOf = (token: ReturnType<typeof readThemeTokens>): monaco.editor.ITokenThemeRule[] => {
  const rule = (name: string, color: string, fontStyle?: string): monaco.editor.ITokenThemeRule => ({
    token: name,
    foreground: color.replace('#', ''),
    ...(fontStyle === undefined ? {} : { fontStyle }),
  });
  const all = (color: string, ...names: string[]): monaco.editor.ITokenThemeRule[] =>
    names.map((name) => rule(name, color));
  return [
    rule('', token['code-text']),
    rule('comment', token['code-comment'], 'italic'),
    ...all(
      token['code-keyword'],
      'keyword',
      'tag',
      'metatag',
      'meta',
      'key',
      'keyword.json',
      'attribute.value.unit',
      'constant',
    ),
    ...all(
      token['code-string'],
      'string',
      'string.value.json',
      'attribute.value',
      'regexp',
      'string.escape',
      'string.sql',
    ),
    ...all(token['code-number'], 'number', 'number.hex', 'attribute.value.number', 'annotation'),
    ...all(
      token['code-type'],
      'type',
      'type.identifier',
      'namespace',
      'string.key.json',
      'attribute.name',
      'variable.predefined',
      'predefined',
    ),
    ...all(token['code-function'], 'function', 'entity.name.function', 'predefined.sql'),
    ...all(token['code-punctuation'], 'delimiter', 'delimiter.html', 'delimiter.xml', 'operator'),
    ...all(token['code-text'], 'identifier', 'variable', 'variable.parameter'),
    rule('emphasis', token['code-text'], 'italic'),
    rule('strong', token['code-text'], 'bold'),
  ];
};

/** Takes the page's colours as they are now; call it again when the theme changes. */
export const applyTheme = (dark: boolean): void => {
  const token = sixDigitTokens();
  monaco.editor.defineTheme(themeName, {
    base: dark ? 'vs-dark' : 'vs',
    inherit: true,
    rules: rulesOf(token),
    colors: {
      'editor.background': token.surface,
      'editor.foreground': token['code-text'],
      'editor.selectionBackground': token.selection,
      'editor.inactiveSelectionBackground': token['accent-soft'],
      'editor.lineHighlightBackground': token.sunken,
      'editor.lineHighlightBorder': '#00000000',
      'editorLineNumber.foreground': token.faint,
      'editorLineNumber.activeForeground': token.text,
      'editorLineNumber.dimmedForeground': token.faint,
      'editorCursor.foreground': token.accent,
      'editorIndentGuide.background1': token.line,
      'editorIndentGuide.activeBackground1': token.faint,
      'editorWidget.background': token.raised,
      'editorWidget.foreground': token.text,
      'editorWidget.border': token.line,
      'editorSuggestWidget.selectedBackground': token['accent-soft'],
      'editorHoverWidget.background': token.raised,
      'editorHoverWidget.border': token.line,
      'input.background': token.surface,
      'input.foreground': token.text,
      'input.border': token.line,
      focusBorder: token.accent,
      'list.activeSelectionBackground': token['accent-soft'],
      'list.activeSelectionForeground': token.text,
      'list.focusBackground': token['accent-soft'],
      'list.focusForeground': token.text,
      'list.hoverBackground': token.sunken,
      'menu.background': token.raised,
      'menu.foreground': token.text,
      'menu.selectionBackground': token['accent-soft'],
      'menu.selectionForeground': token.text,
      'quickInput.background': token.raised,
      'quickInput.foreground': token.text,
      'editorGutter.background': token.surface,
      'scrollbar.shadow': '#00000000',
      'diffEditor.insertedTextBackground': token['diff-add'],
      'diffEditor.removedTextBackground': token['diff-del'],
      'diffEditor.insertedLineBackground': token['diff-add'],
      'diffEditor.removedLineBackground': token['diff-del'],
      'editorOverviewRuler.border': '#00000000',
    },
  });
  monaco.editor.setTheme(themeName);
};

/** What both editors have in common. */
export const commonOptions = {
  automaticLayout: true,
  fontFamily: "'JetBrains Mono Variable', ui-monospace, monospace",
  fontSize: 13,
  lineHeight: 20,
  fontLigatures: false,
  minimap: { enabled: false },
  scrollBeyondLastLine: false,
  smoothScrolling: false,
  renderLineHighlight: 'line',
  overviewRulerBorder: false,
  stickyScroll: { enabled: false },
  // Colours mean kinds of words here, not depth.
  bracketPairColorization: { enabled: false },
  fixedOverflowWidgets: true,
  padding: { top: 8, bottom: 24 },
  // A repository's text must not look like other text: what is hidden or alike is marked.
  unicodeHighlight: { invisibleCharacters: true, ambiguousCharacters: true, nonBasicASCII: false },
  renderControlCharacters: true,
  scrollbar: { verticalScrollbarSize: 10, horizontalScrollbarSize: 10, useShadows: false },
} as const satisfies monaco.editor.IEditorOptions & { automaticLayout: boolean };
