// Of the intermediate representation: functions of plug-ins, which are compiled C++ of the user's.

/** One use of a function. What it is used for says what kind of function it has to be. */
export interface PluginCallIr {
  /** The shared library, an absolute path. */
  readonly library: string;
  readonly name: string;
  /** Handed to the function's `create`, unread. */
  readonly configuration: string;
  /** Field indices of the message in hand; of transforms none, they are shown all. */
  readonly fields: readonly number[];
}

/** A condition that a function decides. */
export interface PluginConditionIr {
  readonly kind: 'plugin';
  readonly call: PluginCallIr;
}
