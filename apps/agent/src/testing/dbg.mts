import { startAgent } from './agent-process.js';
import { connectControl } from './control-client.js';
import { startModel } from './scripted-model.js';
import { scratchFolder } from './scratch.js';
import { readFileSync } from 'node:fs';
const rules = /const rules = `([\s\S]*?)`;/.exec(readFileSync('/work/main/apps/agent/src/chat/conversation.test.ts', 'utf8'))![1]!.replaceAll('\\\\n', '\\n');
const s = scratchFolder();
const model = await startModel(s.path, rules);
const agent = await startAgent({ dir: s.path + '/d', gatewayPort: model.port });
const c = await connectControl(agent.socketPath);
const t0 = Date.now();
let seen = 0;
setInterval(() => { for (; seen < c.proposed.length; seen++) console.log(Date.now() - t0, JSON.stringify(c.proposed[seen]).slice(0, 400)); }, 20);
for (const a of process.argv.slice(2)) { if (a.startsWith('{')) c.command(JSON.parse(a)); else if (/^\d+$/.test(a)) await new Promise((r) => setTimeout(r, Number(a))); else c.command({ type: 'prompt', prompt: a }); }
await new Promise((r) => setTimeout(r, 6000));
console.log(agent.log());
const e = Date.now(); await c.close(); console.log('closed', Date.now() - e); await agent.end(); console.log('ended', Date.now() - e, agent.log().slice(-800)); await model.close(); s.remove(); process.exit(0);
