// Numbers for the objects of the routing language.

/** Objects in the order in which they were first met; the index is the identity in the IR. */
export class Numbering<Node extends object> {
  readonly nodes: Node[] = [];
  readonly #indices = new Map<Node, number>();

  indexOf(node: Node): number {
    const known = this.#indices.get(node);
    if (known !== undefined) return known;
    const index = this.nodes.push(node) - 1;
    this.#indices.set(node, index);
    return index;
  }

  has(node: Node): boolean {
    return this.#indices.has(node);
  }
}
