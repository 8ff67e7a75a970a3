// Checks that every message type an endpoint carries fits its datagrams or frames, as far as that
// can be told before there are messages: of types of varying size the smallest message has to.
import { type BlocksFraming, blockBytesMax } from '../schema/blocks.js';
import type { Findings } from './findings.js';
import type { EndpointIr, RouterIr, SchemaIr } from './ir.js';

type FramingIr =
  | {
      readonly kind: 'length-prefix';
      readonly bytes: number;
      readonly offset: number;
      readonly adjust: number;
      readonly includesHeader: boolean;
      readonly strip: boolean;
    }
  | { readonly kind: 'delimiter'; readonly hex: string }
  | { readonly kind: 'fixed'; readonly bytes: number };

interface FrameOptions {
  readonly maxFrameBytes?: number;
  readonly maxDatagramBytes?: number;
  readonly maxMessageBytes?: number;
  readonly framing?: FramingIr | BlocksFraming | null;
}

/** Whether nothing can be sent to an endpoint: nobody says how its framing's header is written. */
export function onlyReceives({ options }: EndpointIr): boolean {
  return (options as FrameOptions | null)?.framing?.kind === 'blocks';
}

export function checkFrames(ir: RouterIr, endpoint: EndpointIr, findings: Findings): void {
  const options = endpoint.options as FrameOptions;
  const path = `endpoints.${endpoint.name}`;
  for (const member of ir.families[endpoint.family]?.members ?? []) {
    const schema = ir.schemas[member];
    if (schema === undefined) continue;
    const add = (option: string, expected: string, received: unknown): void =>
      findings.add('ERR_CONFIG', `${path}.${option}`, expected, received, endpoint.position);
    const { framing, maxDatagramBytes, maxFrameBytes, maxMessageBytes } = options;
    const bytes = leastBytes(schema);
    if (maxDatagramBytes !== undefined && bytes > maxDatagramBytes) {
      const expected = `at least the ${bytes} bytes of ${schema.name}`;
      add('maxDatagramBytes', expected, maxDatagramBytes);
    }
    if (maxMessageBytes !== undefined && bytes > maxMessageBytes) {
      const expected = `at least the ${bytes} bytes of ${schema.name}`;
      add('maxMessageBytes', expected, maxMessageBytes);
    }
    if (framing?.kind === 'blocks') {
      const room = blockBytesMax(framing, maxDatagramBytes ?? 0);
      if (bytes > room) {
        const expected = `blocks of at least the ${bytes} bytes of ${schema.name}`;
        add('framing', expected, `at most ${room} bytes`);
      }
      continue;
    }
    if (!framing || maxFrameBytes === undefined) continue;
    const frameBytes = bytes + roomOf(framing);
    if (frameBytes > maxFrameBytes) {
      add('maxFrameBytes', `at least the ${frameBytes} bytes of ${schema.name}`, maxFrameBytes);
    }
    checkFraming(schema, framing, frameBytes, add);
  }
}

/** The bytes of the smallest message that the router writes. */
function leastBytes({ bytes, view }: SchemaIr): number {
  return view?.kind === 'foreign' ? view.fixedBytes : bytes;
}

function isOfOneSize({ view }: SchemaIr): boolean {
  return view === undefined || (view.kind === 'foreign' && view.fixedBytes === view.bytesMax);
}

/** Bytes of a frame that are not of its message. */
function roomOf(framing: FramingIr): number {
  if (framing.kind === 'delimiter') return framing.hex.length / 2;
  if (framing.kind === 'fixed') return 0;
  return framing.strip ? framing.offset + framing.bytes : 0;
}

function checkFraming(
  schema: SchemaIr,
  framing: FramingIr,
  frameBytes: number,
  add: (option: string, expected: string, received: unknown) => void,
): void {
  const { name } = schema;
  const bytes = leastBytes(schema);
  if (framing.kind === 'fixed' && !isOfOneSize(schema)) {
    add('framing', `one that frames of any size can have, for ${name}`, 'fixed');
  } else if (framing.kind === 'fixed' && framing.bytes !== bytes) {
    add('framing.bytes', `the ${bytes} bytes of ${name}`, framing.bytes);
  }
  if (framing.kind !== 'length-prefix') return;
  const headerBytes = framing.offset + framing.bytes;
  if (headerBytes > frameBytes) {
    add('framing.offset', `a length field within the ${bytes} bytes of ${name}`, framing.offset);
  }
  const value = frameBytes - framing.adjust - (framing.includesHeader ? 0 : headerBytes);
  if (value >= 0 && value < 2 ** (8 * framing.bytes)) return;
  add('framing.bytes', `a length field that can say ${value} for ${name}`, framing.bytes);
}
