/** What the demo model says. It does not know when. */
import { programName, rightLine, rightOutput, wrongLine } from './prime-program.js';

export const intro = `I am the **demo model**: my words are scripted, and no real model is connected. Everything else is real, so I write a small program in this session, run it, and mend what is wrong with it.`;

export const plan =
  'The user tries the demo. I write a short program that checks its own result, run it, and look at what comes out.';

export const running = `\`${programName}\` is written. I run it; it checks its own result.`;

export const diagnosis =
  'Squares such as 4, 9 and 25 are listed as primes. The loop looks for divisors only below the square root of n, and the divisor of a square is the root itself.';

export const mending = `The check failed: 4, 9 and 25 are no primes. The loop stops one step before the square root, so I change \`<\` to \`<=\`.`;

export const rerunning = 'Now the same run again.';

export const summary = `The program works. This is what happened in your session:

| step | tool | result |
| --- | --- | --- |
| write \`${programName}\` | Write | 17 lines |
| run it | Bash | failed: 4, 9 and 25 passed as primes |
| mend the loop | Edit | one line |
| run it again | Bash | all 10 primes are right |

The change was:

\`\`\`diff
-${wrongLine}
+${rightLine}
\`\`\`

And the last run printed:

\`\`\`text
${rightOutput}
\`\`\`

The file is in your work tree: open it in the editor, or run \`node ${programName}\` in a terminal.`;

export const help = `I am the **demo model** and know only a few replies:

| type | to see |
| --- | --- |
| \`program\` | the small program again: written, run, mended |
| \`count\` | a long streamed answer, to try interrupting or reloading |

The files, the editor and the terminal of this session work as usual. For real answers, an admin enters a model key in the settings.`;

export const denied = (tool: string, reason: string): string =>
  `All right: the **${tool}** call was not allowed, so it was not made, and I stop here. What was done before stays as it is.

${quoted(reason)}

Type \`program\` to start again.`;

export const trouble = (tool: string, output: string): string =>
  `**${tool}** did not work here, and the demo model has no script for that:

\`\`\`text
${output}
\`\`\`

Type \`program\` to try again.`;

const quoted = (words: string): string => words.replace(/^/gm, '> ');
