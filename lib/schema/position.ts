// Where in the user's configuration a builder was called. Control path only.
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noteCallers, type SourcePlace, unknownFile } from '../errors.js';
import { userCallers } from './stack.js';

// This file lies in <library>/schema/; in the build, in <library>/chunks/.
const libraryFolder = resolve(fileURLToPath(import.meta.url), '..', '..');
// The build puts the compiled examples beside the library; they are users of it.
const exampleFolder = `examples${sep}`;
/** Frames of a stack that are looked at: a few first, because each of them costs. */
const framesFew = 10;
const framesMax = 24;
/** What the last place took: those of a configuration are mostly called from as deep. */
let framesFirst = framesFew;

const dependencies = `${sep}node_modules${sep}`;

const unknownPlace: SourcePlace = { file: unknownFile, line: 1, column: 1 };

/**
 * The place of the nearest caller outside this package: the user's own line. Captures a stack,
 * so it costs microseconds; never throws. Lines and columns count from 1.
 */
export function callerPlace(): SourcePlace {
  const place = outerPlace(framesFirst);
  if (place !== null || framesFirst === framesMax) return place ?? unknownPlace;
  framesFirst = framesMax;
  return outerPlace(framesMax) ?? unknownPlace;
}

/**
 * The place of the nearest caller outside among so many frames; null: there is none, or more frames
 * are needed to know who called that one.
 */
function outerPlace(frameCount: number): SourcePlace | null {
  const errorClass = Error as { prepareStackTrace?: typeof Error.prepareStackTrace | undefined };
  const formatBefore = errorClass.prepareStackTrace;
  const limitBefore = Error.stackTraceLimit;
  let place: SourcePlace | null = null;
  try {
    Error.stackTraceLimit = frameCount;
    errorClass.prepareStackTrace = (_error, sites) => {
      place = firstOutside(sites, sites.length === frameCount && frameCount < framesMax);
      return '';
    };
    // Reading the stack runs the formatter.
    void new Error('place').stack;
  } catch {
    // A frozen Error or a missing V8 interface costs the position, never the configuration.
  } finally {
    restore(errorClass, formatBefore, limitBefore);
  }
  return place;
}

function restore(
  errorClass: { prepareStackTrace?: typeof Error.prepareStackTrace | undefined },
  format: typeof Error.prepareStackTrace | undefined,
  limit: number,
): void {
  try {
    // Deleting what was not there before would make each access to the class slow.
    errorClass.prepareStackTrace = format;
    Error.stackTraceLimit = limit;
  } catch {
    // As above: nothing was changed if it cannot be changed back.
  }
}

function firstOutside(sites: readonly NodeJS.CallSite[], isCut: boolean): SourcePlace | null {
  for (const [index, site] of sites.entries()) {
    const file = userFile(site.getFileName());
    if (file === null) continue;
    const place = placeOf(site, file);
    const { calledFrom, isWhole } = userCallers(place, callersAmong(sites.slice(index + 1)));
    if (isCut && !isWhole) return null;
    noteCallers(place, calledFrom);
    return place;
  }
  return null;
}

function placeOf(site: NodeJS.CallSite, file: string): SourcePlace {
  return { file, line: site.getLineNumber() ?? 1, column: site.getColumnNumber() ?? 1 };
}

/** The callers of a place. Functions that are built in, such as Array.map, lie in no file. */
function* callersAmong(sites: readonly NodeJS.CallSite[]): Generator<SourcePlace | null> {
  for (const site of sites) {
    const name = site.getFileName();
    if (name === null || name === undefined) continue;
    const file = userFile(name);
    yield file === null || file.includes(dependencies) ? null : placeOf(site, file);
  }
}

/** Whether a module is neither this package's nor a dependency's; by its URL or path. */
export function isUserModule(name: string): boolean {
  const file = userFile(name);
  return file !== null && !file.includes(dependencies);
}

/** What `userFile` found out: a configuration of many rules asks for the same few files. */
const userFiles = new Map<string, string | null>();
const userFilesMax = 1024;

/** A frame's file as a path; null for frames of this package, of Node and of generated code. */
function userFile(name: string | null | undefined): string | null {
  if (name === null || name === undefined) return null;
  const known = userFiles.get(name);
  if (known !== undefined) return known;
  const file = pathOf(name);
  const found = file === null || isInside(file) ? null : file;
  if (userFiles.size >= userFilesMax) userFiles.clear();
  userFiles.set(name, found);
  return found;
}

function pathOf(name: string): string | null {
  if (name.startsWith('file:')) return fileURLToPath(name.replace(/[?#].*$/, ''));
  return isAbsolute(name) ? name.replace(/\?.*$/, '') : null;
}

function isInside(file: string): boolean {
  const inside = relative(libraryFolder, file);
  if (isAbsolute(inside) || inside.startsWith('..')) return false;
  return !inside.startsWith(exampleFolder);
}
