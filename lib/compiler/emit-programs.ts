// Conditions with arithmetic as programs for the engine: values on a small stack, the truth of
// the last test in a flag, and forward jumps past terms that no longer matter.
import { optionError } from '../errors.js';
import { type ConditionContext, integerField } from './emit-conditions.js';
import { fieldKind } from './emit-fields.js';
import { opcodes, programInstructionsMax, programStackMax } from './emit-format.js';
import { emitPlugin } from './emit-plugins.js';
import type { ImageBuilder } from './emit-sections.js';
import { emitTextMap } from './emit-text-maps.js';
import type { ConditionIr, ExprIr, IntervalsIr, PluginCallIr } from './ir.js';
import { isTextField, unlowered } from './lower.js';

/** Where a program lies in the image. */
export interface ProgramRef {
  readonly first: number;
  readonly count: number;
}

interface Instruction {
  readonly code: number;
  readonly load: number;
  readonly offset: number;
  argument: number;
}

/** Appends a program that evaluates the condition from left to right. */
export function emitProgram(
  builder: ImageBuilder,
  condition: ConditionIr,
  context: ConditionContext,
): ProgramRef {
  const writer = new ProgramWriter(builder, context);
  writer.condition(condition);
  const { instructions } = builder.sections;
  const first = instructions.count;
  for (const { code, load, offset, argument } of writer.instructions) {
    instructions.u8(code, load).u16(offset).u32(argument);
  }
  return { first, count: writer.instructions.length };
}

class ProgramWriter {
  readonly instructions: Instruction[] = [];
  readonly #builder: ImageBuilder;
  readonly #context: ConditionContext;

  constructor(builder: ImageBuilder, context: ConditionContext) {
    this.#builder = builder;
    this.#context = context;
  }

  /** Appends what sets the flag to the condition's truth; the stack is empty before and after. */
  condition(condition: ConditionIr): void {
    switch (condition.kind) {
      case 'in':
        this.#value(condition.value, 1);
        this.#within(condition.intervals);
        break;
      case 'compare':
        this.#value(condition.left, 1);
        this.#value(condition.right, 2);
        this.#add(opcodes[condition.op]);
        break;
      case 'plugin':
        this.#plugin(condition.call);
        break;
      case 'not':
        this.condition(condition.term);
        this.#add(opcodes.not);
        break;
      case 'bits':
      case 'text':
        unlowered(condition.kind);
        break;
      default:
        this.#terms(condition.kind, condition.terms);
    }
  }

  #plugin(call: PluginCallIr): void {
    const { bytes, fields } = this.#context.schema;
    const shown = call.fields.flatMap((index) => fields[index] ?? []);
    const use = { kind: 'match', viewBytes: bytes, fields: shown } as const;
    this.#add(opcodes.plugin, { argument: emitPlugin(this.#builder, call, use) });
  }

  #terms(kind: 'and' | 'or', terms: readonly ConditionIr[]): void {
    if (terms.length === 0) this.#add(opcodes.setFlag, { argument: kind === 'and' ? 1 : 0 });
    const jump = kind === 'and' ? opcodes.jumpIfFalse : opcodes.jumpIfTrue;
    const jumps: Instruction[] = [];
    for (const [index, term] of terms.entries()) {
      if (index > 0) jumps.push(this.#add(jump));
      this.condition(term);
    }
    for (const instruction of jumps) instruction.argument = this.instructions.length;
  }

  /** Appends what pushes the expression's value as the `depth`th of the stack. */
  #value(expr: ExprIr, depth: number): void {
    if (depth > programStackMax) this.#fail(`arithmetic nested at most ${programStackMax} deep`);
    if (expr.kind === 'field') {
      const field = integerField(expr.field, this.#context);
      if (isTextField(field)) {
        const count = field.map.answerCount;
        const argument = emitTextMap(this.#builder, field, (answer) => answer, count);
        this.#add(opcodes.pushText, { argument });
        return;
      }
      this.#add(opcodes.pushField, { load: fieldKind(field), offset: field.offset });
    } else if (expr.kind === 'const') {
      this.#add(opcodes.pushConst, { argument: this.#builder.wide(expr.value) });
    } else if (expr.kind === 'count') {
      unlowered(expr.kind);
    } else {
      this.#value(expr.left, depth);
      this.#value(expr.right, depth + 1);
      this.#add(opcodes[expr.kind]);
    }
  }

  #within(intervals: IntervalsIr): void {
    if (intervals.length > 0xffff) this.#fail('at most 65535 intervals');
    const argument = this.#builder.sections.wides.count;
    for (const [low, high] of intervals) {
      this.#builder.appendWide(low);
      this.#builder.appendWide(high);
    }
    this.#add(opcodes.in, { offset: intervals.length, argument });
  }

  #add(code: number, parts: Partial<Omit<Instruction, 'code'>> = {}): Instruction {
    if (this.instructions.length >= programInstructionsMax) {
      this.#fail(`a condition of at most ${programInstructionsMax} steps`);
    }
    const instruction = { code, load: 0, offset: 0, argument: 0, ...parts };
    this.instructions.push(instruction);
    return instruction;
  }

  #fail(expected: string): never {
    const { option, position } = this.#context;
    throw optionError('ERR_ROUTE_LIMIT', option, expected, 'more', position);
  }
}
