/** Text that people give and a database can hold. It does not know what the text is for, nor how long it may be. */
import { z } from 'zod';

/** Refused here: NUL, and a half of a surrogate pair, which stands for no character. Neither has a place in a column. */
export const plainText = z
  .string()
  .refine((text) => !/\0|\p{Surrogate}/u.test(text), 'This has a character that cannot be stored.');
