// A real Chromium for the tests: people who look at the product, what goes wrong in their pages, and what they see there.

import { chromium, type BrowserContext, type Locator, type Page } from 'playwright-core';

import { builtEnv } from './config.js';
import type { Product } from './product.js';
import { until } from './wait.js';

export interface Look {
  width: number;
  height: number;
  theme: 'light' | 'dark';
  /** A phone: fingers instead of a mouse. */
  touch: boolean;
}

export const desktop: Look = { width: 1440, height: 900, theme: 'light', touch: false };
export const phone: Look = { width: 390, height: 844, theme: 'light', touch: true };

/** One person's browser window with cookies and storage of its own. */
export interface Visit {
  page: Page;
  context: BrowserContext;
  /** Errors on the console, failed requests, answers that refuse, breaches of the content policy: one line each, then forgotten. */
  takeTrouble(): string[];
  close(): Promise<void>;
}

export interface TestBrowser {
  visit(look?: Look): Promise<Visit>;
  close(): Promise<void>;
}

const args = [
  '--no-sandbox',
  '--disable-gpu',
  // The terminal then draws its cells as text, which can be read.
  '--disable-3d-apis',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The machine is shared: what takes a moment alone may take many. */
const patienceMs = 45_000;

const collectTrouble = async (context: BrowserContext, page: Page): Promise<() => string[]> => {
  const trouble: string[] = [];
  // A console line about a resource says less than the answer itself.
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      trouble.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => trouble.push(`thrown: ${error.message}`));
  page.on('response', (answer) => {
    if (answer.status() >= 400)
      trouble.push(`answered ${answer.status()}: ${answer.request().method()} ${answer.url()}`);
  });
  page.on('requestfailed', (request) => {
    const reason = request.failure()?.errorText ?? '';
    // Leaving a page gives up what it still fetches.
    if (reason !== 'net::ERR_ABORTED') trouble.push(`failed: ${request.method()} ${request.url()} ${reason}`);
  });
  await context.exposeBinding('testSawBreach', (_source, breach: string) => void trouble.push(`policy: ${breach}`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      (globalThis as unknown as { testSawBreach(text: string): void }).testSawBreach(
        `${violatedDirective} ${blockedURI}`,
      ),
    );
  });
  return () => trouble.splice(0);
};

export const startBrowser = async (): Promise<TestBrowser> => {
  // It makes a fresh profile in the temp folder, and takes it away at the end.
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args,
    env: builtEnv(),
    timeout: 90_000,
  });
  return {
    async visit(look = desktop) {
      const context = await browser.newContext({
        viewport: { width: look.width, height: look.height },
        colorScheme: look.theme,
        hasTouch: look.touch,
        isMobile: look.touch,
        reducedMotion: 'reduce',
      });
      context.setDefaultTimeout(patienceMs);
      const page = await context.newPage();
      const takeTrouble = await collectTrouble(context, page);
      return { page, context, takeTrouble, close: () => context.close() };
    },
    close: () => browser.close(),
  };
};

/** Gives the visit a login cookie: `name=value`. */
export const useCookie = async ({ context }: Visit, product: Product, cookie: string): Promise<void> => {
  const at = cookie.indexOf('=');
  await context.addCookies([
    { name: cookie.slice(0, at), value: cookie.slice(at + 1), url: product.url, httpOnly: true, sameSite: 'Lax' },
  ]);
};

export const signInByForm = async (page: Page, person: { email: string; password: string }): Promise<void> => {
  await page.getByLabel('E-mail').fill(person.email);
  await page.getByLabel('Password').fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
};

export const composer = (page: Page): Locator => page.getByRole('textbox', { name: 'Message to Claude' });

/** A text in the conversation; what is told to screen readers as well stands beside it. */
export const inChat = (page: Page, text: string | RegExp): Locator =>
  page.getByRole('log', { name: 'Conversation' }).getByText(text).first();

/** The state in the session's own header. */
export const untilStatus = async (page: Page, shown: string, timeoutMs = 90_000): Promise<void> =>
  page.locator(`main header [data-testid=session-status][data-shown=${shown}]`).first().waitFor({ timeout: timeoutMs });

export const approvalOf = (page: Page, tool: string): Locator =>
  page.locator(`[data-testid=approval][data-tool=${tool}]`);

/**
 * Every row of the transcript in order, as text. The list draws only what is near the view, so this scrolls through it
 * from its beginning to its end. The line that counts seconds while Claude works is left out.
 */
export const transcript = (page: Page): Promise<string[]> =>
  page.getByRole('log', { name: 'Conversation' }).evaluate(async (list) => {
    const rows = new Map<number, string>();
    const frame = (): Promise<void> =>
      new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
    const take = (): void => {
      for (const row of list.querySelectorAll<HTMLElement>('[data-item-index]')) {
        const working = [...row.querySelectorAll('button')].some((button) =>
          button.textContent?.startsWith('Interrupt'),
        );
        if (!working) rows.set(Number(row.dataset['itemIndex']), row.innerText.trim());
      }
    };
    // As a person does, who scrolls with a hand on something.
    list.dispatchEvent(new WheelEvent('wheel'));
    list.scrollTop = 0;
    await frame();
    for (let last = -1; list.scrollTop !== last;) {
      take();
      last = list.scrollTop;
      list.scrollTop += list.clientHeight / 2;
      await frame();
    }
    take();
    return [...rows].sort(([a], [b]) => a - b).map(([, text]) => text);
  });

export const tokensIn = (texts: readonly string[]): string[] => texts.join('\n').match(/token-\d+/g) ?? [];

export const tokensTo = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `token-${String(index + 1).padStart(4, '0')}`);

/** The lines on the seen terminal's screen, without white space at the end. */
export const screenOf = async (page: Page): Promise<string> => {
  const rows = await page.locator('section[data-phase]:not([hidden]) .xterm-rows > div').allTextContents();
  return rows
    .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
    .join('\n')
    .trimEnd();
};

export const untilScreen = (page: Page, fits: (screen: string) => boolean, what: string): Promise<string> => {
  let seen = '';
  return until(
    async () => {
      seen = await screenOf(page);
      return fits(seen) ? seen : null;
    },
    { what: () => `${what}; the screen is:\n${seen}`, timeoutMs: patienceMs },
  );
};

/** What the editor shows, line by line. */
const editorText = async (page: Page): Promise<string> => {
  const lines = await page
    .locator('section[data-pane=editor] .view-lines')
    .evaluate((view) =>
      [...view.querySelectorAll<HTMLElement>('.view-line')]
        .sort((a, b) => Number.parseInt(a.style.top, 10) - Number.parseInt(b.style.top, 10))
        .map((line) => line.textContent ?? ''),
    );
  return lines.join('\n').replaceAll('\u00a0', ' ');
};

export const untilEditor = (page: Page, text: string): Promise<string> => {
  let seen = '';
  return until(
    async () => {
      seen = await editorText(page);
      return seen.includes(text) ? seen : null;
    },
    {
      what: () => `the editor to show ${JSON.stringify(text)}; it shows ${JSON.stringify(seen)}`,
      timeoutMs: patienceMs,
    },
  );
};
