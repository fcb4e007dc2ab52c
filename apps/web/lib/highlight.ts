/** Colours for code. Shiki and each grammar are loaded when code of that language is first seen; until then text is plain. */
import type { HighlighterCore, LanguageRegistration } from 'shiki/core';

export interface Token {
  text: string;
  color: string | null;
}

const grammars: Record<string, () => Promise<{ default: LanguageRegistration[] }>> = {
  bash: () => import('shiki/langs/bash.mjs'),
  c: () => import('shiki/langs/c.mjs'),
  cpp: () => import('shiki/langs/cpp.mjs'),
  csharp: () => import('shiki/langs/csharp.mjs'),
  css: () => import('shiki/langs/css.mjs'),
  diff: () => import('shiki/langs/diff.mjs'),
  dockerfile: () => import('shiki/langs/dockerfile.mjs'),
  go: () => import('shiki/langs/go.mjs'),
  html: () => import('shiki/langs/html.mjs'),
  java: () => import('shiki/langs/java.mjs'),
  javascript: () => import('shiki/langs/javascript.mjs'),
  json: () => import('shiki/langs/json.mjs'),
  jsx: () => import('shiki/langs/jsx.mjs'),
  kotlin: () => import('shiki/langs/kotlin.mjs'),
  markdown: () => import('shiki/langs/markdown.mjs'),
  php: () => import('shiki/langs/php.mjs'),
  python: () => import('shiki/langs/python.mjs'),
  ruby: () => import('shiki/langs/ruby.mjs'),
  rust: () => import('shiki/langs/rust.mjs'),
  sql: () => import('shiki/langs/sql.mjs'),
  swift: () => import('shiki/langs/swift.mjs'),
  toml: () => import('shiki/langs/toml.mjs'),
  tsx: () => import('shiki/langs/tsx.mjs'),
  typescript: () => import('shiki/langs/typescript.mjs'),
  xml: () => import('shiki/langs/xml.mjs'),
  yaml: () => import('shiki/langs/yaml.mjs'),
};

const aliases: Record<string, string> = {
  sh: 'bash',
  shell: 'bash',
  zsh: 'bash',
  console: 'bash',
  h: 'c',
  cc: 'cpp',
  hpp: 'cpp',
  cs: 'csharp',
  scss: 'css',
  patch: 'diff',
  docker: 'dockerfile',
  golang: 'go',
  htm: 'html',
  vue: 'html',
  svelte: 'html',
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  jsonc: 'json',
  kt: 'kotlin',
  md: 'markdown',
  mdx: 'markdown',
  py: 'python',
  rb: 'ruby',
  rs: 'rust',
  ts: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  svg: 'xml',
  yml: 'yaml',
};

/** The grammar for a fence's word or a file's extension; null where there is none. */
export const languageOf = (word: string): string | null => {
  const name = word.toLowerCase();
  const language = aliases[name] ?? name;
  return language in grammars ? language : null;
};

export const languageOfPath = (path: string): string | null => {
  const name = path.split('/').at(-1) ?? '';
  return name.toLowerCase() === 'dockerfile' ? 'dockerfile' : languageOf(name.split('.').at(-1) ?? '');
};

let highlighter: Promise<HighlighterCore> | undefined;
const loaded = new Map<string, Promise<void>>();

const load = async (): Promise<HighlighterCore> => {
  const [core, engine] = await Promise.all([import('shiki/core'), import('shiki/engine/javascript')]);
  const theme = core.createCssVariablesTheme({ name: 'page', variablePrefix: '--shiki-', fontStyle: false });
  return core.createHighlighterCore({
    themes: [theme],
    langs: [],
    engine: engine.createJavaScriptRegexEngine({ forgiving: true }),
  });
};

/** Longer code stays plain: colours are not worth a page that hangs. */
const maxHighlightedChars = 60_000;

/** Lines of coloured tokens. `language` comes from `languageOf`. */
export const highlight = async (code: string, language: string): Promise<Token[][]> => {
  highlighter ??= load();
  const shiki = await highlighter;
  const grammar = grammars[language];
  if (grammar === undefined || code.length > maxHighlightedChars)
    return code.split('\n').map((text) => [{ text, color: null }]);
  let ready = loaded.get(language);
  if (ready === undefined) {
    ready = grammar().then((module) => shiki.loadLanguage(module.default));
    loaded.set(language, ready);
  }
  await ready;
  const { tokens } = shiki.codeToTokens(code, { lang: language, theme: 'page' });
  return tokens.map((line) => line.map(({ content, color }) => ({ text: content, color: color ?? null })));
};
