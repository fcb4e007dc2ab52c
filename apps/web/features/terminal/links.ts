/** Which addresses in a terminal's output may be opened. */

export const isWebLink = (url: string): boolean => /^https?:\/\//i.test(url);
