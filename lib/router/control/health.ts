// Whether probes say that an endpoint works. Pure.

/** Up at first; changes after `fall` failures or `rise` good answers in a row. */
export class HealthCheck {
  readonly #rise: number;
  readonly #fall: number;
  #isUp = true;
  /** Answers in a row that speak against the present state. */
  #against = 0;

  constructor({ rise, fall }: { readonly rise: number; readonly fall: number }) {
    this.#rise = rise;
    this.#fall = fall;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Takes the outcome of a probe. */
  observe(isGood: boolean): void {
    this.#against = isGood === this.#isUp ? 0 : this.#against + 1;
    if (this.#against < (this.#isUp ? this.#fall : this.#rise)) return;
    this.#isUp = !this.#isUp;
    this.#against = 0;
  }
}
