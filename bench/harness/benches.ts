// Every bench, in the order in which all of them run.
import { raptor } from '../latency/raptor.js';
import { ring } from '../latency/ring.js';
import { udpRtt } from '../latency/udp-rtt.js';
import { codec } from '../micro/codec.js';
import { jsBoundary } from '../micro/js-boundary.js';
import { route } from '../micro/route.js';
import type { Bench } from './types.js';

export const benches: readonly Bench[] = [ring, udpRtt, jsBoundary, codec, route, raptor];
