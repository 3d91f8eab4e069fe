// Function multiversioning: one binary whose hot loops use the widest vectors of the machine.
#pragma once

// The versions are picked by the dynamic linker (ifunc), which glibc has and musl and macOS lack.
// All versions give the same bytes: the build forbids contraction to fused multiply-add.
// clang leaves out a function that is used in clones only, a member of std::vector say, and the
// library does not link then: clones take raw memory from their callers.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GLIBC__) && \
    ((defined(__GNUC__) && !defined(__clang__)) || (defined(__clang__) && __clang_major__ >= 14))
#define INFONET_VECTOR_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#else
#define INFONET_VECTOR_CLONES
#endif
