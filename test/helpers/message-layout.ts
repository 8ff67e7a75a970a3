// What C++ makes of messages: the addon's layout class as tests see it.
import { native } from '../../lib/native.js';

/** `MessageLayout` of the addon. Faults are numbers of `messageFaults`, 0 for none. */
export interface NativeMessageLayout {
  bind(bytes: Uint8Array): number;
  checkValues(bytes: Uint8Array): number;
  /** Every field read and written again, in the newest version; or a fault. */
  rewrite(bytes: Uint8Array): Uint8Array | number;
  fields(): readonly {
    readonly path: string;
    readonly offset: number;
    readonly bytes: number;
    readonly since: number;
  }[];
}

interface MessageLayoutAddon {
  readonly MessageLayout: new (image: Uint8Array) => NativeMessageLayout;
}

/** Verifies a layout image. Throws with code ERR_IMAGE_CORRUPT and the reason. */
export function loadLayout(image: Uint8Array): NativeMessageLayout {
  const { MessageLayout } = native() as unknown as MessageLayoutAddon;
  return new MessageLayout(image);
}
