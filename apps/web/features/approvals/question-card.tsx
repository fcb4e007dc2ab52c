'use client';
/** Claude's questions as a form: options, or words of one's own. */
import { useState } from 'react';
import { MessageCircleQuestion } from 'lucide-react';

import { cx } from '../../lib/cx';
import { Button } from '../../ui/button';
import { controlClass } from '../../ui/field';
import type { CardProps } from './card-props';
import {
  answeredInput,
  choose,
  chooseOther,
  isAnswered,
  nothingChosen,
  questionsOf,
  type Chosen,
  type Question,
} from './questions';

interface OneProps {
  question: Question;
  name: string;
  chosen: Chosen;
  onChange: (chosen: Chosen) => void;
}

const optionClass = 'target flex cursor-pointer items-start gap-2.5 rounded-md px-2 py-1.5 hover:bg-hover';
const boxClass = 'mt-[3px] size-3.5 shrink-0';

const One = ({ question, name, chosen, onChange }: OneProps) => {
  const type = question.multiSelect ? 'checkbox' : 'radio';
  return (
    <fieldset className="min-w-0">
      <legend className="mb-1.5 font-medium break-words">{question.question}</legend>
      {question.options.map(({ label, description }) => (
        <label key={label} className={optionClass}>
          <input
            type={type}
            name={name}
            className={boxClass}
            checked={chosen.labels.includes(label)}
            onChange={() => onChange(choose(question, chosen, label))}
          />
          <span className="min-w-0">
            {label}
            {description !== '' && <span className="block text-xs text-muted">{description}</span>}
          </span>
        </label>
      ))}
      <label className={optionClass}>
        <input
          type={type}
          name={name}
          className={boxClass}
          checked={chosen.other !== null}
          onChange={() => onChange(chooseOther(question, chosen, chosen.other === null ? '' : null))}
        />
        <span>Other</span>
      </label>
      {chosen.other !== null && (
        <input
          autoFocus
          aria-label={`Other: ${question.question}`}
          value={chosen.other}
          onChange={(event) => onChange({ ...chosen, other: event.target.value })}
          className={cx(controlClass, 'mt-1 ml-8 h-8 w-[calc(100%-40px)]! px-2.5')}
        />
      )}
    </fieldset>
  );
};

export const QuestionCard = ({ approval, busy, allowed, onAnswer }: CardProps) => {
  const questions = questionsOf(approval.input);
  const [chosen, setChosen] = useState<readonly Chosen[]>(() => questions.map(() => nothingChosen));
  const complete = questions.every((_, index) => isAnswered(chosen[index] ?? nothingChosen));
  return (
    <form
      className="flex min-h-0 flex-col"
      onSubmit={(event) => {
        event.preventDefault();
        if (complete) onAnswer({ decision: 'allow', input: answeredInput(approval.input, questions, chosen) });
      }}
    >
      <header className="flex items-start gap-2.5 px-3.5 pt-3 pb-2.5">
        <MessageCircleQuestion size={16} className="mt-0.5 shrink-0 text-attention-mark" aria-hidden />
        <h3 className="font-semibold break-words">{approval.title}</h3>
      </header>
      <div className="min-h-0 space-y-4 overflow-y-auto border-y border-line px-3.5 py-3">
        {questions.map((question, index) => (
          <One
            key={question.question}
            question={question}
            name={`${approval.approvalId}-${index}`}
            chosen={chosen[index] ?? nothingChosen}
            onChange={(next) =>
              setChosen((all) => questions.map((_, at) => (at === index ? next : (all[at] ?? nothingChosen))))
            }
          />
        ))}
      </div>
      <footer className="flex flex-wrap gap-2 px-3.5 py-2.5">
        {allowed ? (
          <>
            <Button type="submit" variant="primary" busy={busy} disabled={!complete}>
              Answer
            </Button>
            <Button
              variant="ghost"
              disabled={busy}
              onClick={() => onAnswer({ decision: 'deny', reason: 'The person does not want to answer this.' })}
            >
              Do not answer
            </Button>
          </>
        ) : (
          <p className="text-muted">Someone who may edit this session has to answer.</p>
        )}
      </footer>
    </form>
  );
};
