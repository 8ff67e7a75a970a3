// A worker thread that returns every message: the peer of round trips inside one process.
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', (message: unknown) => parentPort?.postMessage(message));
