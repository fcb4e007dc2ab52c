/** Stands in the bundle for the parser of HTML inside Markdown (`next.config.ts`): this page shows HTML as text, so it ships none. */
const noHtml = (): void => undefined;

// oxlint-disable-next-line import/no-default-export -- it takes the place of a module with a default
export default noHtml;
