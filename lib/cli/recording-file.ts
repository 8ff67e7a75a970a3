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

export interface PlayOptions {
  /** Opens the plug-ins that the file names, which runs their code. */
  readonly plugins: boolean;
  /** What the tables of its correlations may take together; by default 2 GiB. */
  readonly tableBytes?: number;
}

export const tableBytesDefault = 2 ** 31;

/**
 * Plays a file as far as it can be read. Rejects with ERR_RECORDING if it cannot be read or is no
 * recording, with ERR_PLUGIN if an image of it uses plug-ins and `plugins` is false or they are not
 * there, and with ERR_IMAGE_CORRUPT if this machine cannot run one.
 */
export async function playFile(
  path: string,
  { plugins, tableBytes = tableBytesDefault }: PlayOptions,
): Promise<{ readonly replay: NativeReplay; readonly state: FileState }> {
  const { Replay } = native();
  const replay = nativeCall(() => new Replay({ plugins, tableBytes }));
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
    throw unreadable(error);
  }
}

function unreadable(error: unknown): HyperRouteError {
  const context = (error as Error).message;
  return new HyperRouteError('ERR_RECORDING', context, { context }, { cause: error });
}

async function playChunks(file: FileHandle, replay: NativeReplay): Promise<FileState> {
  let position = headerBytes;
  for (;;) {
    const header = await read(file, position, chunkHeaderBytes);
    if (header.length === 0 && replay.report().end !== null) return { kind: 'whole' };
    if (header.length < chunkHeaderBytes) return { kind: 'torn', position };
    let bytes = 0;
    try {
      bytes = nativeCall(() => replay.payloadBytes(header));
    } catch (error) {
      return damaged(error, position);
    }
    const payload = await read(file, position + chunkHeaderBytes, bytes);
    if (payload.length < bytes) return { kind: 'torn', position };
    try {
      nativeCall(() => replay.play(header, payload));
    } catch (error) {
      return damaged(error, position);
    }
    position += chunkHeaderBytes + bytes;
  }
}

function damaged(error: unknown, position: number): FileState {
  if (!isHyperRouteError(error, 'ERR_RECORDING')) throw error;
  return { kind: 'damaged', position, reason: error.message };
}

/** As many bytes as are there, up to so many. Rejects with ERR_RECORDING, of a directory say. */
async function read(file: FileHandle, position: number, bytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes);
  let readBytes = 0;
  while (readBytes < bytes) {
    const at = position + readBytes;
    const { bytesRead } = await file
      .read(buffer, readBytes, bytes - readBytes, at)
      .catch((error: unknown) => Promise.reject(unreadable(error)));
    if (bytesRead === 0) break;
    readBytes += bytesRead;
  }
  return buffer.subarray(0, readBytes);
}
