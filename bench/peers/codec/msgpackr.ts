// msgpackr with shared record structures, its fastest way: field names are left out of the bytes.
// Without the package's own acceleration addon it does the same more slowly.
import { ownCopy, readOrder, readReading } from '../../micro/codec-copies.js';
import type { Codec, CodecSubject, NewOrder, Reading } from '../../micro/codec-messages.js';

const subject = 'msgpackr';
/** The package's `ALWAYS`, which its types do not export as it does. */
const float32Always = 1;

/** The subject. Rejects where the package is not installed. */
export async function msgpackr(): Promise<CodecSubject> {
  const { Packr } = await import('msgpackr');
  // One packer a message type, each with the structures of that type alone; floats as 32 bits,
  // like everybody's.
  const codec = <Value extends object>(read: (value: Value) => void): Codec<Value> => {
    const packr = new Packr({ structures: [], int64AsType: 'bigint', useFloat32: float32Always });
    return {
      natural: (value) => value,
      plain: (decoded) => decoded as Value,
      encode: (message) => packr.pack(message),
      decode: ({ bytes }) => packr.unpack(bytes),
      read: ({ bytes }) => read(packr.unpack(bytes)),
    };
  };
  return {
    subject,
    keepsAllBits: true,
    codecs: {
      NewOrder: codec<NewOrder>(ownCopy(readOrder, subject)),
      Reading: codec<Reading>(ownCopy(readReading, subject)),
    },
  };
}
