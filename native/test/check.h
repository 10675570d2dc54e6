// Checks for the native tests: a failed one says where and ends the program.
#ifndef LEASEHOLD_TEST_CHECK_H_
#define LEASEHOLD_TEST_CHECK_H_

#include <cstdio>
#include <cstdlib>

#define CHECK(condition)                                                          \
  do {                                                                            \
    if (!(condition)) {                                                           \
      std::fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                               \
    }                                                                             \
  } while (false)

#endif  // LEASEHOLD_TEST_CHECK_H_
