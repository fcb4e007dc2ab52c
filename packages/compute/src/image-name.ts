/**
 * What may name an image: its registry or none, its path, its tag, its digest; or an engine's own id of it. Nothing that
 * an address could be made of that leads elsewhere. It does not know which images there are.
 */
const registry = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?\/)?/.source;
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const name = new RegExp(`${registry}${component}(?:/${component})*(?::\\w[\\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`);
const ownId = /^sha256:[0-9a-f]{64}$/;
const maxLength = 400;

export const isImageName = (given: string): boolean =>
  given.length <= maxLength && (ownId.test(given) || name.test(given));
