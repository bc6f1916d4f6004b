#!/usr/bin/env python3
"""The function finder sees through what hides braces and what only looks like a function."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

import check_sizes  # noqa: E402

SOURCE = r"""
namespace trivet {
#define BLOCK(x) do { x; } while (0)
struct Plain { int x = 0; };
const std::map<int, int> kTable = {{1, 2}};
// not a function() {
int Short() { return '{'; }
class Widget {
 public:
  Widget() : x_(0) {}
  void Long(std::function<void()> f) const {
    if (x_) {
      Call([&] { f(); });
    }
    Say("}");
  }
 private:
  int x_;
};
}  // namespace trivet
"""


class CppFunctions(unittest.TestCase):
    def test_finds_each_body_with_its_length(self):
        found = [(name.split("(")[0].split()[-1], length) for name, _, length in check_sizes.cpp_functions(SOURCE)]

        self.assertEqual(found, [("Short", 1), ("Widget", 1), ("Long", 6)])

    def test_tells_the_line_of_the_opening_brace(self):
        lines = [line for _, line, _ in check_sizes.cpp_functions("\n\nint F()\n{\n}\n")]

        self.assertEqual(lines, [4])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
