// The layout image of a schema, for programs in C++.
import { optionError } from '../errors.js';
import { layoutImage as imageOf } from './layout-image.js';
import { callerPlace } from './position.js';
import { type AnySchema, isSchema } from './schema.js';

/**
 * The layout image of a message type: the bytes from which a program in C++ knows its fields
 * (docs/plugins-messages.md). The same schema always gives the same bytes; they hold every version
 * up to the schema's own. Of foreign layouts the image can be loaded, but C++ has no handles for
 * their fields.
 *
 * Call it on any thread. Allocates; the bytes are the caller's. Throws HyperRouteError ERR_SCHEMA
 * when it is not given a schema.
 *
 * @example
 * ```ts
 * const Order = schema('Order', 7, { id: t.u64, text: t.string.max(64) });
 * writeFileSync('order.layout', layoutImage(Order));
 * ```
 */
export function layoutImage(schema: AnySchema): Uint8Array {
  if (!isSchema(schema)) {
    throw optionError('ERR_SCHEMA', 'layoutImage', 'a schema', schema, callerPlace());
  }
  return imageOf(schema.model);
}
