// The leak check for tests that are not in C++: find_things CGROUP MARK [FOLDER]... prints what
// LeakScope's things are there now, one line each.
#include <iostream>

#include "tests/testing/leak_check.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: find_things CGROUP MARK [FOLDER]...\n";
    return 2;
  }
  const trivet::testing::LeakScope scope{
      .folders = {argv + 3, argv + argc}, .cgroup = argv[1], .process_mark = argv[2]};
  // Its own command line has the mark, too.
  for (const std::string& thing : trivet::testing::FindThings(scope)) {
    if (thing.find("find_things") == std::string::npos) std::cout << thing << '\n';
  }
  return 0;
}
