#pragma once

#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <string_view>

namespace trivet::fuzz {

/// A protobuf message in its text form, which people can read and a fuzzer can change; false when
/// it is none.
template <class Message>
bool ReadText(std::string_view input, Message& message) {
  class Silent : public google::protobuf::io::ErrorCollector {
    void AddError(int /*line*/, int /*column*/, const std::string& /*message*/) override {}
  } silent;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&silent);
  parser.SetRecursionLimit(32);
  return parser.ParseFromString(std::string(input), &message);
}

}  // namespace trivet::fuzz
