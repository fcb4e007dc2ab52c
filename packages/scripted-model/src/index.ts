/**
 * The scripted model: a server that speaks the Messages API and answers from a script. It stands in for the model in
 * tests, benches and the keyless demo; everything else (Claude Code, its tools, its permissions) stays real.
 *
 * A script is an ordered list of rules. The first rule whose matchers all hold answers:
 *
 *     const script: Script = [
 *       { name: 'write', when: userSays('program'), answer: [
 *           thinking('A small file will do.'),
 *           text('I write it now. '),
 *           toolUse('Write', { file_path: '/workspace/a.mjs', content: 'console.log(1)\n' }) ] },
 *       { name: 'denied', when: afterTool('Write', { isError: true }), answer: [text('Then I leave it.')] },
 *       { name: 'run', when: afterTool('Write'), answer: [toolUse('Bash', { command: 'node a.mjs' })] },
 *       { name: 'done', when: afterTool('Bash', { text: /^1/ }), answer: [text('It prints 1.')] },
 *     ];
 *     const model = await startScriptedModel({ script });
 *     // … ANTHROPIC_BASE_URL=model.url …
 *     expect(model.unexpected()).toEqual([]);
 *     await model.close();
 *
 * Matching. `userSays` holds only when a turn begins; `turnSays` during the whole turn; `afterTool` when that tool has
 * just answered. System reminders and interrupt notes that Claude Code adds are no words of the user. A matcher is
 * any function of the `Conversation`, and `answer` may be one too; both must depend on nothing else.
 *
 * Steps are played in order. Neighbouring texts make one block, so `[numbered(50), gate('half'), numbered(50, { from:
 * 51 })]` holds one text in its middle until `control.release('half')`; `control.untilWaiting('half')` tells when it
 * is there. `silence(ms)`, `gate` and `error(529)` as the first step come before any header; after `start()` or any
 * content they fall into the open stream. `halfStream(k)` cuts the socket after k more deltas.
 *
 * Strict. A call that no rule matches gets a 500 that names it, is not to be retried, and stands in `unexpected()`.
 *
 * Retries. A repeated request (same session, model and words; limits, cache marks and reminders aside) gets the same
 * answer with the same ids, and is counted. To fail once and then succeed, put a rule with `times: 1` above the
 * other: it is used up by its first answer, and the answer of another rule has another message id.
 *
 * Side calls. Claude Code asks for titles, probes its quota and compacts on its own. These calls pass the rules by
 * and get a built-in answer, but for rules with `sideCalls: true`; `sideCalls: 'strict'` sends them to every rule.
 *
 * What Claude Code asks besides, for which a script needs rules of its own: a subagent is a conversation that begins
 * with the prompt of its Agent call, and its end begins a turn with `<task-notification>`; WebSearch is a call that
 * begins with "Perform a web search"; a tool that is only named in the system text must be loaded by ToolSearch first.
 */
export type { Conversation, ToolResult } from './conversation.js';
export type { Control, ScriptedModel, ScriptedModelOptions } from './server.js';
export type { RecordedRequest } from './records.js';
export type { SideCall } from './side-calls.js';
export type { Answer, Matcher, Rule, Script, Step } from './script.js';
export type { ResultWanted, Wanted } from './matchers.js';
export { startScriptedModel } from './server.js';
export { error, gate, halfStream, numbered, silence, start, stop, text, thinking, toolUse } from './script.js';
export {
  afterTool,
  always,
  anyOf,
  modelIs,
  not,
  offersTool,
  systemSays,
  toolResults,
  turn,
  turnResults,
  turnSays,
  userSays,
} from './matchers.js';
export { createDemoScript, demoScript } from './scripts/demo.js';
