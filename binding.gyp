{
  "targets": [
    {
      "target_name": "hyperroute",
      "sources": ["<!@(node scripts/sources.mjs)"],
      "include_dirs": ["native"],
      "defines": [
        "NAPI_VERSION=9",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "_GNU_SOURCE"
      ],
      "variables": {
        "werror%": "<!(node -p \"process.env.HYPERROUTE_WERROR === '1' ? 1 : 0\")",
        "napi_include": "<!(node scripts/build-addon.mjs --print-include)"
      },
      "cflags_cc!": ["-std=gnu++14", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++20",
        "-isystem", "<(napi_include)",
        "-isystem", "<(node_root_dir)/include/node",
        "-Wall", "-Wextra", "-Wconversion", "-Wunused-parameter",
        "-fno-exceptions", "-fno-rtti",
        "-fvisibility=hidden", "-fvisibility-inlines-hidden",
        "-fno-omit-frame-pointer"
      ],
      "ldflags": ["-Wl,-z,nodelete"],
      "conditions": [
        ["werror==1", { "cflags_cc": ["-Werror"] }],
        ["target_arch=='x64'", { "cflags_cc": ["-march=x86-64-v2"] }]
      ],
      "configurations": {
        "Release": {
          "cflags!": ["-O3"],
          "cflags": ["-O2", "-g1"]
        }
      }
    }
  ],
  "conditions": [
    ["'<!(node -p \"process.env.HYPERROUTE_PROGRAM ?? 0\")'=='1'", {
      "targets": [
        {
          "target_name": "hyperroute-bench",
          "type": "executable",
          "sources": ["<!@(node scripts/sources.mjs --program)"],
          "include_dirs": ["native", "."],
          "defines": ["_GNU_SOURCE"],
          "cflags_cc!": ["-std=gnu++14", "-std=gnu++17", "-std=gnu++20"],
          "cflags_cc": [
            "-std=c++20",
            "-Wall", "-Wextra", "-Wconversion", "-Wunused-parameter",
            "-fno-exceptions", "-fno-rtti",
            "-fvisibility=hidden", "-fvisibility-inlines-hidden",
            "-fno-omit-frame-pointer", "-fno-builtin-malloc"
          ],
          "libraries": ["-ldl", "-pthread"],
          "conditions": [
            ["target_arch=='x64'", { "cflags_cc": ["-march=x86-64-v2"] }]
          ],
          "configurations": {
            "Release": {
              "cflags!": ["-O3"],
              "cflags": ["-O2", "-g1"]
            }
          }
        }
      ]
    }]
  ]
}
