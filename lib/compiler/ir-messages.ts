// Of the intermediate representation: message types, and where their fields are found.
import type { Json } from '../schema/canonical.js';
import type { ByteOrder, IntegerType } from '../schema/model.js';
import type { FieldType } from './view.js';

/** Where in the user's configuration something was written. Line and column count from 1. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type { ByteOrder, FieldType, IntegerType };

/**
 * A field at a fixed place of a message's view (see `ViewIr`; mostly the message itself). `bytes`
 * is its size, `offset` counts from the start. Of a slot (string, blob, group) it is the slot.
 */
export interface FieldIr {
  readonly name: string;
  readonly type: FieldType;
  readonly order: ByteOrder;
  readonly offset: number;
  readonly bytes: number;
  /** An enum's symbols, values by name; null for plain numbers. */
  readonly symbols: Readonly<Record<string, bigint>> | null;
  /** The greatest value, where that is less than the type's. */
  readonly max?: bigint;
  /** Of a `bit`, which bit of the byte it is. */
  readonly bit?: number;
  /** Of an optional field, the index of the bit that says whether it is there. */
  readonly presence?: number;
  /** Of `bytes` that are text: what follows it up to the end of the field. */
  readonly pad?: 'zero' | 'space';
  /** Whether a transform may leave it out: what it holds then is in the initial bytes. */
  readonly omissible?: boolean;
  /** The most bytes or entries of a slot. */
  readonly limit?: number;
  /** The entries of a group. */
  readonly entry?: BlockIr;
  /** Where a field of bits lies in the message, whose view has it spread out. */
  readonly container?: ContainerIr;
}

/** Entries of a group. */
export interface BlockIr {
  readonly bytes: number;
  readonly fields: readonly FieldIr[];
  /** An entry in which nothing was set, in hexadecimal. */
  readonly initial: string;
}

/** Bits of an integer. */
export interface ContainerIr {
  readonly offset: number;
  readonly bytes: number;
  readonly order: ByteOrder;
  readonly shift: number;
  readonly bits: number;
}

/**
 * The bytes in which the router finds a message's fields at fixed places. A message that has no
 * ViewIr is its own view. A native message of the newest version, or of one to come, is its own
 * view too; an older one is completed with what later versions brought. Messages of other layouts
 * have their bits spread out and their movable parts put in place.
 */
export type ViewIr =
  | {
      readonly kind: 'native';
      /** The schema as canonical JSON, which `nativeModel` reads. */
      readonly schema: Json;
    }
  | {
      readonly kind: 'foreign';
      /** The part of the message that is always there, at the start of the view. */
      readonly fixedBytes: number;
      readonly bytesMax: number;
      /** What is put behind it, one after the other. */
      readonly parts: readonly ViewPartIr[];
    };

export type ViewPartIr =
  /** `bytes` of the message from the value of a field × scale + plus on. */
  | {
      readonly kind: 'section';
      readonly field: number;
      readonly scale: number;
      readonly plus: number;
      readonly bytes: number;
    }
  /** Bits of a container in the view so far, as a u32 in little-endian order. */
  | { readonly kind: 'bits'; readonly container: ContainerIr };

/** A message type. `templateId` is the value of its family's discriminator. */
export interface SchemaIr {
  readonly name: string;
  readonly templateId: bigint;
  /** Bytes of the view; without one those of the message. */
  readonly bytes: number;
  readonly fields: readonly FieldIr[];
  /** Index of the field that holds the whole message's size, written and checked by the router. */
  readonly sizeField: number | null;
  /** Index of the field that holds the template id, written and checked by the router. */
  readonly typeField: number | null;
  readonly view?: ViewIr;
  /**
   * The fixed part of a message in which nothing was set, in hexadecimal: of native types always,
   * of others where fields have defaults.
   */
  readonly initial?: string;
  readonly position: SourcePosition;
}

/** The message types that an endpoint carries. Family 0 is `raw`: opaque bytes, no members. */
export interface FamilyIr {
  readonly name: string;
  /** Place of the discriminator, the same in every member; null: raw, or a single member. */
  readonly discriminator: FieldIr | null;
  /** Place of the size field, the same in every member; null if there is none. */
  readonly size: FieldIr | null;
  /** Schema indices. */
  readonly members: readonly number[];
}
