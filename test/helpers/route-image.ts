// The native route image as tests see it: load one, and walk messages through its step.
import type { Interpreted } from '../../lib/compiler/interpret.js';
import { native } from '../../lib/native.js';

/** `RouteImage` of the addon. `step` returns what `interpret` returns for the same message. */
export interface NativeRouteImage {
  summary(): {
    readonly endpoints: number;
    readonly pools: number;
    readonly routes: number;
    readonly transforms: number;
    readonly rejectCodeMax: number;
  };
  /** 0 cannot be used, 255 can, between: its share of the messages. */
  setAlive(endpoint: number, alive: number): void;
  setLoad(endpoint: number, queuedBytes: number, outstanding: number): void;
  /** Starts the random numbers anew. */
  seed(value: bigint): void;
  step(source: number, message: Uint8Array, returnAddress: bigint): Interpreted;
}

interface RouteImageAddon {
  readonly RouteImage: new (bytes: Uint8Array) => NativeRouteImage;
}

/** Verifies an image and makes it ready. Throws with code ERR_IMAGE_CORRUPT and the reason. */
export function loadImage(bytes: Uint8Array): NativeRouteImage {
  const { RouteImage } = native() as unknown as RouteImageAddon;
  return new RouteImage(bytes);
}
