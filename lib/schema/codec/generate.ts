// Generated code: where a process allows it, each schema gets functions of its own, with every
// offset a constant. Nothing of a message or of the outside world ever enters their text: only
// numbers and quoted names of the schema.

/**
 * Compiles a function expression that sees `tools`; undefined where code generation is forbidden.
 * The text must name the schema in a comment: V8 shares type feedback between equal sources.
 */
export function compileFunction<Made>(expression: string, tools: object): Made | undefined {
  try {
    return new Function('tools', `'use strict';\nreturn ${expression};`)(tools) as Made;
  } catch (error) {
    // EvalError: this process forbids code generation; anything else is a defect of ours.
    if (error instanceof EvalError) return undefined;
    throw error;
  }
}

/** A comment with the name, which may not end the line or the comment. */
export function nameComment(name: string): string {
  return `// ${name.replace(/[^\w$.[\]]/gu, '?')}`;
}

/** A property's name inside an object literal or behind a dot in brackets. */
export function quoted(name: string): string {
  return JSON.stringify(name).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

export function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
