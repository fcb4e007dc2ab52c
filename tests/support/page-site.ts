// A product with people and a browser: what tests of pages begin with, and the end of all of it. It knows no page.

import { routes, type SessionId } from '@remote-claude/contract';
import type { Script, ScriptedModel } from '@remote-claude/scripted-model';

import { startBrowser, useCookie, type Look, type TestBrowser, type Visit } from './browser.js';
import { signInByCookie } from './calls.js';
import { configFor, startModel } from './model.js';
import { addMember, setUpAdmin, type Person } from './people.js';
import { startProduct, type Product } from './product.js';
import { openViewer } from './viewer.js';

export interface PageSite {
  model: ScriptedModel;
  product: Product;
  /** The admin, and a member. */
  ada: Person;
  bob: Person;
  /** A window in which this person is signed in, on no page yet. */
  visitOf(person: Person, look: Look): Promise<Visit>;
  close(): Promise<void>;
}

/** `more` is YAML at the configuration's end. */
export const openPageSite = async (script: Script, more = ''): Promise<PageSite> => {
  const opened: { close(): Promise<unknown> }[] = [];
  const keep = <T extends { close(): Promise<unknown> }>(part: T): T => {
    opened.unshift(part);
    return part;
  };
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0)) await part.close();
  };
  try {
    const model = keep(await startModel(script));
    const product = keep(await startProduct({ config: configFor(model, more) }));
    const ada = await setUpAdmin(product);
    const bob = await addMember(product, ada, 'Bob');
    const browser: TestBrowser = keep(await startBrowser());
    return {
      ...{ model, product, ada, bob, close },
      async visitOf(person, look) {
        const visit = await browser.visit(look);
        await useCookie(visit, product, await signInByCookie(product, person));
        return visit;
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
};

/** Sends each message, allows the one thing that its turn asks for, and waits for its end. */
export const sayAndAllow = async (
  { product, ada }: Pick<PageSite, 'product' | 'ada'>,
  id: SessionId,
  messages: readonly string[],
): Promise<void> => {
  const viewer = openViewer(product.url, ada, id);
  try {
    const answered = new Set<string>();
    for (const message of messages) {
      const turn = ada.client.call(routes.claude.chat, { params: { id }, body: { message } });
      const { approval } = await viewer.event('approval.asked', (event) => !answered.has(event.approval.approvalId));
      answered.add(approval.approvalId);
      await ada.client.call(routes.claude.answer, {
        params: { id, approvalId: approval.approvalId },
        body: { decision: 'allow' },
      });
      await turn;
    }
  } finally {
    viewer.close();
  }
};
