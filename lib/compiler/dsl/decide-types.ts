// The types of `decide`: what a function is asked about, by what its domain names.
declare const inputType: unique symbol;

/** A field as a function of `decide` gets it: in classes of its values. */
export interface Dimension<out Input> {
  readonly [inputType]: Input;
}

/** 0 for the values below the first start, and one more from each start on. */
export type BandOf<Starts extends readonly unknown[]> = number extends Starts['length']
  ? number
  : Lengths<[...Starts, unknown]>;

type Lengths<Items extends readonly unknown[]> = Items extends readonly [...infer Rest, unknown]
  ? Rest['length'] | Lengths<Rest>
  : never;

/** What `decide` can make of an integer field. `Absent` is undefined where it is optional. */
export interface Banded<out Absent> {
  /**
   * For `decide`: which band a value lies in. Band 0 is what lies below the first start, band 1
   * begins with it, and so on; starts ascend.
   */
  bands<const Starts extends readonly [number | bigint, ...(number | bigint)[]]>(
    ...starts: Starts
  ): Dimension<BandOf<Starts> | Absent>;
  /** For `decide`: the value itself, from `low` to `high`, and 'outside' for all others. */
  range(low: number, high: number): Dimension<number | 'outside' | Absent>;
}

/** What the function gets: for each entry of the domain its input. */
export type InputsOf<Domain> = {
  readonly [Key in keyof Domain]: Domain[Key] extends Dimension<infer Input> ? Input : never;
};
