#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace trivet {

/// The parts between the separators, empty ones too: "a//b/" at '/' is {"a", "", "b", ""}.
/// Of an empty text one empty part. They point into `text`.
std::vector<std::string_view> SplitAt(std::string_view text, char separator);

/// Without any of `blanks` at either end. Points into `text`.
std::string_view WithoutBlanks(std::string_view text, std::string_view blanks = " \t\r");

/// The parts between white space (of the C locale), none of them empty.
std::vector<std::string> SplitWords(std::string_view text);

}  // namespace trivet
