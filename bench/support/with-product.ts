// The product with everything on, for the time of one bench, with the scripted model behind it and its first admin signed in.
import type { Script, ScriptedModel } from '@remote-claude/scripted-model';

import { configFor, startModel } from '../../tests/support/model.js';
import { setUpAdmin, type Person } from '../../tests/support/people.js';
import { startProduct, type Product } from '../../tests/support/product.js';

export interface Ready {
  model: ScriptedModel;
  product: Product;
  ada: Person;
}

/** Whatever comes of `work`, everything is ended after it. */
export const withProduct = async (
  script: Script,
  work: (ready: Ready) => Promise<void>,
  config: (model: ScriptedModel) => string = configFor,
): Promise<void> => {
  const model = await startModel(script);
  try {
    const product = await startProduct({ config: config(model) });
    try {
      await work({ model, product, ada: await setUpAdmin(product) });
    } finally {
      await product.close();
    }
  } finally {
    await model.close();
  }
};
