import { describe, expect, it } from 'vitest';

import { answeredInput, choose, chooseOther, isAnswered, nothingChosen, questionsOf, type Question } from './questions';

const one: Question = {
  question: 'Which?',
  header: '',
  multiSelect: false,
  options: [
    { label: 'A', description: '' },
    { label: 'B', description: '' },
  ],
};
const many: Question = { ...one, question: 'Which of them?', multiSelect: true };

describe('questionsOf', () => {
  it('reads what is there and leaves out what is not a question', () => {
    const input = { questions: [{ question: 'Which?', options: [{ label: 'A' }, 'B'] }, { options: [] }, 7, null] };
    expect(questionsOf(input)).toEqual([
      {
        ...one,
        options: [
          { label: 'A', description: '' },
          { label: 'B', description: '' },
        ],
      },
    ]);
    expect(questionsOf({ questions: 'none' })).toEqual([]);
  });
});

describe('answers', () => {
  it('hold one option, or own words, where one is asked for', () => {
    const chosen = chooseOther(one, choose(one, nothingChosen, 'A'), 'mine');
    expect(answeredInput({ questions: [] }, [one], [chosen])).toEqual({ questions: [], answers: { 'Which?': 'mine' } });
    expect(choose(one, chosen, 'B')).toEqual({ labels: ['B'], other: null });
  });
  it('hold any number, with own words after them, where many may be chosen', () => {
    const chosen = chooseOther(many, choose(many, choose(many, nothingChosen, 'A'), 'B'), ' C ');
    expect(answeredInput({}, [many], [chosen])).toEqual({ answers: { 'Which of them?': 'A, B, C' } });
    expect(choose(many, chosen, 'A').labels).toEqual(['B']);
  });
  it('are complete only with a choice or with words', () => {
    expect([
      isAnswered(nothingChosen),
      isAnswered({ labels: [], other: '  ' }),
      isAnswered({ labels: [], other: 'x' }),
      isAnswered({ labels: ['A'], other: null }),
    ]).toEqual([false, false, true, true]);
  });
});
