#include "tests/testing/matchers.h"

namespace trivet {

void PrintTo(const Error& error, std::ostream* out) {
  *out << "failure " << static_cast<int>(error.code()) << ": " << error.message();
}

}  // namespace trivet
