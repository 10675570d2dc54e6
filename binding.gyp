# Builds build/Release/leasehold.node where the headers of this Node.js are at hand (node-gyp).
# CMakeLists.txt builds the same file from the same sources without them. See scripts/native.mjs.
{
  "targets": [
    {
      "target_name": "leasehold",
      "sources": [
        "native/addon.cc",
        "native/bulk.cc",
        "native/call_frame.cc",
        "native/dax_device.cc",
        "native/dax_file_binding.cc",
        "native/dax_mapping_binding.cc",
        "native/file_lock.cc",
        "native/futex.cc",
        "native/futex_binding.cc",
        "native/page_bytes_binding.cc",
        "native/page_copy.cc",
        "native/page_counters.cc",
        "native/page_counters_binding.cc",
        "native/page_gup_binding.cc",
        "native/page_space.cc",
        "native/page_space_binding.cc",
        "native/shared_buffer.cc",
        "native/sigbus.cc"
      ],
      "include_dirs": [
        "<!(node -p \"require('node-addon-api').include_dir\")",
        "<!(node -p \"require('node-api-headers').include_dir\")"
      ],
      "defines": ["NAPI_VERSION=8", "NAPI_CPP_EXCEPTIONS", "NODE_ADDON_API_REQUIRE_BASIC_FINALIZERS"],
      "cflags_cc!": ["-fno-exceptions", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": ["-std=c++17", "-fexceptions", "-O2", "-Wall", "-Wextra", "-fvisibility=hidden"],
      "ldflags": ["-Wl,-z,nodelete"]
    }
  ]
}
