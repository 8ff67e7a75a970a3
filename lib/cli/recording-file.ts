// Reads a recording piece by piece and has the engine decide it again.
import { type FileHandle, open } from 'node:fs/promises';
import { HyperRouteError, isHyperRouteError } from '../errors.js';
import { type NativeReplay, native, nativeCall } from '../native.js';

const headerBytes = 32;
const chunkHeaderBytes = 24;

/** How far a file could be read. */
export type FileState =
  /** To its end. */
  | { readonly kind: 'whole' }
  /** It stops in the middle: whoever wrote it was ended. What is before was played. */
  | { readonly kind: 'torn'; readonly position: number }
  /** A part at this position is not what was written. What is before was played. */
  | { readonly kind: 'damaged'; readonly position: number; readonly reason: string };

/**
 * Plays a file as far as it can be read. Rejects with ERR_RECORDING if it is no recording, and with
 * ERR_PLUGIN or ERR_IMAGE_CORRUPT if this machine cannot run an image of it.
 */
export async function playFile(
  path: string,
): Promise<{ readonly replay: NativeReplay; readonly state: FileState }> {
  const { Replay } = native();
  const replay = new Replay();
  const file = await opened(path);
  try {
    const header = await read(file, 0, headerBytes);
    nativeCall(() => replay.open(header));
    return { replay, state: await playChunks(file, replay) };
  } finally {
    await file.close();
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (error) {
    const context = (error as Error).message;
    throw new HyperRouteError('ERR_RECORDING', context, { context }, { cause: error });
  }
}

async function playChunks(file: FileHandle, replay: NativeReplay): Promise<FileState> {
  let position = headerBytes;
  for (;;) {
    const header = await read(file, position, chunkHeaderBytes);
    if (header.length === 0 && replay.report().end !== null) return { kind: 'whole' };
    if (header.length < chunkHeaderBytes) return { kind: 'torn', position };
    try {
      const bytes = nativeCall(() => replay.payloadBytes(header));
      const payload = await read(file, position + chunkHeaderBytes, bytes);
      if (payload.length < bytes) return { kind: 'torn', position };
      nativeCall(() => replay.play(header, payload));
      position += chunkHeaderBytes + bytes;
    } catch (error) {
      if (!isHyperRouteError(error, 'ERR_RECORDING')) throw error;
      return { kind: 'damaged', position, reason: error.message };
    }
  }
}

/** As many bytes as are there, up to so many. */
async function read(file: FileHandle, position: number, bytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes);
  let readBytes = 0;
  while (readBytes < bytes) {
    const at = position + readBytes;
    const { bytesRead } = await file.read(buffer, readBytes, bytes - readBytes, at);
    if (bytesRead === 0) break;
    readBytes += bytesRead;
  }
  return buffer.subarray(0, readBytes);
}
