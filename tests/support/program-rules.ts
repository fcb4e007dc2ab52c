// What the scripted model does in the tests of the spine: it writes a program and runs it.

import { afterTool, text, thinking, toolUse, userSays, type Rule } from '@remote-claude/scripted-model';

/** Asked for "a program" it writes this one to `answer.mjs`; once that is written it runs it. */
export const writesAndRuns = (program: string): Rule[] => [
  {
    name: 'write it',
    when: userSays('a program'),
    answer: [
      thinking('A file, then.'),
      text('I write it.'),
      toolUse('Write', { file_path: '/workspace/answer.mjs', content: program }),
    ],
  },
  {
    name: 'run it',
    when: afterTool('Write', { isError: false }),
    answer: [toolUse('Bash', { command: 'node answer.mjs', description: 'Run the program' })],
  },
];
/** Says what it printed; below every other rule for what follows a command. */
export const sumsUp: Rule = { name: 'sum up', when: afterTool('Bash'), answer: [text('It printed 42. **Done.**')] };
