/** What a person may change of a tool's input before allowing it, as one text. Pure; what comes out is the input that runs. */
import type { ToolInput } from '@remote-claude/contract';

export interface Editable {
  /** Above the text. */
  label: string;
  text: string;
  /** The field that the text is; null where it is the whole input as JSON. */
  field: string | null;
  /** What the text's line ends are in the input: a form knows only `\n`. */
  lineEnd: '\n' | '\r\n';
}

export type Edited = { input: ToolInput; error: null } | { input: null; error: string };

const fields: Readonly<Record<string, readonly [field: string, label: string]>> = {
  Bash: ['command', 'Command'],
  Write: ['content', 'Content of the file'],
  Edit: ['new_string', 'New text'],
  NotebookEdit: ['new_source', 'New source of the cell'],
};

/** More than this does not go into one event of the log with all that is beside it. */
const maxBytes = 40 * 1024;

/** Null where the line ends are mixed, which a form could not give back. */
const lineEndOf = (text: string): Editable['lineEnd'] | null => {
  if (!text.includes('\r')) return '\n';
  return text.replaceAll('\r\n', '').search(/[\r\n]/) === -1 ? '\r\n' : null;
};

export const editableOf = (tool: string, input: ToolInput): Editable => {
  const [field, label] = fields[tool] ?? [];
  const value = field === undefined ? undefined : input[field];
  const lineEnd = typeof value === 'string' ? lineEndOf(value) : null;
  if (field === undefined || label === undefined || typeof value !== 'string' || lineEnd === null)
    return { label: 'Input, as JSON', text: JSON.stringify(input, null, 2), field: null, lineEnd: '\n' };
  return { label, text: value.replaceAll('\r\n', '\n'), field, lineEnd };
};

const parsed = (text: string): Edited => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { input: null, error: `This is not valid JSON. ${error instanceof Error ? error.message : ''}`.trim() };
  }
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { input: value as ToolInput, error: null }
    : { input: null, error: 'The input must be a JSON object: { … }.' };
};

export const editedInput = (tool: string, input: ToolInput, text: string): Edited => {
  const { field, label, lineEnd } = editableOf(tool, input);
  if (field === 'command' && text.trim() === '') return { input: null, error: 'There is no command to run.' };
  const edited: Edited =
    field === null ? parsed(text) : { input: { ...input, [field]: text.replaceAll('\n', lineEnd) }, error: null };
  if (edited.input === null) return edited;
  const bytes = new TextEncoder().encode(JSON.stringify(edited.input)).length;
  return bytes <= maxBytes
    ? edited
    : { input: null, error: `${label}: ${Math.ceil(bytes / 1024)} KiB are too many to be changed here; 40 KiB fit.` };
};
