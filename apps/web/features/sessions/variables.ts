/** Variables of an environment as people write them: a line each, `NAME=value`. Pure. */
import { sessionEnvironment, type SessionEnvironment } from '@remote-claude/contract';

interface Read {
  env: SessionEnvironment;
  /** What is wrong, and where; null where all of it can be used. */
  problem: string | null;
}

export const readVariables = (text: string): Read => {
  const env: SessionEnvironment = {};
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.trimStart().startsWith('#')) continue;
    const at = line.indexOf('=');
    if (at < 1) return { env, problem: `Line ${index + 1} is not of the form NAME=value.` };
    env[line.slice(0, at).trim()] = line.slice(at + 1);
  }
  const parsed = sessionEnvironment.safeParse(env);
  if (parsed.success) return { env: parsed.data, problem: null };
  const issue = parsed.error.issues[0];
  const name = issue?.path[0];
  const nested = issue?.code === 'invalid_key' ? issue.issues[0]?.message : issue?.message;
  return { env, problem: `${typeof name === 'string' ? `${name}: ` : ''}${nested ?? 'This cannot be used.'}` };
};
