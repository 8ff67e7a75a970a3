// How much work a question may cause. The unit is one test of a literal, so that the same question
// gets the same answer on every machine.

export class Budget {
  readonly total: number;
  #left: number;

  constructor(total: number) {
    this.total = total;
    this.#left = total;
  }

  /** Takes from what is left; false when it is used up. */
  spend(steps: number): boolean {
    this.#left -= steps;
    return this.#left >= 0;
  }

  get isOver(): boolean {
    return this.#left < 0;
  }

  get spent(): number {
    return Math.min(this.total, this.total - this.#left);
  }

  /** A part of what is left, taken from this one as it is spent. */
  part(steps: number): Budget {
    return new PartBudget(this, Math.min(steps, Math.max(0, this.#left)));
  }
}

class PartBudget extends Budget {
  readonly #whole: Budget;

  constructor(whole: Budget, total: number) {
    super(total);
    this.#whole = whole;
  }

  override spend(steps: number): boolean {
    const isWithin = this.#whole.spend(steps);
    return super.spend(steps) && isWithin;
  }
}
