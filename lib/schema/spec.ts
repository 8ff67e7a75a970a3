// A field as the schema language writes it: its type, and what is said about it.
import { optionError } from '../errors.js';
import type {
  AsciiModel,
  BlobModel,
  BytesModel,
  ElementModel,
  EnumModel,
  FixedModel,
  RestModel,
  StringModel,
} from './model.js';
import { callerPlace } from './position.js';

/** Whether a message must have the field, and what stands for it where it has not. */
export type Need = 'required' | 'optional' | 'defaulted';

/** A bits field before it has a place in its container. */
export interface BitsSpec {
  readonly kind: 'bits';
  readonly bits: number;
}

/** A group before its fields have places. */
export interface GroupOf<F extends Fields = Fields> {
  readonly kind: 'group';
  readonly countMax: number;
  readonly fields: F;
}

export type SlotSpec = StringModel | BlobModel | GroupOf;
export type TypeSpec = Exclude<FixedModel, { kind: 'bits' }> | BitsSpec | SlotSpec | RestModel;

/** Where a field of a foreign layout lies whose place depends on an earlier field. */
export interface AtSpec {
  readonly field: string;
  readonly scale: number;
  readonly plus: number;
}

/** Everything about a field but its name. */
export interface FieldOptions {
  readonly need: Need;
  readonly id: number | null;
  readonly fallback: unknown;
  readonly at: AtSpec | null;
  readonly doc: string | null;
}

const plain: FieldOptions = { need: 'required', id: null, fallback: null, at: null, doc: null };
/** The largest id of a field. */
export const fieldIdMax = 65_535;
const docCharactersMax = 4096;
const sizeMax = 16 * 1024 * 1024;

/**
 * A field type as `t` builds it; immutable, every method returns a new one. `Type` is the type on
 * the wire, `Value` what `decode` gives, `Input` what `encode` takes.
 */
export class FieldSpec<
  out Type extends TypeSpec = TypeSpec,
  out Value = unknown,
  out N extends Need = Need,
  out Input = Value,
> {
  readonly type: Type;
  readonly options: FieldOptions;
  /** These three exist for the type checker only. */
  declare readonly value?: Value;
  declare readonly input?: Input;
  declare readonly need?: N;

  constructor(type: Type, options: FieldOptions = plain) {
    this.type = type;
    this.options = Object.freeze(options);
    Object.freeze(this);
  }

  /** The number that tells the field across versions, 1 to 65,535; otherwise its position. */
  id(id: number): this {
    if (!Number.isInteger(id) || id < 1 || id > fieldIdMax) {
      throw optionError(
        'ERR_SCHEMA',
        't.id',
        `an integer from 1 to ${fieldIdMax}`,
        id,
        callerPlace(),
      );
    }
    return this.with({ id });
  }

  /** What the field means; part of the canonical JSON, not of the wire. */
  doc(text: string): this {
    if (typeof text !== 'string' || text.length > docCharactersMax) {
      const expected = `a text of up to ${docCharactersMax} characters`;
      throw optionError('ERR_SCHEMA', 't.doc', expected, text, callerPlace());
    }
    return this.with({ doc: text });
  }

  /** The field may be missing; then it decodes as undefined. */
  optional(): FieldSpec<Type, Value, 'optional', Input> {
    if (this.options.need !== 'required') throw this.#twice('optional');
    return this.with({ need: 'optional' }) as never;
  }

  /** What stands where the field is missing: in older messages, and when `encode` gets none. */
  default(value: Input): FieldSpec<Type, Value, 'defaulted', Input> {
    if (this.options.need !== 'required') throw this.#twice('default');
    return this.with({ need: 'defaulted', fallback: value }) as never;
  }

  /**
   * The field lies at the value of an earlier one × `scale` + `plus` bytes from the start of the
   * message, and what follows it lies behind it. Foreign layouts only.
   */
  at(field: string, place: { readonly scale: number; readonly plus?: number }): this {
    const scale = place?.scale;
    const plus = place?.plus ?? 0;
    for (const [option, value] of Object.entries({ scale, plus })) {
      if (Number.isInteger(value) && value >= 0 && value <= 65_535) continue;
      const expected = 'an integer from 0 to 65535';
      throw optionError('ERR_SCHEMA', `t.at.${option}`, expected, value, callerPlace());
    }
    return this.with({ at: { field, scale, plus } });
  }

  protected with(change: Partial<FieldOptions>): this {
    return this.remade(this.type, { ...this.options, ...change }) as this;
  }

  protected remade(type: Type, options: FieldOptions): FieldSpec<Type> {
    return new FieldSpec(type, options);
  }

  #twice(option: string): Error {
    const expected = 'a field that is neither optional nor has a default yet';
    return optionError('ERR_SCHEMA', `t.${option}`, expected, this.options.need, callerPlace());
  }
}

/** A field of variable size: `max` bounds its bytes or its entries. */
export class VariableSpec<
  out Type extends SlotSpec = SlotSpec,
  out Value = unknown,
  out N extends Need = Need,
  out Input = Value,
> extends FieldSpec<Type, Value, N, Input> {
  /** The most bytes (string, blob) or entries (group) a message may have here. */
  max(count: number): this {
    if (!Number.isInteger(count) || count < 1 || count > sizeMax) {
      const expected = `an integer from 1 to ${sizeMax}`;
      throw optionError('ERR_SCHEMA', `t.${this.type.kind}.max`, expected, count, callerPlace());
    }
    const { type } = this;
    const bounded = type.kind === 'group' ? { countMax: count } : { bytesMax: count };
    return this.remade({ ...type, ...bounded }, this.options) as this;
  }

  /** There is none: where it is missing, a string, a blob or a group is empty. */
  override default(value: never): never {
    return super.default(value) as never;
  }

  protected override remade(type: Type, options: FieldOptions): FieldSpec<Type> {
    return new VariableSpec(type, options);
  }
}

export type Fields = Readonly<Record<string, FieldSpec>>;

/** A field whose value has symbols. */
export type EnumSpec<Symbols extends string, Value = Symbols> = FieldSpec<
  EnumModel<Symbols>,
  Value,
  'required'
>;

export type AsciiSpec<Bytes extends number> = FieldSpec<
  AsciiModel & { readonly bytes: Bytes },
  string,
  'required'
>;

export type BytesSpec<Bytes extends number> = FieldSpec<
  BytesModel & { readonly bytes: Bytes },
  Uint8Array,
  'required'
>;

/** What an array can consist of. */
export type ElementSpec<Value = unknown> = FieldSpec<ElementModel, Value, 'required'>;
