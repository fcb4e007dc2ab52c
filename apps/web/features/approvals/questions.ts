/** Claude's questions, read from a tool's input, and the answers as it takes them. Pure; an input is whatever a model wrote. */
import type { ToolInput } from '@remote-claude/contract';

export interface Question {
  question: string;
  header: string;
  multiSelect: boolean;
  options: { label: string; description: string }[];
}
export interface Chosen {
  labels: readonly string[];
  /** Words of one's own; chosen where not null. */
  other: string | null;
}

const record = (value: unknown): ToolInput => (typeof value === 'object' && value !== null ? (value as ToolInput) : {});
const string = (value: unknown): string => (typeof value === 'string' ? value : '');

export const questionsOf = (input: ToolInput): Question[] => {
  if (!Array.isArray(input['questions'])) return [];
  return input['questions'].map(record).flatMap((entry) => {
    const question = string(entry['question']);
    const options = Array.isArray(entry['options']) ? entry['options'] : [];
    if (question === '') return [];
    return {
      question,
      header: string(entry['header']),
      multiSelect: entry['multiSelect'] === true,
      options: options.map((option) =>
        typeof option === 'string'
          ? { label: option, description: '' }
          : { label: string(record(option)['label']), description: string(record(option)['description']) },
      ),
    };
  });
};

export const nothingChosen: Chosen = { labels: [], other: null };

export const choose = (question: Question, chosen: Chosen, label: string): Chosen => {
  if (!question.multiSelect) return { labels: [label], other: null };
  const labels = chosen.labels.includes(label)
    ? chosen.labels.filter((known) => known !== label)
    : [...chosen.labels, label];
  return { ...chosen, labels };
};

export const chooseOther = (question: Question, chosen: Chosen, other: string | null): Chosen =>
  question.multiSelect ? { ...chosen, other } : { labels: [], other };

export const isAnswered = ({ labels, other }: Chosen): boolean =>
  labels.length > 0 || (other !== null && other.trim() !== '');

/** The input with `answers`: one string per question, several joined by a comma. */
export const answeredInput = (
  input: ToolInput,
  questions: readonly Question[],
  chosen: readonly Chosen[],
): ToolInput => {
  const answers: Record<string, string> = {};
  questions.forEach(({ question }, index) => {
    const { labels, other } = chosen[index] ?? nothingChosen;
    answers[question] = [...labels, ...(other !== null && other.trim() !== '' ? [other.trim()] : [])].join(', ');
  });
  return { ...input, answers };
};
