// The demo's configuration against the rules and byte layouts that the demo keeps for itself,
// executed by the interpreter: an order's way without sockets.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { orderSource } from '../../examples/order-gateway/orders.js';
import {
  a,
  b,
  isNewOrderB,
  writeExecReportB,
  writeNewOrderA,
} from '../../examples/order-gateway/protocol.js';
import { breaksLimit, clOrdIdHigh, isBlock } from '../../examples/order-gateway/rules.js';
import { initialState, interpret } from '../../lib/compiler/interpret.js';
import type { RouterIr } from '../../lib/compiler/ir.js';

const built = join(import.meta.dirname, '../../dist/examples/order-gateway/router.config.js');
const endpointNames = ['clients', 'venue1', 'venue2', 'venue3', 'block'];
const returnAddress = 0x0012_3400_0500_0000n;

let ir: RouterIr;
beforeAll(async () => {
  ir = ((await import(pathToFileURL(built).href)) as { default: RouterIr }).default;
});

function newOrder(price: number, qty: number, id: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(a.newOrder.bytes));
  writeNewOrderA(view, 0, 5, price, qty, id, clOrdIdHigh);
  return new Uint8Array(view.buffer);
}

describe('the configuration of the order gateway', () => {
  test('has the endpoints that the demo counts, in its order', () => {
    expect(ir.endpoints.map(({ name }) => name)).toEqual(endpointNames);
  });

  test('sends every order where the rules say, with its ids and in turn', () => {
    const state = initialState(ir);
    const next = orderSource(17, 2, 8);
    const terms = { price: 0, qty: 0 };
    let turns = 0;
    const wrong: unknown[] = [];
    for (let id = 1; id <= 5000; id += 1) {
      next(terms);
      const { price, qty } = terms;
      const result = interpret(ir, state, 0, newOrder(price, qty, id), returnAddress);
      if (breaksLimit(price, qty)) {
        const reject = result.rejected[0]?.output ?? new Uint8Array(0);
        const view = new DataView(reject.buffer, reject.byteOffset, reject.length);
        const isRight =
          reject.length === a.reject.bytes &&
          result.reject?.deliveries[0]?.target.kind === 'return-source' &&
          view.getUint32(a.size, true) === a.reject.bytes &&
          view.getUint8(a.type) === 4 &&
          view.getUint32(a.reject.code, true) === 1000 &&
          view.getUint32(a.reject.clOrdId, true) === id;
        if (!isRight) wrong.push({ price, qty, result });
        continue;
      }
      const target = result.decision.deliveries[0]?.target;
      const venue = target?.kind === 'endpoint' ? target.endpoint : -1;
      const output = result.delivered[0]?.output ?? new Uint8Array(0);
      const view = new DataView(output.buffer, output.byteOffset, output.length);
      const isRight =
        venue === (isBlock(qty) ? 4 : 1 + (turns % 3)) &&
        isNewOrderB(view, output.length) &&
        view.getUint32(b.newOrder.price, true) === price &&
        view.getUint32(b.newOrder.qty, true) === qty &&
        view.getBigUint64(b.newOrder.ordId, true) === returnAddress &&
        view.getUint32(b.newOrder.clOrdId, true) === id &&
        view.getUint32(b.newOrder.clOrdId + 4, true) === clOrdIdHigh;
      if (!isRight) wrong.push({ price, qty, result });
      if (!isBlock(qty)) turns += 1;
    }
    expect(wrong, 'seed 17').toEqual([]);
    expect(turns).toBeGreaterThan(4000);
  });

  test('takes a report back to the address in its ordId, field by field', () => {
    const order = new DataView(new ArrayBuffer(b.newOrder.bytes));
    order.setUint32(b.newOrder.price, 250, true);
    order.setUint32(b.newOrder.qty, 40, true);
    order.setBigUint64(b.newOrder.ordId, returnAddress, true);
    order.setBigUint64(b.newOrder.clOrdId, 0x0102_0304_0506_0708n, true);
    const report = new DataView(new ArrayBuffer(b.execReport.bytes));
    writeExecReportB(report, order, 1, 99, 3);
    const result = interpret(ir, initialState(ir), 2, new Uint8Array(report.buffer), 0n);
    expect(result.decision.deliveries[0]?.target).toEqual({
      kind: 'return-address',
      address: returnAddress,
      endpoints: [0],
    });
    const output = result.delivered[0]?.output ?? new Uint8Array(0);
    const view = new DataView(output.buffer, output.byteOffset, output.length);
    expect(output.length).toBe(a.execReport.bytes);
    expect(view.getUint32(a.size, true)).toBe(a.execReport.bytes);
    expect(view.getUint8(a.type)).toBe(3);
    expect(view.getUint32(a.execReport.price, true)).toBe(250);
    expect(view.getUint32(a.execReport.qty, true)).toBe(40);
    expect(view.getBigUint64(a.execReport.clOrdId, true)).toBe(0x0102_0304_0506_0708n);
    expect(view.getBigUint64(a.execReport.origClOrdId, true)).toBe(0n);
    expect(view.getBigUint64(a.execReport.ordId, true)).toBe(returnAddress);
    expect(view.getBigUint64(a.execReport.execId, true)).toBe((3n << 32n) | 99n);
  });
});
