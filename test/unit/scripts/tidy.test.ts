// Each rule of scripts/tidy.mjs fires on a bad sample and not on the good one beside it.
import { describe, expect, it } from 'vitest';
import { check, tidy } from '../../../scripts/tidy.mjs';

interface Sample {
  readonly rule: string;
  readonly about: string;
  readonly path: string;
  readonly bad: string;
  /** The line of the finding; 1 when not given. */
  readonly line?: number;
  readonly good: string;
  readonly goodPath?: string;
}

const header = '// Purpose.\n';
const lines = (count: number, text = '') => `${text}\n`.repeat(count);
const body = (count: number) => lines(count, '  work();');

const samples: readonly Sample[] = [
  {
    rule: 'fileAndLineLimits',
    about: 'a file of more than 400 lines',
    path: 'lib/schema/a.ts',
    bad: lines(401, '// line'),
    good: lines(400, '// line'),
  },
  {
    rule: 'fileAndLineLimits',
    about: 'a line of more than 100 columns',
    path: 'native/base/a.cc',
    bad: `${header}// ${'x'.repeat(98)}\n`,
    line: 2,
    good: `${header}// ${'…'.repeat(97)}\n`,
  },
  {
    rule: 'functionLimit',
    about: 'a C++ method of more than 70 lines',
    path: 'native/base/a.cc',
    bad: `${header}namespace a {\nint Ring::poll(int x) const noexcept {\n${body(69)}}\n}\n`,
    line: 3,
    good: `${header}namespace a {\nint Ring::poll(int x) const noexcept {\n${body(68)}}\n}\n`,
  },
  {
    rule: 'functionLimit',
    about: 'a C++ constructor with an initialiser list of more than 70 lines',
    path: 'native/base/a.cc',
    bad: `${header}Ring::Ring(int x)\n    : a_{x}, b_(x) {\n${body(68)}}\n`,
    line: 2,
    good: `${header}struct Ring final : Base {\n${lines(90, '  int x = f({1});')}};\n`,
  },
  {
    rule: 'functionLimit',
    about: 'a C++ function whose text holds braces in strings and comments',
    path: 'native/base/a.cc',
    bad: `${header}void f() {\n  auto s = "}"; char c = '}'; // }\n${body(69)}}\n`,
    line: 2,
    good: `${header}void f() {\n  auto s = "{";\n}\nvoid g() {\n${body(60)}}\n`,
  },
  {
    rule: 'functionLimit',
    about: 'a C++ function template of more than 70 lines',
    path: 'native/base/a.cc',
    bad: `${header}template <class T>\nvoid f(T x) {\n${body(69)}}\n`,
    line: 2,
    good: `${header}template <class T>\nconcept C = requires(T x) {\n${lines(80, '  x.f();')}};\n`,
  },
  {
    rule: 'functionLimit',
    about: 'a TypeScript function of more than 70 lines',
    path: 'lib/schema/a.ts',
    bad: `${header}export function f(a: { b: number }): { c: number } {\n${body(69)}}\n`,
    line: 2,
    good: `${header}export const table = {\n${lines(90, '  a: 1,')}};\n`,
  },
  {
    rule: 'functionLimit',
    about: 'a TypeScript arrow function of more than 70 lines',
    path: 'lib/schema/a.ts',
    bad: `${header}export const f = (a: string) => {\n  const r = /[}/]/;\n${body(68)}};\n`,
    line: 2,
    good: `${header}describe('x', () => {\n${lines(20, "  it('y', () => {\n    z();\n  });")}});\n`,
    goodPath: 'test/unit/lib/a.test.ts',
  },
  {
    rule: 'nativeDirection',
    about: 'an include of a higher folder',
    path: 'native/ring/a.h',
    bad: `${header}#include "engine/worker.h"\n`,
    line: 2,
    good: `${header}#include "base/status.h"\n#include "ring/b.h"\n#include "c.h"\n`,
  },
  {
    rule: 'nativeDirection',
    about: 'an include in a header that plug-ins compile with alone',
    path: 'native/include/hyperroute/a.h',
    bad: `${header}#include "base/status.h"\n`,
    line: 2,
    good: `${header}#include "b.h"\n`,
  },
  {
    rule: 'nativeDirection',
    about: 'the protocol in a folder of native/io that is not its driver',
    path: 'native/io/udp/a.h',
    bad: `${header}#include "raptor/endpoint.h"\n`,
    line: 2,
    good: `${header}#include "raptor/endpoint.h"\n#include "crypto/noise.h"\n`,
    goodPath: 'native/io/raptor/a.h',
  },
  {
    rule: 'nativeDirection',
    about: 'a folder that the table does not know',
    path: 'native/misc/a.h',
    bad: header,
    good: header,
    goodPath: 'native/engine/a.h',
  },
  {
    rule: 'napiOnlyInAddon',
    about: 'N-API outside native/addon',
    path: 'native/engine/a.h',
    bad: `${header}#include <napi.h>\n`,
    line: 2,
    good: `${header}#include <napi.h>\n`,
    goodPath: 'native/addon/a.h',
  },
  {
    rule: 'libDirection',
    about: 'an import of a higher folder',
    path: 'lib/schema/a.ts',
    bad: `${header}import type { A } from '../router/a.js';\n`,
    line: 2,
    good: `${header}import { A } from '../errors.js';\n// import from '../router/a.js'\n`,
  },
  {
    rule: 'libDirection',
    about: 'the addon loader in the schema layer, even when imported dynamically',
    path: 'lib/compiler/a.ts',
    bad: `${header}const n = await import('../native.js');\n`,
    line: 2,
    good: `${header}const n = await import('../native.js');\n`,
    goodPath: 'lib/router/a.ts',
  },
  {
    rule: 'addonLoader',
    about: 'a second loader of the addon',
    path: 'lib/router/a.ts',
    bad: `${header}const addon = require('../build/Release/hyperroute.node');\n`,
    line: 2,
    good: `${header}const text = 'hyperroute.node';\n`,
  },
  ...['new Foo', 'malloc(1)', 'std::string s', 'std::function<void()> f', 'throw 1']
    .concat(['std::mutex m', 'std::shared_mutex m', 'snprintf(a)', 'Napi::Value v'])
    .map((token) => ({
      rule: 'datapathTokens',
      about: `${token} on the data path`,
      path: 'native/ring/a_datapath.h',
      bad: `${header}inline void f() { ${token}; }\n`,
      line: 2,
      good: `${header}// No ${token} here.\nstd::string_view newest = "${token}";\n`,
    })),
  {
    rule: 'atomicLabels',
    about: 'an atomic operation without a label',
    path: 'native/ring/a.h',
    bad: `${header}// Publishes.\nx.store(1, std::memory_order_release);\n`,
    line: 3,
    good: `${header}// R1 release: publishes.\nx.store(1, std::memory_order_release);\n`,
  },
  {
    rule: 'atomicLabels',
    about: 'a label too far above',
    path: 'native/ring/a.h',
    bad: `${header}// A1 acquire.\n${lines(4, 'f();')}x.load(std::memory_order_acquire);\n`,
    line: 7,
    good: `${header}// A1 acquire.\n${lines(3, 'f();')}x.load(std::memory_order::acquire);\n`,
  },
  {
    rule: 'atomicLabels',
    about: 'a relaxed operation without a comment',
    path: 'native/ring/a.h',
    bad: `${header}\n\n\n\n\nx.load(std::memory_order_relaxed);\n`,
    line: 7,
    good: `${header}x.load(std::memory_order_relaxed);  // own index\n`,
  },
  {
    rule: 'atomicLabels',
    about: 'an Atomics call without a label',
    path: 'lib/endpoints/a.ts',
    bad: `${header}Atomics.store(view, 0, 1);\n`,
    line: 2,
    good: `${header}Atomics.store(view, 0, 1); // S1: pairs with L1\n`,
  },
  {
    rule: 'atomicOrders',
    about: 'an atomic operation without an order',
    path: 'native/ring/a.h',
    bad: `${header}std::atomic<int> x;\nint y = x.load();\n`,
    line: 3,
    good: `${header}std::atomic<int> x;  // A1\nint y = x.load(\n    std::memory_order_acquire);\n`,
  },
  {
    rule: 'fences',
    about: 'a stand-alone fence',
    path: 'native/ring/a.h',
    bad: `${header}std::atomic_thread_fence(std::memory_order_seq_cst);\n`,
    line: 2,
    good: `${header}// No atomic_thread_fence.\n`,
  },
  {
    rule: 'unfinished',
    about: 'a note of unfinished work',
    path: 'lib/schema/a.ts',
    bad: `${header}// ${'TO'}${'DO'}: later\n`,
    line: 2,
    good: `${header}const word = '${'TO'}${'DO'}';\n`,
  },
  {
    rule: 'typeScriptHabits',
    about: 'any as a type',
    path: 'lib/schema/a.ts',
    bad: `${header}const a = b as any;\n`,
    line: 2,
    good: `${header}const a = b as unknown; // any\nconst any = 'as any';\n`,
  },
  {
    rule: 'typeScriptHabits',
    about: 'a default export',
    path: 'lib/schema/a.ts',
    bad: `${header}export default 1;\n`,
    line: 2,
    good: `${header}export default 1;\n`,
    goodPath: 'examples/a/router.config.ts',
  },
  {
    rule: 'fileHeader',
    about: 'a file that does not say what it is for',
    path: 'lib/schema/a.ts',
    bad: 'export const a = 1;\n',
    good: '#!/usr/bin/env node\n// Purpose.\nexport const a = 1;\n',
    goodPath: 'scripts/a.mjs',
  },
];

describe('tidy', () => {
  for (const { rule, about, path, bad, line = 1, good, goodPath = path } of samples) {
    it(`${rule} reports ${about}, with its line`, () => {
      const findings = check(path, bad).filter((finding) => finding.rule === rule);
      expect(findings.map((finding) => [finding.path, finding.line])).toEqual([[path, line]]);
    });

    it(`${rule} accepts what is right beside ${about}`, () => {
      expect(check(goodPath, good)).toEqual([]);
    });
  }

  it('finds nothing in its own sources', () => {
    expect(tidy(['scripts', 'test/unit/scripts'])).toEqual([]);
  });
});
